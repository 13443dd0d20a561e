"""How often and how much an item pays from one thing: held against what we paid ourselves.

What a department knows of it may be old; what was settled here is not. A further payment of the
same application (a correction) is not another time.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypedDict

from citybrain.city_day import city_day
from citybrain.domain.ages import months_between
from citybrain.errors import Refused


class Payment(TypedDict):
    """What was paid from a thing: by which item, to whom, for which application."""

    service: str
    application_id: str
    citizen_id: str
    amount_fen: int
    at: datetime


@dataclass(frozen=True, slots=True)
class Limits:
    """At most so many times, once in so many months, at most so much in all; None: no limit."""

    times: int | None = None
    months: int | None = None
    most_fen: int | None = None

    def tighter(self, other: "Limits") -> "Limits":
        """Both at once, where one thing is named twice. Of two times in months, the longer."""
        months = [each for each in (self.months, other.months) if each is not None]
        return Limits(
            _least(self.times, other.times),
            max(months, default=None),
            _least(self.most_fen, other.most_fen),
        )


def _least(*numbers: int | None) -> int | None:
    return min((each for each in numbers if each is not None), default=None)


NONE = Limits()


class LimitReached(Refused):
    """What was paid from this before leaves nothing for this application."""

    code = "paid-before"


class PaidAsOften(LimitReached):
    """It was paid from this as often as the item pays."""

    code = "paid-as-often-as-it-may"


class PaidTooLately(LimitReached):
    """The last payment from this was too short a time ago."""

    code = "paid-too-lately"


class PaidAsMuch(LimitReached):
    """With this amount more would be paid from this than the item pays in all."""

    code = "paid-as-much-as-it-may"


def check_limits(
    limits: Limits,
    payments: Sequence[Payment],
    now: datetime,
    *,
    service: str,
    application_id: str,
    amount_fen: int,
) -> None:
    """Raise one of `LimitReached` where an item has paid from a thing what it may pay."""
    own = [payment for payment in payments if payment["service"] == service]
    others = [payment for payment in own if payment["application_id"] != application_id]
    times = len({payment["application_id"] for payment in others})
    if limits.times is not None and times >= limits.times:
        raise PaidAsOften(f"it is paid from this {limits.times} times at most")
    if limits.months is not None and others:
        last = city_day(max(payment["at"] for payment in others))
        if months_between(last, city_day(now)) < limits.months:
            raise PaidTooLately(f"it is paid from this once in {limits.months} months")
    paid_fen = sum(payment["amount_fen"] for payment in own)
    if limits.most_fen is not None and paid_fen + amount_fen > limits.most_fen:
        raise PaidAsMuch("more would be paid from this than it pays in all")

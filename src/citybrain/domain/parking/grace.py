"""What is still owed on leaving, after a payment before: for some minutes nothing more.

While the way out was held up, by a fault of a barrier or a queue that our own counters show, the
grace does not run.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from citybrain.domain.parking.price import Price
from citybrain.domain.parking.pricing import price
from citybrain.domain.parking.stay import Span, Stay
from citybrain.domain.parking.tariff import Tariff


@dataclass(frozen=True, slots=True)
class Paid:
    """Money that came for a stay. `priced_until`: of which price it was, where that was earlier.

    Who pays what they were asked for has paid all that was due, if a minute more has begun since.
    """

    at: datetime
    fen: int
    priced_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Owed:
    """What is owed on leaving. `grace_until` is that of the last payment that had paid all.

    `due_fen` is what the whole stay costs: in the grace no more than was paid.
    """

    fen: int
    due_fen: int
    paid_fen: int
    price: Price
    grace_until: datetime | None
    in_grace: bool


def owed_on_leaving(
    stay: Stay, tariff: Tariff, payments: Sequence[Paid], held_up: Iterable[Span] = ()
) -> Owed:
    """What a stay that has ended owes beside what was paid; raises what `price` raises.

    Who had paid all that was due, and left within the grace, owes nothing. After it the whole stay
    is priced, and what was paid is taken off. `held_up`: when the way out was; without an end: it
    still is.
    """
    leaving = price(stay, tariff)
    spans = [replace(span, ends=span.ends or stay.end) for span in held_up]
    paid_fen, grace_until = 0, None
    for paid in sorted(payments, key=lambda each: each.at):
        paid_fen += paid.fen
        at = min(max(paid.priced_until or paid.at, stay.start), stay.end)
        then = price(replace(stay, end=at), tariff)
        if paid.at <= stay.end and paid_fen >= then.total_fen:
            minutes = int(then.choices["grace_minutes"] or 0)
            grace_until = grace_ends(paid.at, timedelta(minutes=minutes), spans)
    in_grace = grace_until is not None and stay.end <= grace_until
    due_fen = min(paid_fen, leaving.total_fen) if in_grace else leaving.total_fen
    return Owed(max(due_fen - paid_fen, 0), due_fen, paid_fen, leaving, grace_until, in_grace)


def grace_ends(paid_at: datetime, grace: timedelta, held_up: Iterable[Span]) -> datetime:
    """When the grace after a payment is over; it does not run in spans, which have an end."""
    at, left = paid_at, grace
    for span in sorted(held_up, key=lambda each: each.begins):
        if span.ends is None or span.ends <= at:
            continue
        before = max(span.begins - at, timedelta())
        if before >= left:
            break
        left -= before
        at = span.ends
    return at + left

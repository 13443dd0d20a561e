"""What the vehicle registry says of a plate and a person: from when until when it is theirs.

The registry is asked about one person and answers about nobody else. What it says in a form that
was not agreed is no answer; what it does not say is not known.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import Any

from citybrain.city_day import CITY_ZONE
from citybrain.domain.times import as_text, moment
from citybrain.errors import Refused

PRIVATE = "private"


class RegistryAnswerUnusable(Refused):
    """The registry's record is not what was agreed, or is about another plate or person."""

    code = "registry-answer-unusable"


@dataclass(frozen=True, slots=True)
class Registration:
    """Whether a plate is or was registered to whoever was asked about.

    From `since` on until before `until`; None: it goes on, or nobody says. `use` is the
    registry's word for what the vehicle is for.
    """

    registered: bool
    since: datetime | None = None
    until: datetime | None = None
    use: str = PRIVATE

    def holds_at(self, at: datetime) -> bool:
        """Whether it is theirs at a moment."""
        return (
            self.registered
            and self.since is not None
            and self.since <= at
            and (self.until is None or at < self.until)
        )

    def members(self) -> dict[str, Any]:
        """For an event."""
        return {
            "registered": self.registered,
            "since": self.since and as_text(self.since),
            "until": self.until and as_text(self.until),
            "use": self.use,
        }

    @classmethod
    def of(cls, members: Mapping[str, Any]) -> "Registration":
        """From an event or a state."""
        return cls(
            registered=members["registered"],
            since=members["since"] and moment(members["since"]),
            until=members["until"] and moment(members["until"]),
            use=members["use"],
        )


def registration_in(record: Mapping[str, Any], *, id_number: str, plate: str) -> Registration:
    """What a signed record says; raises `RegistryAnswerUnusable`.

    A record of nobody's has `registered: false`; where the vehicle was theirs once it has both
    times. A day without an hour is the day's beginning in the city: the buyer's from then on.
    """
    registered = record.get("registered")
    if type(registered) is not bool or record.get("plate") != plate:
        raise RegistryAnswerUnusable("the record is not about this plate")
    since, until = _moment(record.get("since")), _moment(record.get("until"))
    use = record.get("use", PRIVATE)
    if not isinstance(use, str) or not 0 < len(use) <= 64:
        raise RegistryAnswerUnusable("the record does not say for what the vehicle is used")
    if registered and (record.get("owner") != id_number or since is None):
        raise RegistryAnswerUnusable("the record does not say whose it is, and since when")
    if since is not None and until is not None and until < since:
        raise RegistryAnswerUnusable("the record ends before it begins")
    return Registration(registered, since, until, use)


def _moment(said: Any) -> datetime | None:
    """A moment with its offset, or the beginning of a day in the city."""
    if said is None:
        return None
    try:
        if isinstance(said, str) and len(said) == 10:
            return datetime.combine(date.fromisoformat(said), time(), CITY_ZONE).astimezone(UTC)
        at = datetime.fromisoformat(said)
    except (TypeError, ValueError) as error:
        raise RegistryAnswerUnusable("the record has a time that is none") from error
    if at.tzinfo is None:
        raise RegistryAnswerUnusable("the record has a time without an offset")
    return at.astimezone(UTC)

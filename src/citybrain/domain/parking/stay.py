"""A stay: what is priced. One car in one tariff zone from one instant to another.

A car that moves to another berth soon enough, or stands across two, is one stay: see `joined`.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from citybrain.domain.parking.plate_grammar import PlateClass
from citybrain.errors import InvalidInput


class StayInvalid(InvalidInput):
    """A stay has a beginning and an end with offsets from UTC, in this order, and a time zone."""

    code = "stay-invalid"


@dataclass(frozen=True, slots=True)
class Occupancy:
    """One berth held by one car."""

    berth: str
    begins: datetime
    ends: datetime


@dataclass(frozen=True, slots=True)
class Permit:
    """A right of a car at the place of its stay, from an instant on until before another.

    `kind` is what exemptions of a tariff ask for: a resident's permit, a disabled person's badge
    that is used with this car. Whoever prices names only those that hold at the place.
    """

    kind: str
    begins: datetime
    ends: datetime | None = None


@dataclass(frozen=True, slots=True)
class Span:
    """From an instant until before another; None: it goes on."""

    begins: datetime
    ends: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Stay:
    """What a price follows from, beside the tariff.

    `time_zone`: of the place, where it is not the tariff's. `plate_class`: None where no plate was
    read. `charging`: when the car was charged. `earlier_fen`: what the same plate's other stays
    cost by day, for a cap per plate and day. `berths`, `merge_gap`: of a stay that `joined` made.
    `began_under`: the tariff version in force when it began, where that was noted.
    """

    start: datetime
    end: datetime
    zone: str
    time_zone: str | None = None
    plate_class: PlateClass | None = None
    permits: tuple[Permit, ...] = ()
    charging: tuple[Span, ...] = ()
    earlier_fen: Mapping[date, int] = field(default_factory=dict)
    berths: tuple[Occupancy, ...] = ()
    merge_gap: timedelta | None = None
    began_under: str | None = None

    def __post_init__(self) -> None:
        if self.start.tzinfo is None or self.end.tzinfo is None:
            raise StayInvalid("a stay begins and ends at times with an offset from UTC")
        if self.end < self.start:
            raise StayInvalid("a stay ends after it begins")


def joined(occupancies: Iterable[Occupancy], gap: timedelta) -> list[tuple[Occupancy, ...]]:
    """The stays of one car in one zone: berths held at once or at most `gap` after one another."""
    stays: list[list[Occupancy]] = []
    until: datetime | None = None
    for each in sorted(occupancies, key=lambda o: (o.begins, o.ends, o.berth)):
        if until is not None and each.begins - until <= gap:
            stays[-1].append(each)
            until = max(until, each.ends)
        else:
            stays.append([each])
            until = each.ends
    return [tuple(stay) for stay in stays]

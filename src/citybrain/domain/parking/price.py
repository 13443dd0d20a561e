"""A price, line by line: what an event carries, a receipt shows and "why was I charged?" answers.

A price may be 0; only money that moves is a `Fen`. Written as plain values, it reads back the same.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from citybrain.domain.parking.stay import Occupancy
from citybrain.domain.parking.tariff import Charged
from citybrain.domain.times import as_text, moment


class LineKind(StrEnum):
    """What a line is for."""

    PARKING = "parking"
    IDLE = "idle"
    """Standing at a charger after charging."""


class Zero(StrEnum):
    """Why a line is 0."""

    EXEMPT = "exempt"
    """`rule` names the exemption."""
    FREE_DAY = "free-day"
    """`rule` says which kind, `calendar` by which notice."""
    OUTSIDE_HOURS = "outside-charged-hours"
    FREE_MINUTES = "free-minutes"
    FREE_RATE = "free-rate"
    NO_WHOLE_UNIT = "no-whole-unit"
    NO_TIME = "no-time-to-count"
    CAP_REACHED = "cap-reached"
    COURTESY = "courtesy"


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """What one day, slice or kind costs.

    `day` is that of the window, which belongs to the day on which it begins. `counted_seconds` are
    whole minutes where the version drops seconds. `cap` is the code of the one that lowered it.
    """

    kind: LineKind = LineKind.PARKING
    day: date
    version: str
    rule: str
    begins: datetime
    ends: datetime
    counted_seconds: int = 0
    steps: tuple[Charged, ...] = ()
    uncapped_fen: int = 0
    fen: int = 0
    cap: str | None = None
    zero: Zero | None = None
    calendar: str | None = None

    @property
    def minutes(self) -> int:
        """The whole minutes counted."""
        return self.counted_seconds // 60

    def as_dict(self) -> dict[str, Any]:
        """As an event carries it."""
        return asdict(self) | {
            "kind": self.kind.value,
            "day": self.day.isoformat(),
            "begins": as_text(self.begins),
            "ends": as_text(self.ends),
            "steps": [asdict(step) for step in self.steps],
            "zero": None if self.zero is None else self.zero.value,
        }

    @classmethod
    def from_dict(cls, said: Mapping[str, Any]) -> "Line":
        """The line that an event carries."""
        return cls(
            **{
                **said,
                "kind": LineKind(said["kind"]),
                "day": date.fromisoformat(said["day"]),
                "begins": moment(said["begins"]),
                "ends": moment(said["ends"]),
                "steps": tuple(Charged(**step) for step in said["steps"]),
                "zero": None if said["zero"] is None else Zero(said["zero"]),
            }
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """What a stay costs, and by which rules: `choices` has those that sources leave open."""

    zone: str
    lines: tuple[Line, ...]
    choices: Mapping[str, str | int | None]
    berths: tuple[Occupancy, ...] = ()

    @property
    def total_fen(self) -> int:
        """The sum of all lines."""
        return sum(line.fen for line in self.lines)

    @property
    def uncapped_fen(self) -> int:
        """What it would be without caps."""
        return sum(line.uncapped_fen for line in self.lines)

    @property
    def versions(self) -> tuple[str, ...]:
        """The tariff versions that decided, in the order of the lines."""
        return tuple(dict.fromkeys(line.version for line in self.lines))

    def by_day(self) -> dict[date, int]:
        """What parking costs on each day: what a cap per plate and day adds up."""
        found: dict[date, int] = {}
        for line in self.lines:
            if line.kind is LineKind.PARKING and line.fen:
                found[line.day] = found.get(line.day, 0) + line.fen
        return found

    def as_dict(self) -> dict[str, Any]:
        """As an event carries it."""
        return {
            "zone": self.zone,
            "total_fen": self.total_fen,
            "lines": [line.as_dict() for line in self.lines],
            "choices": dict(self.choices),
            "berths": [
                {"berth": each.berth, "begins": as_text(each.begins), "ends": as_text(each.ends)}
                for each in self.berths
            ],
        }

    @classmethod
    def from_dict(cls, said: Mapping[str, Any]) -> "Price":
        """The price that an event carries."""
        return cls(
            zone=said["zone"],
            lines=tuple(Line.from_dict(line) for line in said["lines"]),
            choices=dict(said["choices"]),
            berths=tuple(
                Occupancy(each["berth"], moment(each["begins"]), moment(each["ends"]))
                for each in said["berths"]
            ),
        )

"""A tariff as plain values: what is charged when, for how long, to whom not, and up to what.

What sources leave open (do seconds count, does the ladder start anew each day, which version prices
a stay over a change …) is a member here and never a constant; a `Price` names what decided.
`citybrain.definitions.parking.tariffs` makes these values from a city's dated files.
"""

from bisect import bisect_right
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from enum import StrEnum
from functools import cached_property

from citybrain.domain.parking.free_days import FreeDays
from citybrain.domain.parking.plate_grammar import PlateClass
from citybrain.errors import InvalidInput, NotFound

DAY_MINUTES = 24 * 60


class TariffNotInForce(InvalidInput):
    """No version of the tariff is in force on that day: nothing is priced by another day's."""

    code = "tariff-not-in-force"


class UnknownTariffVersion(NotFound):
    """The tariff has no such version."""

    code = "tariff-version-unknown"


class UnknownTariffZone(InvalidInput):
    """The version has no such tariff zone."""

    code = "tariff-zone-unknown"


class Seconds(StrEnum):
    """What becomes of the seconds of a stay."""

    DROPPED = "dropped"
    """The length of the stay is whole minutes, rounded down."""
    COUNTED = "counted"
    """A second that has begun counts."""


class StartedUnit(StrEnum):
    """What becomes of a unit (an hour, as a rule) that is not over."""

    COUNTS = "counts"
    DROPPED = "dropped"


class Reset(StrEnum):
    """When the ladder starts anew."""

    DAILY = "daily"
    """With each window of each day."""
    NEVER = "never"
    """One ladder for the whole stay, of the version in which its first minute is charged."""


class OnChange(StrEnum):
    """Which version prices a stay during which the tariff changes."""

    SLICE = "slice"
    """Each day the version of that day."""
    START = "start"
    """The version in force when the stay began."""


class FreeMinutesKind(StrEnum):
    """How free minutes are free."""

    CLIFF = "cliff"
    """A stay that is no longer is free; a longer one pays from its first minute."""
    DEDUCTED = "deducted"
    """Every stay's first minutes are free."""


class CapPer(StrEnum):
    """What a cap is the most for. In this order caps are applied."""

    WINDOW = "window"
    """One window of one day, of one stay."""
    DAY = "day"
    """All windows of one day, of one stay."""
    STAY = "stay"
    """One stay."""
    PLATE_DAY = "plate-and-day"
    """All stays of one plate on one day."""


@dataclass(frozen=True, slots=True)
class Step:
    """A step of a ladder: `fen` for each `each_minutes`, so many `times`; the last one for ever."""

    fen: int
    each_minutes: int
    times: int | None = None


@dataclass(frozen=True, slots=True)
class Charged:
    """What of a step was charged: `units` times `fen`."""

    fen: int
    each_minutes: int
    units: int


@dataclass(frozen=True, slots=True)
class Ladder:
    """What time costs in one window of one zone."""

    steps: tuple[Step, ...]

    def charged(self, seconds: int, started: StartedUnit) -> tuple[Charged, ...]:
        """What is charged for so long, step by step."""
        found = []
        for step in self.steps:
            if seconds <= 0:
                break
            each = step.each_minutes * 60
            here = seconds if step.times is None else min(seconds, step.times * each)
            units = here // each
            if here % each and started is StartedUnit.COUNTS:
                units += 1
            if units:
                found.append(Charged(step.fen, step.each_minutes, units))
            seconds -= here
        return tuple(found)


@dataclass(frozen=True, slots=True)
class Window:
    """When time is charged, in minutes of the wall clock's day; `ends` ≤ `begins`: the next day.

    A window belongs to the day on which it begins. What no window covers is free.
    """

    code: str
    begins: int
    ends: int


@dataclass(frozen=True, slots=True)
class Stretch:
    """A part of each day that one window covers, or none (`code` is None).

    `of_the_day_before`: it is the end of the window that began on the day before.
    """

    begins: int
    ends: int
    code: str | None
    of_the_day_before: bool = False


@dataclass(frozen=True, slots=True)
class FreeMinutes:
    """Minutes at the beginning of a stay that cost nothing."""

    minutes: int
    kind: FreeMinutesKind


@dataclass(frozen=True, slots=True)
class Cap:
    """The most that is charged, for parking; `zones` None: in all."""

    code: str
    per: CapPer
    fen: int
    zones: frozenset[str] | None = None

    def holds_in(self, zone: str) -> bool:
        """Whether it is a cap of that zone."""
        return self.zones is None or zone in self.zones


@dataclass(frozen=True, slots=True)
class Exemption:
    """Who pays nothing: by class of plate, by permit, or while the car charges; one of the three.

    `windows`: only in these; `first_minutes`: only so long in a stay; `also_idle`: nor the fee for
    standing at a charger after charging.
    """

    code: str
    classes: frozenset[PlateClass] = frozenset()
    permits: frozenset[str] = frozenset()
    while_charging: bool = False
    windows: frozenset[str] | None = None
    first_minutes: int | None = None
    also_idle: bool = False

    def holds_in(self, window: str | None) -> bool:
        """Whether it is one in that window; None is the time outside of all."""
        return self.windows is None or window in self.windows


@dataclass(frozen=True, slots=True)
class IdleFee:
    """What it costs to stand at a charger when charging is over, after some minutes of courtesy.

    It is a line of its own, rounded by itself, with its own `most_fen`; no cap of parking is
    applied to it. `windows`: only in these, else round the clock.
    """

    courtesy_minutes: int
    fen: int
    each_minutes: int
    most_fen: int | None = None
    windows: frozenset[str] | None = None


@dataclass(frozen=True, kw_only=True)
class TariffVersion:
    """What is in force from a day on. `zones` have a ladder for every window."""

    id: str
    valid_from: date
    published: date
    time_zone: str
    windows: tuple[Window, ...]
    zones: Mapping[str, Mapping[str, Ladder]]
    seconds: Seconds = Seconds.DROPPED
    started_unit: StartedUnit = StartedUnit.COUNTS
    reset: Reset = Reset.DAILY
    on_change: OnChange = OnChange.SLICE
    free_minutes: FreeMinutes | None = None
    grace_minutes: int = 0
    caps: tuple[Cap, ...] = ()
    exemptions: tuple[Exemption, ...] = ()
    free_days: FreeDays | None = None
    idle: IdleFee | None = None

    @property
    def order(self) -> tuple[date, date]:
        """Where it stands among the versions of its tariff: only one of a tariff stands there."""
        return self.valid_from, self.published

    @cached_property
    def day(self) -> tuple[Stretch, ...]:
        """Every day from midnight to midnight, by the wall clock."""
        parts: list[Stretch] = []
        for window in self.windows:
            if window.ends > window.begins:
                parts.append(Stretch(window.begins, window.ends, window.code))
                continue
            parts.append(Stretch(window.begins, DAY_MINUTES, window.code))
            if window.ends:
                parts.append(Stretch(0, window.ends, window.code, of_the_day_before=True))
        found: list[Stretch] = []
        at = 0
        for part in sorted(parts, key=lambda part: part.begins):
            if part.begins > at:
                found.append(Stretch(at, part.begins, None))
            found.append(part)
            at = part.ends
        if at < DAY_MINUTES:
            found.append(Stretch(at, DAY_MINUTES, None))
        return tuple(found)

    @cached_property
    def choices(self) -> dict[str, str | int | None]:
        """What sources leave open of how time is counted, as this version has it."""
        free = self.free_minutes
        return {
            "version": self.id,
            "seconds": self.seconds.value,
            "started_unit": self.started_unit.value,
            "reset": self.reset.value,
            "on_change": self.on_change.value,
            "free_minutes": 0 if free is None else free.minutes,
            "free_minutes_kind": None if free is None else free.kind.value,
            "grace_minutes": self.grace_minutes,
        }

    def rates(self, zone: str) -> Mapping[str, Ladder]:
        """The ladder of each window in a zone; raises `UnknownTariffZone`."""
        try:
            return self.zones[zone]
        except KeyError:
            raise UnknownTariffZone(
                f"tariff version {self.id} has no zone {zone!r}", zone=zone, version=self.id
            ) from None

    def caps_of(self, zone: str, *per: CapPer) -> tuple[Cap, ...]:
        """The caps of these kinds in a zone."""
        return tuple(cap for cap in self.caps if cap.per in per and cap.holds_in(zone))


@dataclass(frozen=True)
class Tariff:
    """The versions of one tariff, by `valid_from` and then by when they were published.

    `gone`: those whose file was taken away or edited, in the same order. What began under one goes
    on under it; else they hold on days on which no other does, for stays go on all the same.
    """

    code: str
    versions: tuple[TariffVersion, ...]
    gone: tuple[TariffVersion, ...] = field(default=(), kw_only=True)
    fixed: TariffVersion | None = field(default=None, kw_only=True)
    announced: bool = field(default=False, kw_only=True)

    @property
    def reaches_back(self) -> bool:
        """Whether a version holds on a day before it was published."""
        return any(each.valid_from <= each.published for each in self.every)

    @property
    def caps_plates(self) -> bool:
        """Whether a version has a cap for all stays of a plate on a day."""
        return any(cap.per is CapPer.PLATE_DAY for each in self.every for cap in each.caps)

    @property
    def time_zone(self) -> str:
        """The zone of its wall clock: the same in all versions."""
        return self.offered[0].time_zone

    @property
    def every(self) -> tuple[TariffVersion, ...]:
        """All versions, of files and gone."""
        return (*self.gone, *self.versions)

    @property
    def offered(self) -> tuple[TariffVersion, ...]:
        """The versions of files; where no file is left those that are gone, for they hold on."""
        return self.versions or self.gone

    @cached_property
    def _days(self) -> tuple[date, ...]:
        return tuple(version.valid_from for version in self.versions)

    @cached_property
    def _by_id(self) -> dict[str, TariffVersion]:
        return {version.id: version for version in self.every}

    @cached_property
    def _gone_by_id(self) -> dict[str, TariffVersion]:
        return {version.id: version for version in self.gone}

    def at(self, day: date) -> TariffVersion:
        """The version in force on a day of the place; raises `TariffNotInForce`."""
        if self.fixed is not None:
            return self.fixed
        place = bisect_right(self._days, day)
        for each in (*reversed(self.versions[:place]), *reversed(self.gone)):
            if each.valid_from <= day and not (self.announced and each.published >= day):
                return each
        raise TariffNotInForce(
            f"no version of tariff {self.code!r} is in force on {day}",
            tariff=self.code,
            day=day.isoformat(),
        )

    def version(self, id: str) -> TariffVersion:
        """The version of this id; raises `UnknownTariffVersion`."""
        try:
            return self._by_id[id]
        except KeyError:
            raise UnknownTariffVersion(
                f"tariff {self.code!r} has no version {id!r}", tariff=self.code, version=id
            ) from None

    def in_a_file(self, id: str) -> TariffVersion:
        """The version of this id that a file has; raises `UnknownTariffVersion`."""
        version = self.version(id)
        if version not in self.versions:
            raise UnknownTariffVersion(f"no file has {id!r} any more", tariff=self.code, version=id)
        return version

    def named(self, text: str) -> TariffVersion:
        """The version of this id, or the last one of this day; raises `UnknownTariffVersion`."""
        of_day = [each for each in self.every if each.valid_from.isoformat() == text]
        return of_day[-1] if of_day else self.version(text)

    def only(self, id: str) -> "Tariff":
        """As if this version had always been in force; raises `UnknownTariffVersion`."""
        return replace(self, fixed=self.version(id))

    def begun_under(self, id: str | None, day: date) -> "Tariff":
        """For what began on `day` under this version: where it is gone it holds all the same.

        From its first day on it holds as when it stood in a file, in place of what has been
        written there since. What was published on that day or later comes after it, as ever.
        """
        began = None if id is None else self._gone_by_id.get(id)
        if began is None or self.fixed is not None:
            return self
        others = [
            each
            for each in self.versions
            if each.order < began.order or each.valid_from > day or each.published >= day
        ]
        return self._with(began, others)

    def including(self, id: str) -> "Tariff":
        """With this version in its place, though no file has it any more."""
        gone = self._gone_by_id.get(id)
        return self if gone is None else self._with(gone, self.versions)

    def _with(self, gone: TariffVersion, others: Iterable[TariffVersion]) -> "Tariff":
        kept = [each for each in others if each.order != gone.order]
        versions = tuple(sorted((*kept, gone), key=lambda each: each.order))
        return replace(self, versions=versions)

    def as_announced(self) -> "Tariff":
        """As it was known on each day: no version holds on a day before it was published."""
        return replace(self, announced=True)

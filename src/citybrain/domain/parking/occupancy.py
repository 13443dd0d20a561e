"""What a count of free places says: how sure it is, how full it is, and how an hour was.

The number is kept as it was reported. It is believed where it can be: a sentinel, a counter that
has drifted too far and more free places than there are say nothing of the occupancy. Durations come
from instants, hours from the wall clock of a place: an hour that the clocks repeat is one of 7200
seconds, and one that they skip is none.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from itertools import accumulate
from zoneinfo import ZoneInfo

from citybrain.domain.parking.place import PlaceVersion
from citybrain.domain.parking.rules import ParkingRules

UNKNOWN = -1.0
"""A metric whose source said nothing for most of its time (CDS Metrics)."""

SECOND = timedelta(seconds=1)


class CountState(StrEnum):
    """What a count is worth."""

    KNOWN = "known"
    FULL_COUNTER_OFF = "full-counter-off"  # a little below nothing: it is full, and miscounts
    UNKNOWN = "unknown"
    STALE = "stale"  # it holds no more: nothing has been said since


class CountAnomaly(StrEnum):
    """Why a count is not believed, or not whole."""

    MISSING = "count-missing"
    SENTINEL = "sentinel"
    COUNTER_OFF = "counter-off"
    COUNTER_DRIFTED = "counter-drifted"
    ABOVE_CAPACITY = "free-above-capacity"


@dataclass(frozen=True, slots=True, kw_only=True)
class Counting:
    """How counts of a facility are read at a moment; `version` says what decided."""

    capacity: int | None
    sentinels: tuple[int, ...]
    drift: int
    silence_seconds: int
    version: str

    @classmethod
    def of(cls, facility: PlaceVersion, rules: ParkingRules) -> "Counting":
        """What is said of the facility, and the rules of parking where nothing is."""
        silence = facility.silence_seconds
        return cls(
            capacity=facility.capacity,
            sentinels=tuple(facility.sentinels),
            drift=rules.counter_drift if facility.drift is None else facility.drift,
            silence_seconds=rules.silence_limit // SECOND if silence is None else silence,
            version=f"{facility.valid_from.isoformat()}|{rules.version}",
        )


@dataclass(frozen=True, slots=True)
class Judged:
    """What a count is worth, and why; `off_by`: how far the counter is below nothing."""

    state: CountState
    anomaly: CountAnomaly | None = None
    off_by: int = 0


def judge(free: int | None, counting: Counting) -> Judged:
    """What a reported number of free places is worth."""
    if free is None:
        return Judged(CountState.UNKNOWN, CountAnomaly.MISSING)
    if free in counting.sentinels:
        return Judged(CountState.UNKNOWN, CountAnomaly.SENTINEL)
    if free < -counting.drift:
        return Judged(CountState.UNKNOWN, CountAnomaly.COUNTER_DRIFTED, -free)
    if free < 0:
        return Judged(CountState.FULL_COUNTER_OFF, CountAnomaly.COUNTER_OFF, -free)
    if counting.capacity is not None and free > counting.capacity:
        return Judged(CountState.UNKNOWN, CountAnomaly.ABOVE_CAPACITY)
    return Judged(CountState.KNOWN)


@dataclass(frozen=True, slots=True, kw_only=True)
class Count:
    """A number of free places, and what it is worth; `read_at`: from when on it is so.

    `counted_at`: when the counter was read that this rests on, where loops have moved it since.
    `drift` None: not known, so nothing is too far below nothing.
    """

    read_at: datetime
    free: int | None
    state: CountState
    capacity: int | None
    silence_seconds: int
    drift: int | None = None
    counted_at: datetime | None = None

    @property
    def holds_until(self) -> datetime:
        """From then on it is stale, if nothing has been said since."""
        return (self.counted_at or self.read_at) + timedelta(seconds=self.silence_seconds)

    def state_at(self, moment: datetime) -> CountState:
        """What it is worth at a moment, where it is the last one."""
        return self.state if moment < self.holds_until else CountState.STALE

    @property
    def places_free(self) -> int | None:
        """How many places are free, never fewer than none; None where it is not known."""
        if self.free is None or self.state not in BELIEVED:
            return None
        return max(self.free, 0)

    @property
    def occupancy(self) -> float | None:
        """The share of places that are taken, from 0 to 1; None where it is not known."""
        free = self.places_free
        if free is None or not self.capacity:
            return None
        return (self.capacity - free) / self.capacity

    def moved(self, places: int, at: datetime) -> tuple["Count", Judged]:
        """The count that so many places make of it, as the counter would be read; and why.

        Where it is not believed, nothing that loops count makes it known.
        """
        if self.free is None or self.state not in BELIEVED:
            return self, Judged(self.state)
        free = self.free + places
        counting = Counting(
            capacity=self.capacity,
            sentinels=(),
            drift=max(-free, 0) if self.drift is None else self.drift,
            silence_seconds=self.silence_seconds,
            version="",
        )
        judged = judge(free, counting)
        now = replace(self, read_at=at, counted_at=self.read_at, free=free, state=judged.state)
        return now, judged


@dataclass(frozen=True, slots=True)
class Passed:
    """What a loop counted: so many places more are free, or fewer where that is below nothing."""

    at: datetime
    places: int


def followed(counts: Sequence[Count], passed: Sequence[Passed]) -> list[Count]:
    """Counts, and after each what loops make of it while it holds; the next one corrects that.

    Both are in the order of time. What was counted at the moment of a reading is in it.
    """
    found: list[Count] = []
    following = [*(each.read_at for each in counts[1:]), None]
    moments = [each.at for each in passed]
    for count, until in zip(counts, following, strict=True):
        found.append(count)
        if count.places_free is None:
            continue
        ends = count.holds_until if until is None else min(until, count.holds_until)
        first, last = bisect_right(moments, count.read_at), bisect_left(moments, ends)
        places = accumulate(each.places for each in passed[first:last])
        found += [
            count.moved(so_far, each.at)[0]
            for each, so_far in zip(passed[first:last], places, strict=True)
        ]
    return found


BELIEVED = frozenset({CountState.KNOWN, CountState.FULL_COUNTER_OFF})


@dataclass(slots=True)
class Hour:
    """One hour of a wall clock: `seconds` are 7200 where the clocks repeat it.

    `occupancy` is the mean over the time for which it is known, from 0 to 1, and `mean_free` that
    of free places: `UNKNOWN` where the count is not known for most of the hour. `occupancy` None:
    the capacity is not known.
    """

    date: date
    hour: int
    seconds: float = 0.0
    known_seconds: float = 0.0
    readings: int = 0
    occupancy: float | None = None
    mean_free: float = UNKNOWN


def hours(counts: Sequence[Count], since: datetime, until: datetime, zone: ZoneInfo) -> list[Hour]:
    """The hours of a wall clock from an instant until another.

    `counts` are in the order of time; the last one before `since` is among them, if there is one.
    Those that loops moved are no readings.
    """
    found: dict[tuple[date, int], _Sums] = {}
    for begin, end in _wall_hours(since, until, zone):
        local = begin.astimezone(zone)
        sums = found.setdefault((local.date(), local.hour), _Sums())
        sums.seconds += (end - begin) / SECOND
    for count, begin, end in _spans(counts, since, until):
        for part, part_end in _wall_hours(begin, end, zone):
            local = part.astimezone(zone)
            found[local.date(), local.hour].add(count, (part_end - part) / SECOND)
    for count in counts:
        if count.counted_at is None and since <= count.read_at < until:
            local = count.read_at.astimezone(zone)
            found[local.date(), local.hour].readings += 1
    return [sums.hour(day, hour) for (day, hour), sums in found.items()]


def _spans(
    counts: Sequence[Count], since: datetime, until: datetime
) -> Iterator[tuple[Count, datetime, datetime]]:
    """From when until when each count holds, within the time asked for."""
    following = [*(count.read_at for count in counts[1:]), until]
    for count, next_at in zip(counts, following, strict=False):
        begin, end = max(count.read_at, since), min(next_at, count.holds_until, until)
        if begin < end:
            yield count, begin, end


def _wall_hours(
    since: datetime, until: datetime, zone: ZoneInfo
) -> Iterator[tuple[datetime, datetime]]:
    """The time cut where hours of the wall clock begin."""
    begin = since.astimezone(UTC)
    while begin < until:
        local = begin.astimezone(zone)
        into = timedelta(minutes=local.minute, seconds=local.second, microseconds=local.microsecond)
        end = min(begin + timedelta(hours=1) - into, until)
        yield begin, end
        begin = end


@dataclass(slots=True)
class _Sums:
    """What an hour adds up to."""

    seconds: float = 0.0
    known: float = 0.0
    free: float = 0.0
    taken: float = 0.0
    counted: float = 0.0
    readings: int = 0

    def add(self, count: Count, seconds: float) -> None:
        free, occupancy = count.places_free, count.occupancy
        if free is not None:
            self.known += seconds
            self.free += free * seconds
        if occupancy is not None:
            self.counted += seconds
            self.taken += occupancy * seconds

    def hour(self, day: date, hour: int) -> Hour:
        found = Hour(day, hour, self.seconds, self.known, self.readings)
        if (self.seconds - self.known) * 2 > self.seconds or not self.known:
            found.occupancy = UNKNOWN
            return found
        found.mean_free = self.free / self.known
        found.occupancy = self.taken / self.counted if self.counted else None
        return found

"""Hours of parking: who stood where for how long in each, and whether anybody was looking.

An hour is one of the wall clock, by local date and hour: where clocks go back it is two hours long,
and where they go forward there is none. Durations are of instants.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

Interval = tuple[datetime, datetime]
"""From a moment until before another."""

OFFLINE = -1.0
HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class LocalHour:
    """An hour as the wall clock has it."""

    day: date
    hour: int
    begins: datetime
    ends: datetime

    @property
    def seconds(self) -> float:
        """How long it is: 3600, or twice that."""
        return (self.ends - self.begins).total_seconds()


@dataclass(frozen=True, slots=True)
class Stay:
    """One vehicle on one berth; still there where `ends` is None."""

    begins: datetime
    ends: datetime | None


@dataclass(slots=True)
class Berth:
    """What is known of one berth: stays, when nobody looked, and when a device said it was lost."""

    stays: list[Stay] = field(default_factory=list)
    silent: list[Interval] = field(default_factory=list)
    lost: list[Interval] = field(default_factory=list)
    events: list[datetime] = field(default_factory=list)


def hours_between(since: datetime, until: datetime, zone: ZoneInfo) -> list[LocalHour]:
    """The hours that lie wholly in a time, in their order."""
    found: list[LocalHour] = []
    at = since.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    quarter = timedelta(minutes=15)  # no zone's offset is finer
    begins, shown = None, None
    while at <= until:
        local = at.astimezone(zone)
        now = local.date(), local.hour
        if now != shown:
            if begins is not None and shown is not None and begins >= since:
                found.append(LocalHour(*shown, begins, at))
            begins, shown = at, now
            if local.minute:  # the range began within it
                begins = None
        at += quarter
    return [hour for hour in found if hour.ends <= until]


def metrics_of(hour: LocalHour, berths: Sequence[Berth]) -> dict[str, float]:
    """What CDS asks of an hour and a place of so many berths; all -1 where nobody was looking.

    Sessions count where they begin, and so does the mean of their length, in minutes, of those
    that have ended; it is left out where none has. Occupancy is the time taken of all there is.
    """
    window = hour.begins, hour.ends
    total = hour.seconds * len(berths)
    if not berths or sum(offline_seconds(berth, window) for berth in berths) * 2 > total:
        names = ("total_sessions", "turnover", "average_dwell_time", "occupancy_percent")
        return dict.fromkeys((*names, "total_events"), OFFLINE)
    begun = [
        stay for berth in berths for stay in berth.stays if hour.begins <= stay.begins < hour.ends
    ]
    dwelt = [stay.ends - stay.begins for stay in begun if stay.ends is not None]
    taken = sum(
        _length(united(_clipped(((each.begins, each.ends) for each in berth.stays), window)))
        for berth in berths
    )
    found = {
        "total_sessions": float(len(begun)),
        "turnover": len(begun) * HOUR.total_seconds() / hour.seconds,
        "occupancy_percent": taken / total,
        "total_events": float(
            sum(hour.begins <= at < hour.ends for berth in berths for at in berth.events)
        ),
    }
    if dwelt:
        found["average_dwell_time"] = sum(dwelt, timedelta()) / len(dwelt) / timedelta(minutes=1)
    return found


def offline_seconds(berth: Berth, window: Interval) -> float:
    """How long nothing was known of a berth.

    That a vehicle stood there until it left is known afterwards, however silent its device was
    meanwhile; what a device says it did not see is not known by that.
    """
    seen = ((stay.begins, stay.ends) for stay in berth.stays if stay.ends is not None)
    stays = united(_clipped(seen, window))
    silent = _without(united(_clipped(berth.silent, window)), stays)
    return _length(united([*silent, *_clipped(berth.lost, window)]))


def silences(heard: Iterable[datetime], window: Interval, limit: timedelta) -> list[Interval]:
    """When nothing was known any more: from the limit after each sign until the next one.

    `heard` is in its order, and may have begun before the window.
    """
    begins, ends = window
    found: list[Interval] = []
    known_until = begins
    for at in heard:
        if at > known_until:
            found.append((known_until, at))
        known_until = max(known_until, at + limit)
    if known_until < ends:
        found.append((known_until, ends))
    return list(_clipped(found, window))


def common(one: Sequence[Interval], other: Sequence[Interval]) -> list[Interval]:
    """What lies in both, each in order and without overlaps."""
    found = []
    for begin, end in one:
        for since, until in other:
            if max(begin, since) < min(end, until):
                found.append((max(begin, since), min(end, until)))
    return sorted(found)


def united(intervals: Iterable[Interval]) -> list[Interval]:
    """The same time, in order and without overlaps."""
    found: list[Interval] = []
    for begin, end in sorted(intervals):
        if found and begin <= found[-1][1]:
            found[-1] = (found[-1][0], max(end, found[-1][1]))
        else:
            found.append((begin, end))
    return found


def _clipped(
    intervals: Iterable[tuple[datetime, datetime | None]], window: Interval
) -> Iterable[Interval]:
    begins, ends = window
    for begin, end in intervals:
        since, until = max(begin, begins), ends if end is None else min(end, ends)
        if since < until:
            yield since, until


def _without(intervals: Sequence[Interval], others: Sequence[Interval]) -> list[Interval]:
    """What of intervals lies in none of the others."""
    found = []
    for begin, end in intervals:
        at = begin
        for since, until in others:
            if until <= at or since >= end:
                continue
            if since > at:
                found.append((at, since))
            at = max(at, until)
        if at < end:
            found.append((at, end))
    return found


def _length(intervals: Iterable[Interval]) -> float:
    return sum((end - begin).total_seconds() for begin, end in intervals)

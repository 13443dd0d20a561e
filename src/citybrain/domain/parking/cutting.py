"""Cuts time by the wall clock, and counts what is left.

Instants are whole microseconds since 1970 here: exact, and cheap to cut and compare. Durations come
from instants, only windows and days from the wall clock: where clocks go back, an hour that is
there twice counts twice; where they go forward, one that is not there does not count.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from citybrain.domain.parking.stay import StayInvalid
from citybrain.domain.parking.tariff import Seconds, TariffVersion

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
FIRST_DAY = EPOCH.date().toordinal()
MICROSECOND = timedelta(microseconds=1)
SECOND = 1_000_000
MINUTE = 60 * SECOND
DAY = 24 * 60 * MINUTE
ONE_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Clock:
    """Counts `total` units of time from an origin; a unit belongs to where it begins."""

    origin: int
    unit: int
    total: int

    @classmethod
    def of(cls, begin: int, end: int, seconds: Seconds) -> "Clock":
        """Whole minutes, or every second that has begun, from `begin` to `end`."""
        if seconds is Seconds.DROPPED:
            return cls(begin, MINUTE, (end - begin) // MINUTE)
        return cls(begin, SECOND, -((begin - end) // SECOND))

    @property
    def length(self) -> int:
        """All that is counted."""
        return self.total * self.unit

    def seconds(self, begin: int, end: int) -> int:
        """The length in seconds of all units that begin in [begin, end)."""
        units = min(self._before(end), self.total) - min(self._before(begin), self.total)
        return units * self.unit // SECOND

    def _before(self, at: int) -> int:
        """How many units begin before `at`."""
        return max(-((self.origin - at) // self.unit), 0)


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a stay in one window (None: outside of all), under one version.

    `day` is that of the wall clock, `window_day` the one on which its window began.
    """

    begin: int
    end: int
    day: date
    version: TariffVersion
    window: str | None
    window_day: date


def pieces(
    begin: int, end: int, zone: ZoneInfo, version_on: Callable[[date], TariffVersion]
) -> Iterator[Piece]:
    """The time from begin to end, cut by windows, days and versions."""
    for first, last, offset in _stretches(begin, end, zone):
        for number in range((first + offset) // DAY, (last + offset - 1) // DAY + 1):
            midnight = number * DAY - offset
            day = date.fromordinal(FIRST_DAY + number)
            version = version_on(day)
            for stretch in version.day:
                since = max(first, midnight + stretch.begins * MINUTE)
                until = min(last, midnight + stretch.ends * MINUTE)
                if since < until:
                    window_day = day - ONE_DAY if stretch.of_the_day_before else day
                    yield Piece(since, until, day, version, stretch.code, window_day)


def _stretches(begin: int, end: int, zone: ZoneInfo) -> Iterator[tuple[int, int, int]]:
    """The time from begin to end, cut where the wall clock is put forward or back.

    Each with its offset from UTC. Clocks that change twice within a day are not looked for.
    """
    at, since, offset = begin, begin, _offset(begin, zone)
    while at < end:
        following = min(at + DAY, end)
        other = _offset(following, zone)
        if other != offset:
            change = _change(at, following, offset, zone)
            yield since, change, offset
            since, offset = change, other
        at = following
    if since < end:
        yield since, end, offset


def _change(low: int, high: int, offset: int, zone: ZoneInfo) -> int:
    """The first instant after `low` at which the offset is another."""
    while high - low > 1:
        middle = (low + high) // 2
        if _offset(middle, zone) == offset:
            low = middle
        else:
            high = middle
    return high


def _offset(at: int, zone: ZoneInfo) -> int:
    offset = moment_of(at).astimezone(zone).utcoffset()
    assert offset is not None
    return offset // MICROSECOND


def instant(at: datetime) -> int:
    """A moment as microseconds since 1970."""
    return (at - EPOCH) // MICROSECOND


def moment_of(at: int) -> datetime:
    """The moment, in UTC, of so many microseconds since 1970."""
    return EPOCH + at * MICROSECOND


@cache
def zone_named(name: str) -> ZoneInfo:
    """The time zone of this name; raises `StayInvalid`."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise StayInvalid(f"there is no time zone {name!r}", time_zone=name) from None


def united(spans: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """Spans in order, those that touch made one, empty ones left out."""
    found: list[tuple[int, int]] = []
    for begin, end in sorted(spans):
        if begin >= end:
            continue
        if found and begin <= found[-1][1]:
            found[-1] = (found[-1][0], max(found[-1][1], end))
        else:
            found.append((begin, end))
    return found


def shortened(spans: Iterable[tuple[int, int]], length: int | None) -> Iterator[tuple[int, int]]:
    """The first so much of the spans; all where None."""
    for begin, end in spans:
        if length is None:
            yield begin, end
        elif length > 0:
            until = min(end, begin + length)
            yield begin, until
            length -= until - begin

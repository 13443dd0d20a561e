"""Five minutes of one detector, and what they come to.

They hold a set of readings: the same sums follow in whatever order and however often those came.
What stood in the zone when they began is carried into them, so a state that was said hours ago
counts until the detector is silent. Moments are milliseconds since 1970.
"""

import zlib
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum, StrEnum
from struct import Struct
from typing import NamedTuple, Self

from citybrain.domain.signals.detector_health import MINUTE_MS, WINDOW_MS, silent_after
from citybrain.domain.signals.layout import Detector
from citybrain.domain.signals.observation import Reading, standing

FIVE_MINUTES_MS = 300_000
KNOWN_SHARE = 0.8
"""Known for less of the time, the sums are marked as partial."""

RECORD = Struct("<IIHHHHB")
"""Offset and span in ms; vehicles, occupancy in 1/10000, speed in cm/s, queue; which of them."""

OFFSET_BYTES = 4

PASSED, OCCUPANCY, SPEED, QUEUE, STATE, OCCUPIED, IMPOSSIBLE = (1 << bit for bit in range(7))


class Added(Enum):
    """What became of a reading."""

    NEW = "new"
    KNOWN = "known"
    DIFFERS = "differs"


class Mark(StrEnum):
    """What is to be known of a sum before it is used."""

    OPEN = "open"  # they are not over
    PARTIAL = "partial"
    LATE = "late"  # something came after they were published
    SILENT = "silent"
    STUCK_ON = "stuck-on"
    ERRATIC = "erratic"
    TOO_HIGH = "too-high"


class Carried(NamedTuple):
    """What goes on from one five minutes into the next.

    `occupied`: what was said last of the zone; None: nothing, or it is not known any more.
    `unbroken_since`: since when it is occupied without a break.
    """

    heard_at: int
    occupied: bool | None = None
    unbroken_since: int | None = None


@dataclass(frozen=True, slots=True)
class Sums:
    """What five minutes come to; None: the detector does not say.

    `occupancy`: the share of the time that is known, 0 to 1. `known_ms`: of how much of the time
    the detector tells. `speed`: mean in m/s, of vehicles where they are counted.
    """

    readings: int
    vehicles: int | None
    occupancy: float | None
    speed: float | None
    queue_mean: float | None
    queue_most: int | None
    known_ms: int
    marks: frozenset[Mark]
    carried: Carried | None


def begins_of(reading: Reading) -> int:
    """The five minutes of a reading: those in which what it counted came to its end."""
    at: int = reading[0] - 1 if reading[1] else reading[0]
    return at - at % FIVE_MINUTES_MS


def record_of(reading: Reading, begins: int, *, impossible: bool = False) -> bytes:
    """A reading as it is kept: what it counts for, and nothing of single vehicles."""
    at, covers_ms, passed, occupancy, speed, stand, occupied, vehicles, _, _, _ = reading
    if impossible:
        return RECORD.pack(at - begins, covers_ms, 0, 0, 0, 0, IMPOSSIBLE)
    flags = share = hundredths = 0
    if passed is not None:
        flags = PASSED
    if occupancy is not None:
        flags, share = flags | OCCUPANCY, round(occupancy * 10_000)
    if speed is not None:
        flags, hundredths = flags | SPEED, round(speed * 100)
    if stand is None and vehicles is not None:
        stand = standing(reading)
    if stand is not None:
        flags |= QUEUE
    if occupied is not None:
        flags |= STATE | OCCUPIED if occupied else STATE
    return RECORD.pack(at - begins, covers_ms, passed or 0, share, hundredths, stand or 0, flags)


class FiveMinutes:
    """The readings of one detector in five minutes, by their moment."""

    __slots__ = ("_last", "_records", "begins")

    def __init__(self, begins: int, records: bytes = b"") -> None:
        self.begins = begins
        self._records = bytearray(records)
        self._last = self._offset(len(self) - 1) if records else -1

    def __len__(self) -> int:
        return len(self._records) // RECORD.size

    def add(self, record: bytes) -> Added:
        """One more; the first that is said of a moment stands, but for what cannot be true."""
        offset = int.from_bytes(record[:OFFSET_BYTES], "little")
        if offset > self._last:
            self._last = offset
            self._records += record
            return Added.NEW
        place = bisect_left(range(len(self)), offset, key=self._offset)
        where = slice(place * RECORD.size, (place + 1) * RECORD.size)
        if self._offset(place) == offset:
            return self._again(record, where)
        self._records[where.start : where.start] = record
        return Added.NEW

    def _offset(self, place: int) -> int:
        begins = place * RECORD.size
        return int.from_bytes(self._records[begins : begins + OFFSET_BYTES], "little")

    def _again(self, record: bytes, where: slice) -> Added:
        known = self._records[where]
        if known == record or record[-1] & IMPOSSIBLE:
            return Added.KNOWN
        if not known[-1] & IMPOSSIBLE:
            return Added.DIFFERS
        self._records[where] = record
        return Added.NEW

    def merge(self, other: "FiveMinutes") -> None:
        """All that the other has; where both speak of a moment, ours stands."""
        records = other._records
        for place in range(0, len(records), RECORD.size):
            self.add(bytes(records[place : place + RECORD.size]))

    def copy(self) -> Self:
        """The same, as it is now."""
        return type(self)(self.begins, bytes(self._records))

    def packed(self) -> bytes:
        """As they are stored."""
        return zlib.compress(self._records, 1)

    @classmethod
    def unpacked(cls, begins: int, stored: bytes) -> Self:
        """From what was stored."""
        return cls(begins, zlib.decompress(stored))

    def sums(self, detector: Detector, carried: Carried | None, until: int) -> Sums:
        """What they come to, as far as `until`; `carried` is what went on when they began."""
        summing = _Summing(detector, self.begins, carried)
        for record in self.records():
            summing.take(*record)
        return summing.sums(len(self), min(until, self.begins + FIVE_MINUTES_MS))

    def records(self) -> Iterator[tuple[int, ...]]:
        """The members of each record, in the order of time."""
        return RECORD.iter_unpack(self._records)


class _Summing:
    """Readings of one detector, one after the other in the order of time."""

    def __init__(self, detector: Detector, begins: int, carried: Carried | None) -> None:
        self.detector, self.begins, self.now = detector, begins, begins
        self.silent_after = silent_after(detector)
        self.heard_at = carried.heard_at if carried else None
        self.occupied = carried.occupied if carried else None
        self.unbroken_since = carried.unbroken_since if carried else None
        self.marks: set[Mark] = set()
        self.passed = self.entered = self.covered_ms = self.occupied_ms = self.state_ms = 0
        self.heard_ms = self.share_ms = self.weight = self.share = self.speeds = self.speed_of = 0
        self.queue = self.queues = self.queue_most = 0
        self.counts, self.states = False, self.occupied is not None
        self.window, self.in_window, self.window_ms = -1, 0, 0

    def take(
        self,
        offset: int,
        covers_ms: int,
        passed: int,
        occupancy: int,
        speed: int,
        queue: int,
        flags: int,
    ) -> None:
        """One more reading."""
        at = self.begins + offset
        self._pass(at)
        self.heard_at = at
        if flags & IMPOSSIBLE:
            self.marks.add(Mark.TOO_HIGH)
            return
        if flags & (PASSED | OCCUPANCY):
            self.covered_ms += covers_ms
        actuations = self._state(at, bool(flags & OCCUPIED)) if flags & STATE else 0
        if flags & PASSED:
            self.counts, actuations = True, passed
            self.passed += passed
        if flags & OCCUPANCY:
            self.share_ms += covers_ms
            self.share += occupancy * covers_ms
            self._unbroken(at, at - covers_ms if occupancy == 10_000 else None)
        if flags & SPEED:
            weight = passed or not flags & PASSED
            self.speed_of += weight
            self.speeds += speed * weight
        if flags & QUEUE:
            self.queues, self.queue = self.queues + 1, self.queue + queue
            self.queue_most = max(self.queue_most, queue)
        self._window(at, actuations, covers_ms if flags & PASSED else 0)

    def sums(self, readings: int, until: int) -> Sums:
        """What it came to."""
        self._pass(max(until, self.now))
        elapsed = max(0, until - self.begins)
        told = self.covered_ms or (self.state_ms if self.states else self.heard_ms)
        known_ms = min(told, elapsed)
        if known_ms < KNOWN_SHARE * elapsed:
            self.marks.add(Mark.PARTIAL)
        if until < self.begins + FIVE_MINUTES_MS:
            self.marks.add(Mark.OPEN)
        occupancy = None
        if self.state_ms:
            occupancy = self.occupied_ms / self.state_ms
        elif self.share_ms:
            occupancy = self.share / self.share_ms / 10_000
        carried = None
        if self.heard_at is not None:
            carried = Carried(self.heard_at, self.occupied, self.unbroken_since)
        return Sums(
            readings=readings,
            vehicles=self.passed if self.counts else self.entered if self.states else None,
            occupancy=occupancy,
            speed=self.speeds / self.speed_of / 100 if self.speed_of else None,
            queue_mean=self.queue / self.queues if self.queues else None,
            queue_most=self.queue_most if self.queues else None,
            known_ms=known_ms,
            marks=frozenset(self.marks),
            carried=carried,
        )

    def _pass(self, at: int) -> None:
        """Time goes on to `at`: what was said last holds until the detector is silent."""
        now, self.now = self.now, at
        if self.heard_at is None:
            if at - self.begins > self.silent_after:
                self.marks.add(Mark.SILENT)
            return
        silent_from = self.heard_at + self.silent_after
        known = max(0, min(at, silent_from) - now)
        self.heard_ms += known
        if self.occupied is not None:
            self.state_ms += known
            self.occupied_ms += known * self.occupied
        self._stuck(min(at, silent_from))
        if at > silent_from:
            self.marks.add(Mark.SILENT)
            self.occupied = self.unbroken_since = None

    def _state(self, at: int, occupied: bool) -> int:
        """The zone is occupied or not from now on; how many came in."""
        entered = int(occupied and self.occupied is False)
        self.states, self.occupied = True, occupied
        self.entered += entered
        self._unbroken(at, at if occupied else None)
        return entered

    def _unbroken(self, at: int, since: int | None) -> None:
        if since is None:
            self.unbroken_since = None
        elif self.unbroken_since is None:
            self.unbroken_since = since
        self._stuck(at)

    def _stuck(self, at: int) -> None:
        since = self.unbroken_since
        if since is not None and at - since >= self.detector.longest_presence_ms:
            self.marks.add(Mark.STUCK_ON)

    def _window(self, at: int, actuations: int, covers_ms: int) -> None:
        window = at // WINDOW_MS
        if window != self.window:
            self.window, self.in_window, self.window_ms = window, 0, 0
        self.in_window += actuations
        self.window_ms += covers_ms
        over = max(WINDOW_MS, self.window_ms)
        if self.in_window * MINUTE_MS > self.detector.erratic_per_minute * over:
            self.marks.add(Mark.ERRATIC)

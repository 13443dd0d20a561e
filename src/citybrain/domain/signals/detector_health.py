"""Whether a detector can be believed: judged from its own readings, one after the other.

Four ways to fail: occupied for too long without a break (stuck on), more actuations than vehicles
can make (erratic), more than a lane can hold or carry (too high), and nothing at all (silent).
NTCIP 1202 calls the first two maximum presence and erratic counts, the last no activity. What a
detector that has failed said is not used; what was counted before is not rewritten. A detector
that behaves again for a set time is believed again. Moments are milliseconds since 1970.
"""

from dataclasses import dataclass, field
from enum import StrEnum

from citybrain.domain.signals.layout import Detector, DetectorKind

WINDOW_MS = 10_000
"""Actuations are counted over so long, and their rate is held against the limit of a minute."""

MINUTE_MS = 60_000
BAD_MINUTES = 2
"""So many minutes in which it is erratic or too high, and it has failed."""

BEHAVES_MS = 300_000
"""So long it must behave to be believed again, and for a bad minute to be forgotten."""


class Fault(StrEnum):
    """What is wrong with a detector."""

    STUCK_ON = "stuck-on"
    ERRATIC = "erratic"
    TOO_HIGH = "too-high"
    SILENT = "silent"


class Standing(StrEnum):
    """How a detector stands: it is believed when it is good, and only then."""

    GOOD = "good"
    SUSPECT = "suspect"  # within a minute of something that vehicles do not do
    FAILED = "failed"
    UNHEARD = "unheard"  # not since it was watched, and not long enough to be silent


NEVER = 1 << 60


def silent_after(detector: Detector) -> int:
    """Milliseconds; a button that nobody presses is not silent."""
    return NEVER if detector.kind is DetectorKind.BUTTON else detector.silent_after_ms


@dataclass(frozen=True, slots=True)
class Judged:
    """How a detector stands, what is wrong, and since when; `since` 0 where nothing is known."""

    standing: Standing
    fault: Fault | None
    since: int

    @property
    def trusted(self) -> bool:
        """Whether what it says is used."""
        return self.standing is Standing.GOOD


@dataclass(slots=True)
class DetectorHealth:
    """What is remembered of one detector; the same readings in the same order, the same verdict.

    Readings come in the order of time; what comes late says nothing about now and is left out.
    `watched_from`: since when somebody listens.
    """

    detector: Detector
    watched_from: int
    heard_at: int | None = None
    occupied_since: int | None = None
    _window: int = field(default=-1, repr=False)
    _actuations: int = field(default=0, repr=False)
    _covered_ms: int = field(default=0, repr=False)
    _bad_minute: int | None = field(default=None, repr=False)
    _bad_minutes: int = field(default=0, repr=False)
    _bad: Fault = field(default=Fault.ERRATIC, repr=False)
    _bad_since: int = field(default=0, repr=False)
    _misbehaved_at: int = field(default=0, repr=False)
    _failed: Fault | None = field(default=None, repr=False)
    _failed_at: int = field(default=0, repr=False)
    _good_since: int = field(default=0, repr=False)
    _silent_after: int = field(init=False, repr=False)
    _good: "Judged" = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._silent_after = silent_after(self.detector)
        self._good = Judged(Standing.GOOD, None, self._good_since)

    def heard(self, at: int, actuations: int = 0, covered_ms: int = 0) -> None:
        """It said something at `at`, and counted so many actuations over `covered_ms` before it."""
        if self.heard_at is None:
            self._good_since = at
        elif at - self.heard_at > self._silent_after:
            self._was_silent(at)
        self.heard_at = at
        if actuations or covered_ms:
            self._count(at, actuations, covered_ms)
        if self._failed is not None or self._bad_minutes:
            self._recover(at)

    def occupied(self, at: int, since: int) -> None:
        """Its zone is occupied at `at`, and has been since `since` or longer."""
        if self.occupied_since is None:
            self.occupied_since = since
        elif self._failed is not Fault.STUCK_ON and self._stuck(at):
            self._fail(Fault.STUCK_ON, self.occupied_since + self.detector.longest_presence_ms)
        if self._failed is Fault.STUCK_ON:
            self._misbehaved_at = at

    def cleared(self, at: int) -> None:
        """Its zone is not occupied at `at`."""
        if self.occupied_since is None:
            return
        if self._stuck(at) and self._failed is not Fault.STUCK_ON:
            self._fail(Fault.STUCK_ON, self.occupied_since + self.detector.longest_presence_ms)
        if self._failed is Fault.STUCK_ON:
            self._misbehaved_at = at
        self.occupied_since = None

    def impossible(self, at: int) -> None:
        """It said at `at` what no lane can hold or carry; the reading itself was refused."""
        self.heard(at)
        self._bad_at(at, Fault.TOO_HIGH)

    def had_failed(self, fault: Fault, since: int, now: int) -> None:
        """It had failed before it was watched: it must behave first, counted from `now`."""
        self._fail(fault, since)
        self._misbehaved_at = now

    def judged(self, now: int) -> Judged:
        """How it stands at `now`."""
        heard, limit = self.heard_at, self._silent_after
        if self._failed is not None:
            return Judged(Standing.FAILED, self._failed, self._failed_at)
        if heard is None:
            if now - self.watched_from > limit:
                return Judged(Standing.FAILED, Fault.SILENT, self.watched_from + limit)
            return Judged(Standing.UNHEARD, None, self.watched_from)
        if self.occupied_since is not None and self._stuck(min(now, heard + limit)):
            since = self.occupied_since + self.detector.longest_presence_ms
            return Judged(Standing.FAILED, Fault.STUCK_ON, since)
        if now - heard > limit:
            return Judged(Standing.FAILED, Fault.SILENT, heard + limit)
        if self._bad_minutes and now - self._misbehaved_at < MINUTE_MS:
            return Judged(Standing.SUSPECT, self._bad, self._bad_since)
        if self._good.since != self._good_since:
            self._good = Judged(Standing.GOOD, None, self._good_since)
        return self._good

    def _stuck(self, at: int) -> bool:
        began = self.occupied_since
        return began is not None and at - began >= self.detector.longest_presence_ms

    def _was_silent(self, at: int) -> None:
        """Nothing was heard for too long: what stood there meanwhile is not known."""
        assert self.heard_at is not None
        silent_from = self.heard_at + self._silent_after
        if self._failed is None and self._stuck(silent_from) and self.occupied_since is not None:
            began = self.occupied_since + self.detector.longest_presence_ms
            self._fail(Fault.STUCK_ON, began)
        elif self._failed is None:
            self._fail(Fault.SILENT, silent_from)
        self._misbehaved_at = at
        self.occupied_since, self._window = None, -1

    def _count(self, at: int, actuations: int, covered_ms: int) -> None:
        window = at // WINDOW_MS
        if window != self._window:
            self._window, self._actuations, self._covered_ms = window, 0, 0
        self._actuations += actuations
        self._covered_ms += covered_ms
        if self._actuations and self._is_erratic():
            self._bad_at(at, Fault.ERRATIC)

    def _is_erratic(self) -> bool:
        over = max(WINDOW_MS, self._covered_ms)
        return self._actuations * MINUTE_MS > self.detector.erratic_per_minute * over

    def _bad_at(self, at: int, fault: Fault) -> None:
        self._misbehaved_at, self._bad = at, fault
        minute = at // MINUTE_MS
        if minute != self._bad_minute:
            self._bad_since = at if not self._bad_minutes else self._bad_since
            self._bad_minute = minute
            self._bad_minutes += 1
        if self._bad_minutes >= BAD_MINUTES and self._failed is None:
            self._fail(fault, at)

    def _fail(self, fault: Fault, at: int) -> None:
        self._failed, self._failed_at = fault, at

    def _recover(self, at: int) -> None:
        """It is believed again, and forgiven, after it behaved for the time that this takes."""
        quick = self._failed is Fault.SILENT
        needed = self._silent_after if quick else BEHAVES_MS
        if at - self._misbehaved_at < needed:
            return
        if self._failed is not None:
            self._failed, self._good_since = None, at
        if not quick:
            self._bad_minute, self._bad_minutes = None, 0

"""Buses of a line: one that is late gets a longer or an earlier green, one on time gets nothing.

A bus asks for each junction before it comes there, and says when it has passed (SAE J2735: SRM);
what it is told are the states of an SSM. The junction knows when the bus before has passed, and so
how wide the gap is. Not two cycles in a row: whoever crosses gets theirs back first. All rules hold
as without; what a granted bus comes to is for the strategy (`strategies.bus_first`).
"""

from datetime import datetime
from enum import StrEnum

from citybrain.domain.signals import signal_events as events
from citybrain.domain.signals.junction import BusLine, Junction
from citybrain.domain.signals.signal import CENTRE, Signal
from citybrain.domain.signals.signal_events import milliseconds
from citybrain.errors import InvalidInput, NotFound, Refused

MOST_ASKING = 20
LATEST_MS = 300_000
"""A bus asks some minutes before it comes at most."""
PASSES_WITHIN_MS = 10_000
"""How long after its time a bus is waited for."""
HELD_MS = 90_000
"""How long a bus has priority at most, however often it says that it comes later."""
SAID_AGAIN_MS = 5_000
"""What a bus says anew is noted where its arrival has moved by this."""
CLOSE = 0.5
"""Nearer to the bus before than this share of the headway, a bus is not to go faster."""
FORGOTTEN = 3
"""After so many headways nobody knows whether the bus before was missed."""
PASSED, CANCELLED, EXPIRED = "passed", "cancelled", "expired"


class Status(StrEnum):
    """What a bus is told: `PrioritizationResponseStatus` of SAE J2735, those that we use."""

    GRANTED = "granted"
    REJECTED = "rejected"
    LOCKED = "reserviceLocked"


class BusLineUnknown(NotFound):
    """No bus of this line asks at this junction."""

    code = "signal-bus-line-unknown"


class ArrivalUnlikely(InvalidInput):
    """Nobody knows now when a bus comes so much later, or was to come."""

    code = "signal-bus-arrival-unlikely"


class TooManyBuses(Refused):
    """No more buses ask at one junction."""

    code = "signal-too-many-buses"


def ask(
    signal: Signal,
    junction: Junction,
    now: datetime,
    *,
    request: str,
    line: str,
    arrives: datetime,
    late_ms: int | None = None,
) -> Status:
    """A bus asks, or says anew when it comes; what it is told. The same again changes nothing.

    `late_ms`: behind its timetable, below 0 before it; None where it does not know. Raises
    `BusLineUnknown`, `ArrivalUnlikely`, `TooManyBuses`, `DayIsClosed`.
    """
    now = signal.opened(now)
    said = junction.bus_lines.get(line)
    if said is None:
        raise BusLineUnknown("no bus of this line asks at this junction", line=line)
    at, comes = milliseconds(now), milliseconds(arrives)
    if not at - PASSES_WITHIN_MS < comes <= at + LATEST_MS:
        raise ArrivalUnlikely("a bus asks within five minutes before it comes")
    known = signal.priorities.get(request)
    if known is None and len(signal.priorities) >= MOST_ASKING:
        raise TooManyBuses(f"{MOST_ASKING} buses ask at a junction at most")
    gap_ms = _gap(signal, said, comes)
    status, because = _answer(signal, said, request, at, late_ms, gap_ms)
    until, since = comes + PASSES_WITHIN_MS, at
    if status is Status.GRANTED:
        since = known["granted_at"] if known is not None and known["granted_at"] else at
        until = min(until, since + HELD_MS)
    same = known is not None and (known["status"], known["because"]) == (status, because)
    if same and known is not None and abs(known["arrives"] - comes) < SAID_AGAIN_MS:
        return status
    signal.trigger_event(
        events.BusAnswered,
        timestamp=now,
        request=request,
        line=line,
        group=said.group,
        status=status,
        because=because,
        arrives=comes,
        late_ms=late_ms,
        gap_ms=gap_ms,
        until=until,
        granted_at=since if status is Status.GRANTED else None,
        at=at,
    )
    return status


def end(signal: Signal, now: datetime, request: str, *, reason: str) -> None:
    """A bus has passed, does not come, or its time is over. One that is not known changes
    nothing."""
    now = signal.opened(now)
    if request in signal.priorities:
        signal.trigger_event(
            events.BusEnded, timestamp=now, request=request, reason=reason, at=milliseconds(now)
        )


def expire(signal: Signal, now: datetime) -> None:
    """End those who were to come and have not said that they passed."""
    at = milliseconds(now)
    for request, asked in list(signal.priorities.items()):
        if at >= asked["until"]:
            end(signal, now, request, reason=EXPIRED)


def _gap(signal: Signal, line: BusLine, comes: int) -> int | None:
    """To the bus before, when this one comes; None where that one may have been missed."""
    passed = signal.buses_passed.get(line.code)
    if passed is None or comes - passed > FORGOTTEN * line.headway_ms:
        return None
    return max(0, comes - passed)


def _answer(
    signal: Signal, line: BusLine, request: str, at: int, late_ms: int | None, gap_ms: int | None
) -> tuple[Status, str]:
    """What a bus is told, and why."""
    standing = signal.standing_at(at)
    if standing != CENTRE:
        return Status.REJECTED, standing
    newest = signal.prioritised
    if newest is not None and newest["request"] == request and newest["ended"] is not None:
        return Status.LOCKED, "had-it-before"
    late = late_ms is not None and late_ms >= line.late_ms
    if gap_ms is not None and gap_ms < CLOSE * line.headway_ms:
        return Status.REJECTED, "close-behind"
    if not late and (gap_ms is None or gap_ms < line.gap_ms):
        return Status.REJECTED, "on-time"
    if newest is not None and newest["request"] != request:
        if newest["ended"] is None:
            return Status.REJECTED, "another-bus"
        if at < newest["ended"] + line.again_after_ms:
            return Status.LOCKED, "another-bus-before"
    return Status.GRANTED, "late" if late else "gap"

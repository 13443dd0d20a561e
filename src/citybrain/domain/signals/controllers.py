"""What a controller in the street tells: it is there, what it shows, by its own clock.

A controller carries out what was decided and says so. Where it does not, where it is silent, or
where its lamps are not those that were decided, there is a fault, and the junction decides by
itself: a centre whose picture is wrong does not go on.
"""

from collections.abc import Collection, Mapping
from datetime import datetime

from citybrain.domain.actor import Actor, NotYourDevice, Role, RoleNotAllowed
from citybrain.domain.signals import signal_events as events
from citybrain.domain.signals.junction import Junction
from citybrain.domain.signals.lamps import Shown
from citybrain.domain.signals.people import to_local
from citybrain.domain.signals.requesting import GroupUnknown
from citybrain.domain.signals.signal import CENTRE, Signal
from citybrain.domain.signals.signal_events import milliseconds

SILENT, LAMPS, NO_CENTRE = "controller", "lamps", frozenset({"controller", "lamps", "clock"})
"""Faults of a controller; with one of `NO_CENTRE` the centre does not take over."""


def device_of(junction: str) -> str:
    """The device that controls a junction, as tokens name it."""
    return f"signal:{junction}"


def controls(actor: Actor, junction: str) -> bool:
    """Whether the actor is the controller of a junction, or a gateway for it."""
    return actor.has(Role.GATEWAY) and actor.speaks_for(device_of(junction))


def check_controls(actor: Actor, junction: str) -> None:
    """Raise `RoleNotAllowed` or `NotYourDevice` for whoever does not control the junction."""
    if not actor.has(Role.GATEWAY):
        raise RoleNotAllowed("this is told by controllers")
    if not actor.speaks_for(device_of(junction)):
        raise NotYourDevice("a controller tells of the junctions that its token names")


def connect(signal: Signal, now: datetime, device: str) -> None:
    """A controller is heard for the first time, or instead of another one."""
    now = signal.opened(now)
    if signal.controller != device:
        signal.trigger_event(events.ControllerConnected, timestamp=now, controller=device)


def hear(
    signal: Signal,
    junction: Junction,
    now: datetime,
    *,
    command: str | None,
    followed: bool,
    said_at: datetime,
    lamps: Mapping[str, Shown],
) -> None:
    """A controller says what its lamps show, and perhaps which command it follows or cannot.

    What it acknowledges is recorded with its clock and lamps; once. Raises `GroupUnknown`.
    """
    now = signal.opened(now)
    if unknown := lamps.keys() ^ junction.groups.keys():
        raise GroupUnknown("a controller tells of all its groups", groups=sorted(unknown))
    awaited = signal.unacknowledged
    if awaited is not None and command == awaited["number"]:
        signal.trigger_event(
            events.Acknowledged,
            timestamp=now,
            number=command,
            followed=followed,
            said_at=milliseconds(said_at),
            lamps={code: each.value for code, each in sorted(lamps.items())},
        )
    if SILENT in signal.faults:
        signal.trigger_event(events.FaultCleared, timestamp=now, fault=SILENT, by="controller")
    if signal.unacknowledged is None:
        _compare(signal, junction, now, lamps)


def agrees(
    signal: Signal,
    junction: Junction,
    now: datetime,
    *,
    said_at: datetime,
    lamps: Mapping[str, Shown],
) -> bool:
    """Whether a controller that was heard before only says what is known: nothing is to follow.

    Its lamps are those that were decided, its clock is right, nothing is awaited, no fault ends.
    """
    at = milliseconds(max(now, signal.modified_on))
    return (
        not signal.closed
        and signal.controller == device_of(signal.junction)
        and signal.unacknowledged is None
        and not NO_CENTRE & signal.faults.keys()
        and abs(milliseconds(said_at) - at) <= junction.clock_ms
        and lamps.keys() == junction.groups.keys()
        and all(
            shown == signal.shown(code, at) or shown in _about(signal, code, at, junction.clock_ms)
            for code, shown in lamps.items()
        )
    )


def _compare(signal: Signal, junction: Junction, now: datetime, lamps: Mapping[str, Shown]) -> None:
    """Lamps that differ from what was decided are a fault; it ends when they agree."""
    at = milliseconds(now)
    wrong = [
        f"{code} {shown}"
        for code, shown in sorted(lamps.items())
        if shown not in _about(signal, code, at, junction.clock_ms)
    ]
    if wrong and LAMPS not in signal.faults:
        detail = ", ".join(wrong)
        signal.trigger_event(events.FaultRaised, timestamp=now, fault=LAMPS, detail=detail)
    if wrong and signal.mode == CENTRE:  # also where somebody gave it to the centre since
        to_local(signal, now, LAMPS)
    elif not wrong and LAMPS in signal.faults:
        signal.trigger_event(events.FaultCleared, timestamp=now, fault=LAMPS, by="controller")


def _about(signal: Signal, code: str, at: int, off_ms: int) -> Collection[Shown]:
    """What a group may show about `at`: a controller's clock is a little off, and so are roads."""
    changes = [each for each in signal.lamp_times[code] if each is not None]
    moments = [at - off_ms, at + off_ms, signal.flash_until]
    moments += [change + off for change in changes for off in (-1, 0)]
    return {signal.shown(code, each) for each in moments if at - off_ms <= each <= at + off_ms}


def silent_from(signal: Signal, junction: Junction, heard_at: int | None) -> int | None:
    """When a controller counts as silent, in milliseconds since 1970; None where there is none.

    `heard_at`: when it was last heard. A command that it does not acknowledge counts as silence.
    """
    if signal.controller is None or SILENT in signal.faults:
        return None
    times = [] if heard_at is None else [heard_at]
    if signal.unacknowledged is not None:
        times.append(signal.unacknowledged["at"])
    return min(times) + junction.watchdog_ms if times else None


def note_silence(signal: Signal, junction: Junction, now: datetime, heard_at: int | None) -> None:
    """A controller that says nothing follows its plan; so does the junction from now on."""
    silent = silent_from(signal, junction, heard_at)
    if silent is None or milliseconds(now) < silent:
        return
    now = signal.opened(now)
    unacknowledged = signal.unacknowledged
    detail = "not heard" if unacknowledged is None else f"{unacknowledged['number']} not followed"
    signal.trigger_event(events.FaultRaised, timestamp=now, fault=SILENT, detail=detail)
    if signal.mode == CENTRE:
        to_local(signal, now, SILENT)

"""When the centre takes a junction over for the chosen strategy, and when it gives it back.

A person's word goes before it: who set the mode after the strategy began is not overruled. A
junction whose controller is not as it should be is left to its plan.
"""

from datetime import datetime
from typing import Final

from citybrain.domain.signals import signal_events as events
from citybrain.domain.signals.controllers import NO_CENTRE
from citybrain.domain.signals.junction import Junction
from citybrain.domain.signals.people import change_mode
from citybrain.domain.signals.rules import Source
from citybrain.domain.signals.signal import CENTRE, LOCAL, PLAN, Signal
from citybrain.domain.signals.signal_events import milliseconds

CENTRE_PROCESS: Final = "signal-control"
BY_ITSELF: Final = frozenset({"", CENTRE_PROCESS, "watchdog", "controller"})
FAILED: Final = "strategy"
UNATTENDED: Final = "unattended"
"""The faults of a strategy that could not decide, and of nobody who decided at all."""


def is_ours(signal: Signal, at: int) -> bool:
    """Whether the mode is for the strategy to say: no person set it since that one began."""
    begins = signal.strategy_began(at)
    return signal.mode_by in BY_ITSELF or signal.mode_at < begins


def settle_mode(signal: Signal, now: datetime) -> bool:
    """Take the junction over for its strategy, or give it back; whether that decides now."""
    at = milliseconds(now)
    strategy = signal.strategy_at(at)
    if not is_ours(signal, at):
        return False
    held = signal.mode == CENTRE and signal.mode_by == CENTRE_PROCESS
    if strategy == PLAN:
        if held:
            change_mode(signal, now, LOCAL, by=CENTRE_PROCESS, reason=PLAN)
        return False
    if not held and signal.writer(at) is not None and not NO_CENTRE & signal.faults.keys():
        change_mode(signal, now, CENTRE, by=CENTRE_PROCESS, reason=strategy)
        held = True
    return held and signal.writer(at) is Source.CENTRE


def note_absence(signal: Signal, junction: Junction, now: datetime, since: datetime | None) -> None:
    """Nobody has decided `since` then: for longer than the watchdog it is recorded.

    None: since lamps were decided last. Controllers have followed their plans meanwhile, so what
    the log has of the lamps is not what the street has seen, until they are decided anew.
    """
    now, began = signal.opened(now), _decided_at(signal)
    began = max(began, milliseconds(since) if since else 0)
    if UNATTENDED in signal.faults or milliseconds(now) - began < junction.watchdog_ms:
        return
    detail = events.moment(began).isoformat()
    signal.trigger_event(events.FaultRaised, timestamp=now, fault=UNATTENDED, detail=detail)


def note_presence(signal: Signal, now: datetime) -> None:
    """Lamps were decided since: it is over."""
    began = signal.faults.get(UNATTENDED)
    if began is not None and _decided_at(signal) > milliseconds(datetime.fromisoformat(began)):
        now = signal.opened(now)
        by = CENTRE_PROCESS
        signal.trigger_event(events.FaultCleared, timestamp=now, fault=UNATTENDED, by=by)


def _decided_at(signal: Signal) -> int:
    """When it was decided last what lamps are to show."""
    return int(signal.commanded["at"]) if signal.commanded else 0


def note_failure(signal: Signal, now: datetime, error: str) -> None:
    """A strategy could not decide: the junction follows its plan, and it is said why."""
    now = signal.opened(now)
    if FAILED not in signal.faults:
        signal.trigger_event(events.FaultRaised, timestamp=now, fault=FAILED, detail=error)
    if signal.mode == CENTRE:
        change_mode(signal, now, LOCAL, by="watchdog", reason="strategy-failed")


def note_success(signal: Signal, now: datetime) -> None:
    """It decides again."""
    now = signal.opened(now)
    if FAILED in signal.faults:
        signal.trigger_event(events.FaultCleared, timestamp=now, fault=FAILED, by=CENTRE_PROCESS)

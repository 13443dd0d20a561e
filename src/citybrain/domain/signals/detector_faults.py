"""Detectors that fail and recover, on the record of their junction.

Readings are no events; that a detector cannot be believed is one, because decisions rest on it.
"""

from collections.abc import Mapping
from datetime import datetime

from citybrain.domain.signals import signal_events as events
from citybrain.domain.signals.detector_health import Fault
from citybrain.domain.signals.signal import Signal

PREFIX = "detector:"
"""A fault of a detector is called by this and the detector's code; its detail is a `Fault`."""

BEHAVES = "behaves-again"


def detector_faults(signal: Signal) -> dict[str, str]:
    """The detectors that have failed, as far as it is recorded, with what is wrong."""
    return {
        name.removeprefix(PREFIX): detail
        for name, detail in signal.faults.items()
        if name.startswith(PREFIX)
    }


def follow_detectors(signal: Signal, now: datetime, failed: Mapping[str, Fault]) -> bool:
    """Record what changed: `failed` are the detectors that have failed now. Whether any did.

    The detail of a fault is the `Fault`; one that turned into another is raised again. Raises
    `DayIsClosed`.
    """
    signal.check_open()
    known = detector_faults(signal)
    changed = False
    for code in sorted(failed.keys() - known.keys() | _turned(known, failed)):
        signal.trigger_event(
            events.FaultRaised, timestamp=now, fault=PREFIX + code, detail=failed[code].value
        )
        changed = True
    for code in sorted(known.keys() - failed.keys()):
        signal.trigger_event(events.FaultCleared, timestamp=now, fault=PREFIX + code, by=BEHAVES)
        changed = True
    return changed


def _turned(known: Mapping[str, str], failed: Mapping[str, Fault]) -> set[str]:
    return {code for code, fault in failed.items() if code in known and known[code] != fault.value}

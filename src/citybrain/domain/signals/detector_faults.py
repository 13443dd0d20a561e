"""Detectors that fail and recover, on the record of their junction.

Readings are no events; that a detector cannot be believed is one, because decisions rest on it.
"""

from collections.abc import Mapping
from datetime import datetime

from citybrain.domain.signals import signal_events as events
from citybrain.domain.signals.detector_health import Judged, Standing
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


def follow_detectors(signal: Signal, now: datetime, judged: Mapping[str, Judged]) -> bool:
    """Record which detectors failed and which are good again. Whether any did.

    One that is suspect, or was not heard yet, leaves what is recorded as it is; one that the
    definition has no more has no fault. The detail of a fault is the `Fault`; one that turned into
    another is raised again. Raises `DayIsClosed`.
    """
    now = signal.opened(now)
    known = detector_faults(signal)
    if not known and all(each.fault is None for each in judged.values()):
        return False
    changed = False
    for code, each in sorted(judged.items()):
        fault = each.fault
        if each.standing is Standing.FAILED and fault is not None and known.get(code) != fault:
            signal.trigger_event(
                events.FaultRaised, timestamp=now, fault=PREFIX + code, detail=fault.value
            )
            changed = True
    for code in sorted(known):
        if code not in judged or judged[code].standing is Standing.GOOD:
            signal.trigger_event(
                events.FaultCleared, timestamp=now, fault=PREFIX + code, by=BEHAVES
            )
            changed = True
    return changed

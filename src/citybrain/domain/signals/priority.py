"""Emergency vehicles: one has the junction at a time, the others wait and are told.

The highest level comes first, then who asked first. A stage that is ended for one ends with all its
clearances; a walk may be cut where the definition says so, what follows it never is.
"""

from datetime import datetime

from citybrain.domain.signals import signal_events as events
from citybrain.domain.signals.junction import Junction
from citybrain.domain.signals.lamps import untrapped_at
from citybrain.domain.signals.requesting import GroupUnknown, carry_out
from citybrain.domain.signals.rules import Source, Wish
from citybrain.domain.signals.signal import Signal
from citybrain.domain.signals.signal_events import milliseconds
from citybrain.domain.signals.waiting import waiting_at
from citybrain.errors import InvalidInput, Refused

MOST_WAITING = 20
LONGEST_MS = 300_000


class PreemptionKnown(Refused):
    """This request is known already."""

    code = "preemption-known"


class PreemptionTooLong(InvalidInput):
    """A pre-emption ends within some minutes."""

    code = "preemption-too-long"


class TooManyPreemptions(Refused):
    """No more vehicles wait at one junction."""

    code = "too-many-preemptions"


def ask(
    signal: Signal,
    junction: Junction,
    now: datetime,
    *,
    preemption: str,
    stage: str,
    level: int,
    vehicle: str,
    until: datetime,
) -> None:
    """Note that a vehicle asks for a stage, and grant it where it is the first.

    Raises `GroupUnknown`, `PreemptionKnown`, `PreemptionTooLong`, `TooManyPreemptions`.
    """
    now = signal.opened(now)
    at, ends = milliseconds(now), milliseconds(until)
    if stage not in junction.stages:
        raise GroupUnknown("the junction has no such stage", groups=[stage])
    if preemption in signal.preemptions:
        raise PreemptionKnown("the vehicle has asked already", preemption=preemption)
    if not at < ends <= at + LONGEST_MS:
        raise PreemptionTooLong("a pre-emption ends within five minutes")
    if len(signal.preemptions) >= MOST_WAITING:
        raise TooManyPreemptions(f"{MOST_WAITING} vehicles wait at a junction at most")
    signal.trigger_event(
        events.PreemptionAsked,
        timestamp=now,
        preemption=preemption,
        stage=stage,
        level=level,
        vehicle=vehicle,
        until=ends,
        at=at,
    )
    grant_next(signal, junction, now)


def grant_next(signal: Signal, junction: Junction, now: datetime) -> None:
    """Give the junction to the vehicle that is first, unless it has it or nobody may have it."""
    at = milliseconds(now)
    if not signal.preemptions or signal.writer(at) in (None, Source.HAND):
        return
    first = in_order(signal)[0]
    if signal.granted is None or _goes_before(signal, first, signal.granted):
        signal.trigger_event(
            events.PreemptionGranted,
            timestamp=now,
            preemption=first,
            instead_of=signal.granted,
            at=at,
        )
    granted = signal.preemptions[signal.granted or first]
    wish = Wish(junction.stages[granted["stage"]], Source.PREEMPTION)
    ready = untrapped_at(junction, signal.lamps, wish.groups, at)
    if wish.groups != set(signal.groups) and at >= ready:
        why = {"preemption": signal.granted, "level": granted["level"]}
        carry_out(signal, junction, now, wish, cause="preemption", why=why)


def in_order(signal: Signal) -> list[str]:
    """The vehicles that ask, the first before the others."""

    def rank(code: str) -> tuple[int, int, str]:
        asked = signal.preemptions[code]
        return -asked["level"], asked["asked_at"], code

    return sorted(signal.preemptions, key=rank)


def expected(signal: Signal, preemption: str) -> int:
    """When a vehicle that waits has the junction at the latest, in milliseconds since 1970."""
    before = in_order(signal)[: in_order(signal).index(preemption)]
    return max((signal.preemptions[code]["until"] for code in before), default=0)


def end_preemption(
    signal: Signal, junction: Junction, now: datetime, preemption: str, *, reason: str
) -> None:
    """A vehicle has passed, gave up, or its time is over; the next one has the junction."""
    now = signal.opened(now)
    if preemption not in signal.preemptions:
        return
    at = milliseconds(now)
    waited = {
        code: at - since for code, since in waiting_at(signal.lamps, signal.calls, at).items()
    }
    was_granted = signal.granted == preemption
    signal.trigger_event(
        events.PreemptionEnded,
        timestamp=now,
        preemption=preemption,
        reason=reason,
        waited_ms=waited if was_granted else {},
        at=at,
    )
    if was_granted:
        grant_next(signal, junction, now)


def _goes_before(signal: Signal, one: str, other: str) -> bool:
    """Whether one takes the junction from another: by its level only."""
    return bool(signal.preemptions[one]["level"] > signal.preemptions[other]["level"])

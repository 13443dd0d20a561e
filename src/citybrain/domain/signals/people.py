"""What people and the centre do to a junction: calls, modes, the hand, flashing, power, faults.

A person's hand goes before everything but the lamps' own rules. A flashing junction is started by
a person only, with all red before the first green.
"""

from datetime import datetime

from citybrain.domain.signals import signal_events as events
from citybrain.domain.signals.junction import Junction, Plan
from citybrain.domain.signals.plans import offset_at
from citybrain.domain.signals.requesting import GroupUnknown
from citybrain.domain.signals.rules import Rule
from citybrain.domain.signals.signal import CENTRE, LOCAL, Signal
from citybrain.domain.signals.signal_events import milliseconds
from citybrain.errors import InvalidInput, Refused

CONFLICT, RESTARTS, CLOCK = "conflict", "restarts", "clock"
LONGEST_HAND_MS, LEAST_FLASH_MS = 4 * 3_600_000, 3000


class OutOfService(Refused):
    """The junction flashes: a person on site resets it first (rule 9)."""

    code = "signal-flashes"


class NotFlashing(Refused):
    """There is nothing to reset."""

    code = "signal-does-not-flash"


class HandTooLong(InvalidInput):
    """Who takes a junction in hand says until when, some hours at most."""

    code = "signal-hand-too-long"


class InAnotherHand(Refused):
    """Somebody else has the junction in hand."""

    code = "signal-in-another-hand"


def call(signal: Signal, junction: Junction, now: datetime, group: str, *, by: str) -> bool:
    """Somebody waits at a group; whether that is new. A second press changes nothing."""
    now = signal.opened(now)
    if group not in junction.groups:
        raise GroupUnknown("the junction has no such signal group", groups=[group])
    at = milliseconds(now)
    lamp, since = signal.lamps[group], signal.calls.get(group)
    lit = signal.flash is None and at >= signal.all_red_until
    if lit and lamp.is_green(at):
        return False
    served = since is not None and lamp.green_from is not None and since <= lamp.green_from <= at
    if since is not None and not served:
        return False
    signal.trigger_event(events.Called, timestamp=now, group=group, since=at, by=by)
    return True


def change_mode(signal: Signal, now: datetime, mode: str, *, by: str, reason: str) -> None:
    """The centre takes over with a new epoch, or gives the junction back to itself."""
    now = signal.opened(now)
    _check_in_service(signal)
    if mode not in (LOCAL, CENTRE):
        raise InvalidInput("a mode is local or centre")
    if mode == signal.mode == LOCAL:
        return
    epoch = signal.epoch + 1 if mode == CENTRE else signal.epoch
    signal.trigger_event(
        events.ModeChanged, timestamp=now, mode=mode, epoch=epoch, reason=reason, by=by
    )


def activate_plan(
    signal: Signal,
    junction: Junction,
    now: datetime,
    plan: Plan,
    current: Plan | None,
    *,
    by: str,
    reason: str,
) -> Rule | None:
    """Follow another plan: its offset is reached by bounded steps, from the one that is in force.

    A cycle that differs too much is refused (rule 11), and recorded. The rule is returned. Raises
    `OutOfService`.
    """
    now = signal.opened(now)
    _check_in_service(signal)
    at = milliseconds(now)
    if current is not None and abs(plan.cycle_ms - current.cycle_ms) > junction.cycle_step_ms:
        signal.trigger_event(
            events.WishRefused,
            timestamp=now,
            what="plan",
            groups=[],
            source="hand",
            rule=int(Rule.COORDINATION),
            broken=[int(Rule.COORDINATION)],
            detail=f"from a cycle of {current.cycle_ms} ms to {plan.cycle_ms}",
            command=None,
        )
        return Rule.COORDINATION
    began = plan.offset_ms
    if current is not None:
        began = offset_at(junction, current, signal.offset, at) % plan.cycle_ms
    signal.trigger_event(
        events.PlanActivated,
        timestamp=now,
        plan=plan.code,
        by=by,
        reason=reason,
        offset_from_ms=began,
        at=at,
    )
    return None


def take_in_hand(signal: Signal, now: datetime, *, by: str, reason: str, until: datetime) -> None:
    """A person decides from now on. Raises `HandTooLong`, `InAnotherHand`, `OutOfService`."""
    now = signal.opened(now)
    _check_in_service(signal)
    at, ends = milliseconds(now), milliseconds(until)
    if not at < ends <= at + LONGEST_HAND_MS:
        raise HandTooLong("a junction is in somebody's hand for four hours at most")
    if signal.hand is not None and signal.hand["by"] != by:
        raise InAnotherHand(
            "somebody else has the junction in hand",
            until=signal.hand["until"],
            rule=int(Rule.WRITER),
        )
    signal.trigger_event(events.TakenInHand, timestamp=now, by=by, reason=reason, until=ends)


def give_back(signal: Signal, now: datetime, *, by: str) -> None:
    """The person gives it back; whoever is next in the order decides again."""
    now = signal.opened(now)
    if signal.hand is None:
        return
    if signal.hand["by"] != by:
        raise InAnotherHand(
            "somebody else has the junction in hand",
            until=signal.hand["until"],
            rule=int(Rule.WRITER),
        )
    at = milliseconds(now)
    signal.trigger_event(events.HandReleased, timestamp=now, reason="given-back", at=at)


def flash(signal: Signal, now: datetime, *, kind: str, detail: str) -> None:
    """All lamps flash until a person resets the junction; once."""
    now = signal.opened(now)
    if signal.flash is None:
        at = milliseconds(now)
        signal.trigger_event(events.FlashBegun, timestamp=now, kind=kind, detail=detail, at=at)


def power_up(signal: Signal, junction: Junction, now: datetime, first_stage: str) -> None:
    """Power came back: flashing, all red, the first stage; flashing on after too many restarts.

    What flashed before goes on flashing. The centre has to take over anew.
    """
    now = signal.opened(now)
    at, start_up = milliseconds(now), junction.start_up
    if signal.mode == CENTRE:
        to_local(signal, now, "restarted")
    if signal.flash is not None:
        return
    recent = [each for each in signal.restarts if each > at - start_up.restarts_within_ms]
    if len(recent) + 1 >= start_up.restarts:
        flash(signal, now, kind=RESTARTS, detail=f"{len(recent) + 1} restarts")
        signal.trigger_event(
            events.FaultRaised, timestamp=now, fault=RESTARTS, detail=f"{len(recent) + 1} restarts"
        )
        return
    flash_until = at + start_up.flash_ms
    signal.trigger_event(
        events.PoweredUp,
        timestamp=now,
        stage=first_stage,
        groups=sorted(junction.stages[first_stage]),
        flash_until=flash_until,
        all_red_until=all_red_until(junction, at, flash_until, first_stage),
        at=at,
    )


def reset(
    signal: Signal, junction: Junction, now: datetime, first_stage: str, *, by: str, reason: str
) -> None:
    """A person on site ends the flashing. Raises `NotFlashing`, and `OutOfService` within 3 s.

    Who had green when it began has seen the flashing for as long as a yellow lasts at least.
    """
    now = signal.opened(now)
    if signal.flash is None:
        raise NotFlashing("there is nothing to reset")
    at = milliseconds(now)
    if at < signal.flash["since"] + LEAST_FLASH_MS:
        raise OutOfService("it has only begun to flash", rule=int(Rule.START_AND_FLASH))
    signal.trigger_event(
        events.Reset,
        timestamp=now,
        by=by,
        reason=reason,
        stage=first_stage,
        groups=sorted(junction.stages[first_stage]),
        all_red_until=all_red_until(junction, signal.flash["since"], at, first_stage),
        at=at,
    )


def report_conflict(signal: Signal, now: datetime, *, shown: str) -> None:
    """The monitor saw lamps that must not be on together: flash until a person resets it."""
    now = signal.opened(now)
    if CONFLICT not in signal.faults:
        signal.trigger_event(events.FaultRaised, timestamp=now, fault=CONFLICT, detail=shown)
    flash(signal, now, kind=CONFLICT, detail=shown)


def hear_clock(signal: Signal, junction: Junction, now: datetime, said: datetime) -> None:
    """A controller told the time by its clock: one that is off puts it on its own plan."""
    now = signal.opened(now)
    off = abs(milliseconds(said) - milliseconds(now)) > junction.clock_ms
    if off and CLOCK not in signal.faults:
        detail = f"{(milliseconds(said) - milliseconds(now)) / 1000:+.1f} s"
        signal.trigger_event(events.FaultRaised, timestamp=now, fault=CLOCK, detail=detail)
    if off and signal.mode == CENTRE:  # also where somebody gave it to the centre since
        to_local(signal, now, CLOCK)
    elif not off and CLOCK in signal.faults:
        signal.trigger_event(events.FaultCleared, timestamp=now, fault=CLOCK)


def all_red_until(junction: Junction, dark_since: int, red_from: int, stage: str) -> int:
    """When the first green may begin: whoever had green when the lamps went dark is out by then."""
    clear = dark_since + junction.between(junction.groups, junction.stages[stage])
    return max(red_from + junction.start_up.all_red_ms, clear)


def to_local(signal: Signal, now: datetime, reason: str) -> None:
    """The junction decides by itself, since its controller is not as it should be."""
    signal.trigger_event(
        events.ModeChanged,
        timestamp=now,
        mode=LOCAL,
        epoch=signal.epoch,
        reason=reason,
        by="controller",
    )


def _check_in_service(signal: Signal) -> None:
    if signal.flash is not None:
        raise OutOfService(
            "the junction flashes until a person resets it", rule=int(Rule.START_AND_FLASH)
        )

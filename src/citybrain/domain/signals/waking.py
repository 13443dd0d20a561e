"""What happens by itself, and when: nothing here asks anybody outside.

A junction is woken at the moment that its state names. It falls back to its plan where the centre
is silent, ends what has expired, serves whom it must, and follows its plan where nobody else
decides. Woken too often, it does nothing.
"""

from datetime import datetime

from citybrain.domain.signals import signal_events as events
from citybrain.domain.signals.buses import expire
from citybrain.domain.signals.junction import Junction, Plan
from citybrain.domain.signals.lamps import applied, untrapped_at, work_out
from citybrain.domain.signals.plans import offset_at, wanted
from citybrain.domain.signals.priority import end_preemption, grant_next
from citybrain.domain.signals.requesting import SILENT, carry_out
from citybrain.domain.signals.rules import Rule, Source, Wish, broken_by
from citybrain.domain.signals.signal import CENTRE, LOCAL, Signal
from citybrain.domain.signals.signal_events import milliseconds
from citybrain.domain.signals.waiting import (
    deadline,
    free_at,
    held_up,
    leaves_time,
    next_in_order,
    over_maximum,
    serving,
    waiting_at,
)

PLAN = "plan"
RETRY_MS = 1000


def wake(
    signal: Signal, junction: Junction, plan: Plan, now: datetime, *, heard_at: datetime | None
) -> None:
    """Do what it is time for. `heard_at`: the last sign of the centre, None where there is none."""
    now = signal.opened(now)
    at = milliseconds(now)
    if signal.mode == CENTRE and at >= _silent_from(junction, heard_at):
        fall_back(signal, now, SILENT, "watchdog")
    if signal.hand is not None and at >= signal.hand["until"]:
        signal.trigger_event(events.HandReleased, timestamp=now, reason="expired", at=at)
    for code, asked in list(signal.preemptions.items()):
        if at >= asked["until"]:
            end_preemption(signal, junction, now, code, reason="expired")
    expire(signal, now)
    grant_next(signal, junction, now)
    writer = signal.writer(at)
    if writer not in (Source.LOCAL, Source.CENTRE) or _serve(signal, junction, now):
        return
    if writer is Source.LOCAL:
        offset = offset_at(junction, plan, signal.offset, at)
        _follow(signal, junction, now, wanted(junction, plan, at, offset).stage)


def _follow(signal: Signal, junction: Junction, now: datetime, stage: str) -> None:
    """Take the plan's turn, unless somebody would wait too long for it: they go first."""
    wish, at = Wish(junction.stages[stage], Source.LOCAL), milliseconds(now)
    lamps, calls = signal.lamps, signal.calls
    if not broken_by(junction, lamps, calls, wish, at):
        carry_out(signal, junction, now, wish, cause=PLAN)


def fall_back(signal: Signal, now: datetime, reason: str, by: str) -> None:
    """The junction decides by itself; its plan is joined with all clearances."""
    now = signal.opened(now)
    signal.trigger_event(
        events.ModeChanged, timestamp=now, mode=LOCAL, epoch=signal.epoch, reason=reason, by=by
    )


def _serve(signal: Signal, junction: Junction, now: datetime) -> bool:
    """Make the change that can be put off no longer; whether there is one."""
    at, lamps, calls = milliseconds(now), signal.lamps, signal.calls
    order = next_in_order(junction, lamps, calls, at)
    too_long = over_maximum(junction, lamps, calls, at)
    if order is None or (too_long is None and at < order.latest - junction.margin_ms):
        return False
    stage, cause = order.stage, Rule.MAXIMUM_RED
    if too_long is not None and at < order.latest - junction.margin_ms:
        cause = Rule.MAXIMUM_GREEN
        if too_long in junction.stages[stage]:
            stage = _instead_of(signal, junction, too_long, at) or stage
    if at >= free_at(junction, lamps, stage, at):
        wish = Wish(junction.stages[stage], Source.LOCAL)
        carry_out(signal, junction, now, wish, cause=cause.name.lower().replace("_", "-"))
    return True  # or it is next, as soon as what is green has had its minimum


def _instead_of(signal: Signal, junction: Junction, group: str, at: int) -> str | None:
    """The stage for those whom a green holds up; None where others would wait too long for it."""
    lamps, calls = signal.lamps, signal.calls
    due = {
        code: deadline(junction, code, since)
        for code, since in held_up(junction, lamps, calls, group, at).items()
    }
    stage = serving(junction, due)
    after = applied(lamps, work_out(junction, lamps, junction.stages[stage], at))
    return stage if leaves_time(junction, after, waiting_at(lamps, calls, at), at) else None


def next_alarm(
    signal: Signal, junction: Junction, plan: Plan, at: int, *, heard_at: datetime | None
) -> int | None:
    """When the junction wants to be woken next, in milliseconds since 1970; None never.

    It may have come already: then there is something to do at once.
    """
    times = [asked["until"] for asked in signal.preemptions.values()]
    times += [asked["until"] for asked in signal.priorities.values()]
    if signal.mode == CENTRE:
        times.append(_silent_from(junction, heard_at))
    if signal.hand is not None:
        times.append(signal.hand["until"])
    if signal.granted is not None:
        stage = junction.stages[signal.preemptions[signal.granted]["stage"]]
        if stage != set(signal.groups):
            times.append(untrapped_at(junction, signal.lamps, stage, at))
    writer = signal.writer(at)
    if writer in (Source.LOCAL, Source.CENTRE):
        times += _must_serve(signal, junction, at)
    if writer is Source.LOCAL:
        turn = wanted(junction, plan, at, offset_at(junction, plan, signal.offset, at))
        here = frozenset(signal.groups) == junction.stages[turn.stage]
        times.append(
            turn.until
            if here
            else max(at + RETRY_MS, free_at(junction, signal.lamps, turn.stage, at))
        )
    elif writer is None and signal.flash is None:
        times.append(signal.all_red_until)
    return min(times, default=None)


def _must_serve(signal: Signal, junction: Junction, at: int) -> list[int]:
    """When a change can be put off no longer, and when a green (or one to come) has its maximum."""
    lamps, calls = signal.lamps, signal.calls
    times = []
    order = next_in_order(junction, lamps, calls, at)
    if order is not None:
        times.append(max(order.begin, order.latest - junction.margin_ms))
    for code, lamp in lamps.items():
        if lamp.green_from is None or not (lamp.is_green(at) or lamp.is_coming(at)):
            continue
        if held_up(junction, lamps, calls, code, at):
            times.append(lamp.green_from + junction.groups[code].maximum_ms)
    return times


def _silent_from(junction: Junction, heard_at: datetime | None) -> int:
    """When the centre counts as silent."""
    return 0 if heard_at is None else milliseconds(heard_at) + junction.watchdog_ms

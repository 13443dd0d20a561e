"""Who wrote when: flashing (9), silence (10), offsets (11), commands (12), one writer (13).

And what controllers said that they showed (1): a street is not safe because a log is.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from citybrain.audit.signals.timeline import Logged
from citybrain.definitions.signals.junction_file import JunctionFile

Finding = tuple[int, int, tuple[str, ...], str, Logged, Logged]
FORCED = ("maximum-red", "maximum-green")


@dataclass(slots=True)
class _Desk:
    """Who has the junction, as the events so far say."""

    mode: str = "local"
    silent: bool = False
    epoch: int = 0
    sequence: int = 0
    hand: bool = False
    granted: str | None = None
    flashing: bool = False
    starting_until: int = 1 << 62  # until it is powered up
    last: dict[str, Logged] = field(default_factory=dict)


def conduct(file: JunctionFile, events: Sequence[Logged]) -> Iterator[Finding]:
    """What was written by somebody who may not, or at a time at which nobody may."""
    desk = _Desk()
    for event in events:
        if event.topic == "signal.stage_applied":
            yield from _stage(desk, event)
        elif event.topic == "signal.plan_activated":
            yield from _plan(file, desk, event)
        elif event.topic == "signal.preemption_granted":
            yield from _granted(desk, event)
        elif event.topic == "signal.acknowledged":
            yield from _shown(file, desk, event)
        elif event.topic == "signal.powered_up" and desk.flashing:
            yield _found(9, desk, event, "started while it flashes until a person resets it")
        _follow(desk, event)
        desk.last[event.topic] = event


def _found(rule: int, desk: _Desk, event: Logged, text: str) -> Finding:
    first = next(reversed(desk.last.values()), event)
    return rule, int(event.data["timestamp_ms"]), (), text, first, event


def _stage(desk: _Desk, event: Logged) -> Iterator[Finding]:
    data = event.data
    source, at, command = data["source"], data["at"], data["command"]
    if desk.flashing or at < desk.starting_until:
        yield _found(9, desk, event, "lamps changed while it flashes or starts")
    forced = source == "local" and data["cause"] in FORCED
    writer = "hand" if desk.hand else "preemption" if desk.granted else desk.mode
    if source != writer and not (forced and writer in ("local", "centre")):
        rule = 10 if source == "centre" and desk.silent else 13
        yield _found(rule, desk, event, f"{source} wrote while {writer} decides")
    if command is not None:
        yield from _command(desk, event, *command)


def _command(
    desk: _Desk, event: Logged, epoch: int, sequence: int, expires_at: int
) -> Iterator[Finding]:
    if event.data["timestamp_ms"] >= expires_at:
        yield _found(12, desk, event, "a command that had expired was followed")
    if epoch != desk.epoch:
        yield _found(12, desk, event, f"a command of epoch {epoch} in {desk.epoch} was followed")
    elif sequence <= desk.sequence:
        yield _found(12, desk, event, f"command {sequence} was followed after {desk.sequence}")


def _plan(file: JunctionFile, desk: _Desk, event: Logged) -> Iterator[Finding]:
    """A plan begins near the offset and the cycle of the one before it."""
    before = desk.last.get("signal.plan_activated")
    plan = file.plans[event.data["plan"]]
    if before is None:
        return
    old = file.plans[before.data["plan"]]
    if abs(plan.cycle - old.cycle) > file.limits.cycle_step:
        yield _found(11, desk, event, f"cycle {old.cycle:g} to {plan.cycle:g} s at once")
    since = (event.data["at"] - before.data["at"]) // round(old.cycle * 1000) + 1
    cycle = round(plan.cycle * 1000)
    way = (event.data["offset_from_ms"] - before.data["offset_from_ms"]) % cycle
    moved, most = min(way, cycle - way), since * round(file.limits.offset_step * 1000)
    if plan.cycle == old.cycle and moved > most:
        yield _found(11, desk, event, f"the offset moved by {moved} ms in {since} cycles")


def _granted(desk: _Desk, event: Logged) -> Iterator[Finding]:
    if desk.granted != event.data["instead_of"]:
        yield _found(13, desk, event, "two vehicles have the junction")
    if desk.flashing or event.data["at"] < desk.starting_until:
        yield _found(9, desk, event, "a pre-emption while it flashes or starts")


def _shown(file: JunctionFile, desk: _Desk, event: Logged) -> Iterator[Finding]:
    """Lamps as a controller acknowledged them: no two that conflict were green."""
    lamps = event.data["lamps"]
    for pair in file.conflicts:
        if all(lamps[code] == "green" for code in pair):
            rule, at, _, text, first, second = _found(
                1, desk, event, "green together in the street"
            )
            yield rule, at, pair, text, first, second


def _follow(desk: _Desk, event: Logged) -> None:
    data: Any = event.data
    match event.topic:
        case "signal.day_opened":
            _open(desk, data["carried"])
        case "signal.mode_changed":
            desk.mode, desk.silent = data["mode"], data["reason"] == "centre-silent"
            if data["epoch"] != desk.epoch:
                desk.epoch, desk.sequence = data["epoch"], 0
        case "signal.taken_in_hand" | "signal.hand_released":
            desk.hand = event.topic == "signal.taken_in_hand"
        case "signal.preemption_granted":
            desk.granted = data["preemption"]
        case "signal.preemption_ended" if data["preemption"] == desk.granted:
            desk.granted = None
        case "signal.flash_begun":
            desk.flashing, desk.granted = True, None
        case "signal.reset" | "signal.powered_up":
            desk.flashing, desk.granted = False, None
            desk.starting_until = data["all_red_until"]
        case "signal.stage_applied" | "signal.refused" | "signal.command_kept":
            command = data["command"]
            if command is not None and command[0] == desk.epoch:
                desk.sequence = max(desk.sequence, command[1])


def _open(desk: _Desk, carried: Any) -> None:
    """The first day that is read goes on with what the day before left."""
    if not carried or desk.last:
        return
    desk.mode, desk.silent = carried["mode"], carried["mode_reason"] == "centre-silent"
    desk.epoch, desk.sequence = carried["epoch"], carried["last_sequence"]
    desk.hand, desk.granted = carried["hand"] is not None, carried["granted"]
    desk.flashing, desk.starting_until = carried["flash"] is not None, carried["all_red_until"]

"""A junction's high-resolution log: every change of its lamps as an event code, for ATSPM tools.

Codes are those of Sturdevant et al., Indiana Traffic Signal Hi Resolution Data Logger Enumerations
(Purdue University, 2012). A phase is a signal group, by its place among the junction's groups; a
pre-emption's number is that of its stage, a pattern's that of its plan, by code, from 1. What our
lamps do not have (gaps, barriers, overlaps) has no events.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum

from citybrain.domain.signals.junction import Junction, Plan
from citybrain.domain.signals.priority import LONGEST_MS
from projections.reading import Pool, Row
from projections.signals import changes, lamps


class Code(IntEnum):
    """The event codes that our lamps have."""

    PHASE_BEGIN_GREEN = 1
    PHASE_MIN_COMPLETE = 3
    PHASE_MAX_OUT = 5
    PHASE_FORCE_OFF = 6
    PHASE_GREEN_TERMINATION = 7
    PHASE_BEGIN_YELLOW_CLEARANCE = 8
    PHASE_END_YELLOW_CLEARANCE = 9
    PHASE_BEGIN_RED_CLEARANCE = 10
    PHASE_END_RED_CLEARANCE = 11
    PREEMPTION_FORCE_OFF = 20
    PEDESTRIAN_BEGIN_WALK = 21
    PEDESTRIAN_BEGIN_CLEARANCE = 22
    PEDESTRIAN_BEGIN_SOLID_DONT_WALK = 23
    PEDESTRIAN_DARK = 24
    PHASE_CALL_REGISTERED = 43
    PHASE_CALL_DROPPED = 44
    PEDESTRIAN_CALL_REGISTERED = 45
    PREEMPT_CALL_INPUT_ON = 102
    PREEMPT_CALL_INPUT_OFF = 104
    PREEMPT_ENTRY_STARTED = 105
    PREEMPTION_BEGIN_DWELL = 107
    PREEMPTION_BEGIN_EXIT_INTERVAL = 111
    COORD_PATTERN_CHANGE = 131
    CYCLE_LENGTH_CHANGE = 132
    OFFSET_LENGTH_CHANGE = 133
    UNIT_FLASH_STATUS_CHANGE = 173


NOT_FLASHING, FAULT_MONITOR, MMU, STARTUP, LOCAL_MANUAL = 2, 5, 6, 7, 4
FLASH_STATUS = {"conflict": MMU, "restarts": FAULT_MONITOR, "starting": STARTUP}
"""NTCIP 1202 unitFlashStatus by why it flashes; by a person's will where it is none of these."""
DARK = "dark"
MOST_LOOKED_BACK_MS = 4 * 3_600_000
"""A green that ends in the span may have been decided so long before it."""


@dataclass(frozen=True, slots=True, order=True)
class Logged:
    """When (ms since 1970), which event, and of which phase, pre-emption or pattern."""

    at: int
    code: Code
    parameter: int


async def read(
    pool: Pool, junction: Junction, plans: Mapping[str, Plan], since: int, until: int
) -> list[Logged]:
    """The events of a junction from a moment until before another, in the order of time."""
    code = junction.code
    happened = await changes.changes(pool, code, since - MOST_LOOKED_BACK_MS, until)
    outs = await lamps.outs(pool, code, since, until)
    out = {each["began"] for each in outs}
    found = [
        *_lamps(junction, await lamps.greens(pool, code, since, until), happened, out),
        *_out(junction, outs, out),
        *_calls(junction, await lamps.calls(pool, code, since - LONGEST_MS, until)),
        *_preemptions(junction, happened),
        *_patterns(plans, happened),
    ]
    return sorted(each for each in set(found) if since <= each.at < until)


def phases(junction: Junction) -> dict[str, int]:
    """The number of each signal group."""
    return {code: number for number, code in enumerate(sorted(junction.groups), 1)}


def _lamps(
    junction: Junction, greens: Sequence[Row], happened: Sequence[Row], out: Collection[int]
) -> Iterator[Logged]:
    """Greens and what follows them, as far as they were not cut off: then nothing follows."""
    numbers, why = phases(junction), _why_ended(happened)
    for green in greens:
        group, began, ends, red_from = (
            green[name] for name in ("group", "began", "ends", "red_from")
        )
        if group not in numbers:
            continue  # of a definition that was in force before
        number, minimum = numbers[group], junction.groups[group].minimum_ms
        on_foot = junction.groups[group].on_foot
        yield Logged(
            began, Code.PEDESTRIAN_BEGIN_WALK if on_foot else Code.PHASE_BEGIN_GREEN, number
        )
        if not on_foot and (ends is None or ends >= began + minimum):
            yield Logged(began + minimum, Code.PHASE_MIN_COMPLETE, number)
        if ends is None:
            continue
        if not on_foot:
            yield Logged(ends, Code.PHASE_GREEN_TERMINATION, number)
            if (group, ends) in why:
                yield Logged(ends, why[group, ends], number)
        if ends == red_from:
            continue  # the lamps went out of service
        yield Logged(
            ends,
            Code.PEDESTRIAN_BEGIN_CLEARANCE if on_foot else Code.PHASE_BEGIN_YELLOW_CLEARANCE,
            number,
        )
        if red_from in out:
            continue
        if on_foot:
            yield Logged(red_from, Code.PEDESTRIAN_BEGIN_SOLID_DONT_WALK, number)
            continue
        yield Logged(red_from, Code.PHASE_END_YELLOW_CLEARANCE, number)
        yield Logged(red_from, Code.PHASE_BEGIN_RED_CLEARANCE, number)
        yield from _end_of_red_clearance(junction, greens, green, number)


def _end_of_red_clearance(
    junction: Junction, greens: Iterable[Row], ended: Row, number: int
) -> Iterator[Logged]:
    """When the first that had to wait for it is green."""
    begun = [
        each["began"]
        for each in greens
        if junction.conflict(ended["group"], each["group"]) and each["began"] >= ended["red_from"]
    ]
    if begun:
        yield Logged(min(begun), Code.PHASE_END_RED_CLEARANCE, number)


def _why_ended(happened: Iterable[Row]) -> dict[tuple[str, int], Code]:
    """By group and end of green, which kind of end it was."""
    found = {}
    for row in happened:
        code = Code.PHASE_FORCE_OFF
        if row["cause"] == "maximum-green":
            code = Code.PHASE_MAX_OUT
        elif row["source"] == "preemption":
            code = Code.PREEMPTION_FORCE_OFF
        for group, (end, _) in row["details"].get("ends", {}).items():
            found[group, end] = code
    return found


def _out(junction: Junction, outs: Iterable[Row], begins: Collection[int]) -> Iterator[Logged]:
    """Flashing, and lamps of pedestrians that are dark meanwhile; one may follow on another."""
    for out in outs:
        until = None if out["until"] in begins else out["until"]
        if out["why"] != DARK:
            status = FLASH_STATUS.get(out["why"], LOCAL_MANUAL)
            yield Logged(out["began"], Code.UNIT_FLASH_STATUS_CHANGE, status)
            if until is not None:
                yield Logged(until, Code.UNIT_FLASH_STATUS_CHANGE, NOT_FLASHING)
        for group, number in phases(junction).items():
            if junction.groups[group].on_foot:
                yield Logged(out["began"], Code.PEDESTRIAN_DARK, number)
                if until is not None:
                    yield Logged(until, Code.PEDESTRIAN_BEGIN_SOLID_DONT_WALK, number)


def _calls(junction: Junction, calls: Iterable[Row]) -> Iterator[Logged]:
    numbers = phases(junction)
    for call in calls:
        group = call["group"]
        if group not in numbers:
            continue
        if junction.groups[group].on_foot:
            yield Logged(call["since"], Code.PEDESTRIAN_CALL_REGISTERED, numbers[group])
            continue
        yield Logged(call["since"], Code.PHASE_CALL_REGISTERED, numbers[group])
        if call["served_at"] is not None:
            yield Logged(call["served_at"], Code.PHASE_CALL_DROPPED, numbers[group])


def _preemptions(junction: Junction, happened: Iterable[Row]) -> Iterator[Logged]:
    stages = {code: number for number, code in enumerate(sorted(junction.stages), 1)}
    asked: dict[str, int] = {}
    granted: set[str] = set()
    for row in happened:
        at, details = row["at"], row["details"]
        match row["topic"]:
            case "signal.preemption_asked":
                asked[details["preemption"]] = stages.get(row["stage"], 0)
                yield Logged(at, Code.PREEMPT_CALL_INPUT_ON, asked[details["preemption"]])
            case "signal.preemption_granted":
                granted.add(details["preemption"])
                yield from _of(asked, row, Code.PREEMPT_ENTRY_STARTED)
            case "signal.preemption_ended":
                yield from _of(asked, row, Code.PREEMPT_CALL_INPUT_OFF)
                if details["preemption"] in granted:
                    yield from _of(asked, row, Code.PREEMPTION_BEGIN_EXIT_INTERVAL)
            case "signal.stage_applied" if row["cause"] == "preemption" and row["stage"] in stages:
                greens = max([at, *details["starts"].values()])
                yield Logged(greens, Code.PREEMPTION_BEGIN_DWELL, stages[row["stage"]])


def _of(asked: Mapping[str, int], row: Row, code: Code) -> Iterator[Logged]:
    if row["details"]["preemption"] in asked:
        yield Logged(row["at"], code, asked[row["details"]["preemption"]])


def _patterns(plans: Mapping[str, Plan], happened: Iterable[Row]) -> Iterator[Logged]:
    numbers = {code: number for number, code in enumerate(sorted(plans), 1)}
    for row in happened:
        plan = plans.get(row["details"].get("plan", ""))
        if row["topic"] == "signal.plan_activated" and plan is not None:
            yield Logged(row["at"], Code.COORD_PATTERN_CHANGE, numbers[plan.code])
            yield Logged(row["at"], Code.CYCLE_LENGTH_CHANGE, plan.cycle_ms // 1000)
            yield Logged(row["at"], Code.OFFSET_LENGTH_CHANGE, plan.offset_ms // 1000)

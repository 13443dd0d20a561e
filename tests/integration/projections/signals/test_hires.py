"""The high-resolution log: read back as ATSPM tools do, it is what the checker lays out."""

import csv
import io
from pathlib import Path
from typing import Any

from citybrain.audit.signals.hires_csv import HEADER, written
from citybrain.audit.signals.timeline import ENDING, GREEN, RED, Timeline
from citybrain.definitions.signals.junctions import DatedJunction
from citybrain.domain.signals.signal_events import milliseconds
from citybrain.eventstore import EventStore
from projections.signals.hires import Code, phases, read
from tests.given.read_models import project
from tests.given.signals.attack import CITY, Attack
from tests.given.signals.recorded import EVERYTHING, record
from tests.given.signals.x1 import Street, at, loaded, logged

MODELS = ("signal_lamps", "signal_changes")
BEGINS = {GREEN: (1, 21), ENDING: (8, 22), RED: (10, 23)}


def by_the_checker(
    dated: DatedJunction, events: list[Any], since: int, until: int
) -> set[tuple[int, int, int]]:
    """When each colour of each group begins; of a colour that flashing cut off, nothing."""
    timeline = Timeline(sorted(dated.file.groups))
    for event in logged(events):
        timeline.read(event)
    found = set()
    for group, line in timeline.lines.items():
        on_foot = dated.junction.groups[group].on_foot
        number = phases(dated.junction)[group]
        before = ""
        for phase in line.phases():
            after_flash = phase.colour == RED and before != ENDING and not on_foot
            if phase.colour in BEGINS and since <= phase.begin < until and not after_flash:
                found.add((phase.begin // 100, BEGINS[phase.colour][on_foot], number))
            before = phase.colour
    return found


async def lived(store: EventStore, folder: Path) -> tuple[DatedJunction, Street]:
    dated = loaded(folder, CITY)
    attack = Attack(Street(dated))
    attack.go(EVERYTHING)
    await record(store, attack.street.events)
    await project(store, *MODELS)
    return dated, attack.street


async def test_read_back_it_is_what_the_lamps_showed(store: EventStore, tmp_path: Path) -> None:
    dated, street = await lived(store, tmp_path)
    since, until = milliseconds(at(0)), milliseconds(at(600))
    text = await written(store.pool, dated, since, until)
    lines = list(csv.reader(io.StringIO(text, newline="")))
    assert tuple(lines[0]) == HEADER
    assert lines[1][:2] == ["x1", "2026-09-14 10:00:00.0"]  # the city's time
    events = await read(store.pool, dated.junction, dated.plans, since, until)
    assert [(int(code), int(number)) for _, _, code, number in lines[1:]] == [
        (each.code, each.parameter) for each in events
    ]
    colours = {code for pair in BEGINS.values() for code in pair}
    told = {
        (each.at // 100, each.code.value, each.parameter) for each in events if each.code in colours
    }
    assert told == by_the_checker(dated, street.events, since, until)
    greens = sum(each.code is Code.PHASE_BEGIN_GREEN for each in events)
    ends = sum(each.code is Code.PHASE_GREEN_TERMINATION for each in events)
    assert 0 <= greens - ends <= 3


async def test_what_else_happens_has_its_codes(store: EventStore, tmp_path: Path) -> None:
    dated, street = await lived(store, tmp_path)
    span = milliseconds(at(-2000)), milliseconds(at(2000))
    events = await read(store.pool, dated.junction, dated.plans, *span)
    codes = {each.code for each in events}
    assert codes >= {
        Code.PHASE_MIN_COMPLETE,
        Code.PHASE_FORCE_OFF,
        Code.PREEMPTION_FORCE_OFF,
        Code.PHASE_END_RED_CLEARANCE,
        Code.PEDESTRIAN_CALL_REGISTERED,
        Code.PREEMPT_CALL_INPUT_ON,
        Code.PREEMPT_ENTRY_STARTED,
        Code.PREEMPTION_BEGIN_DWELL,
        Code.PREEMPTION_BEGIN_EXIT_INTERVAL,
        Code.PREEMPT_CALL_INPUT_OFF,
        Code.COORD_PATTERN_CHANGE,
        Code.UNIT_FLASH_STATUS_CHANGE,
    }
    pressed = [each for each in street.events if each.TOPIC == "signal.called"]
    on_foot = [each for each in pressed if dated.junction.groups[each.group].on_foot]
    assert sum(each.code is Code.PEDESTRIAN_CALL_REGISTERED for each in events) == len(on_foot)
    assert sum(each.code is Code.PHASE_CALL_REGISTERED for each in events) == len(pressed) - len(
        on_foot
    )
    first = events.index(min(each for each in events if each.code is Code.PHASE_BEGIN_GREEN))
    in_parts = [
        each
        for half in ((span[0], events[first].at), (events[first].at, span[1]))
        for each in await read(store.pool, dated.junction, dated.plans, *half)
    ]
    assert in_parts == events  # a seam loses nothing and has nothing twice

"""What lamps showed: the same in any batch, and as the checker lays it out from the same events."""

from pathlib import Path

from hypothesis import given

from citybrain.audit.signals.timeline import ENDING, FLASH, GREEN, RED, Timeline
from citybrain.definitions.signals.junctions import DatedJunction
from citybrain.domain.signals.signal_events import milliseconds
from citybrain.eventstore import EventStore
from citybrain.systems import projection_named
from projections.rebuild import compare
from projections.signals import lamps
from projections.signals.forgetting import EVERY_MS, KEPT_MS
from projections.signals.lamp_folding import Lamps
from tests.given.read_models import project, same_in_any_batch
from tests.given.signals.attack import CITY, STEPS, Attack, Step
from tests.given.signals.recorded import EVERYTHING, flashed_for_long, record
from tests.given.signals.x1 import Street, at, loaded, logged

MODEL = "signal_lamps"
BEFORE = milliseconds(at(-10_000))

Colours = list[tuple[str, int, int | None]]


def from_rows(greens: list[tuple[int, int | None, int | None]], outs: Colours) -> Colours:
    """The colours of a group, one after the other, that these rows say; red is what is left."""
    said: list[tuple[str, int, int | None]] = [*outs]
    for began, ends, red_from in greens:
        said.append((GREEN, began, ends))
        if ends is not None and ends != red_from:
            said.append((ENDING, ends, red_from))
    said.sort(key=lambda each: each[1])
    found: Colours = []
    for place, (colour, begin, end) in enumerate(said):
        found.append((colour, begin, end))
        following = said[place + 1][1] if place + 1 < len(said) else None
        if end is not None and end != following:
            found.append((RED, end, following))
    return found


def by_the_checker(street: Street) -> dict[str, Colours]:
    timeline = Timeline(sorted(street.junction.groups))
    for event in logged(street.events):
        timeline.read(event)
    return {
        code: [(each.colour, each.begin, each.end) for each in line.phases()]
        for code, line in timeline.lines.items()
    }


@given(STEPS)
def test_greens_are_what_the_checker_lays_out(dated: DatedJunction, steps: list[Step]) -> None:
    """Whatever happens to a junction: two accounts of its lamps that share no code agree."""
    attack = Attack(Street(dated))
    attack.go(steps)
    street, folded = attack.street, Lamps()
    for event in logged(street.events):
        folded.read(event.topic, dict(event.data), event.data["timestamp_ms"], event.position)
    outs = [(FLASH, began, until) for began, (until, _) in sorted(folded.changed_out.items())]
    outs = outs[1:]  # dark before it was first powered up: the checker begins there
    for code, expected in by_the_checker(street).items():
        greens = [
            green[:3]
            for (group, _), green in sorted(folded.changed.items())
            if group == code and green is not None
        ]
        assert from_rows(greens, outs) == expected, code


async def test_in_any_batch_and_over_two_midnights(store: EventStore, tmp_path: Path) -> None:
    attack = Attack(Street(loaded(tmp_path, CITY)))
    attack.go(EVERYTHING)
    street = attack.street
    await record(store, street.events)
    assert await same_in_any_batch(store, MODEL) > 20
    until = milliseconds(at(10_000))
    outs = [
        (FLASH, row["began"], row["until"])
        for row in await lamps.outs(store.pool, "x1", BEFORE, until)
    ]
    rows = await lamps.greens(store.pool, "x1", BEFORE, until)
    for code, expected in by_the_checker(street).items():
        greens = [
            (row["began"], row["ends"], row["red_from"]) for row in rows if row["group"] == code
        ]
        assert from_rows(greens, outs[1:]) == expected
    called = await lamps.calls(store.pool, "x1", BEFORE, until)
    events = [each for each in street.events if each.TOPIC == "signal.called"]
    assert [(row["group"], row["since"]) for row in called] == [
        (each.group, each.since) for each in events
    ]
    for row in called:
        served = [each["began"] for each in rows if each["group"] == row["group"]]
        assert row["served_at"] == min(each for each in served if each >= row["since"])


async def test_of_lamps_35_days_are_kept_and_the_last_green_before(
    store: EventStore, tmp_path: Path
) -> None:
    attack, flashed_at = flashed_for_long(loaded(tmp_path, CITY))
    await record(store, attack.street.events)
    await project(store, MODEL, batch=50)
    before = (milliseconds(at(attack.now)) - KEPT_MS) // EVERY_MS * EVERY_MS
    span = 0, milliseconds(at(attack.now))
    greens = await lamps.greens(store.pool, "x1", *span)
    old = [row for row in greens if row["red_from"] is not None and row["red_from"] < before]
    assert sorted(row["group"] for row in old) == ["P1", "P2", "V1", "V2"], "L1 had none"
    assert all(row["red_from"] <= milliseconds(at(flashed_at)) for row in old)
    assert len(greens) > 2 * len(old)
    outs = await lamps.outs(store.pool, "x1", *span)
    assert [row["why"] for row in outs if row["began"] < before] == ["conflict"]
    calls = await lamps.calls(store.pool, "x1", *span)
    assert calls
    assert all(row["since"] >= before for row in calls)
    assert (await compare(store, projection_named(MODEL))).equal, "the log says the same"


async def test_a_window_has_what_was_on_and_what_was_before_it(
    store: EventStore, tmp_path: Path
) -> None:
    street = Street.green(loaded(tmp_path), "A")
    street.wish(20, "C")
    street.wish(60, "A")
    street.collect()
    await record(store, street.events)
    await project(store, MODEL)
    window = milliseconds(at(55)), milliseconds(at(62))
    rows = await lamps.greens(store.pool, "x1", *window)
    began = {(row["group"], (row["began"] - milliseconds(at(0))) / 1000) for row in rows}
    assert began == {("V2", 40.0), ("P2", 25.0), ("V1", 0.0), ("P1", 0.0)}

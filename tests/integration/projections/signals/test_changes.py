"""What happened to junctions: the same in any batch, and the refusals of S42."""

from collections import Counter
from pathlib import Path

from citybrain.domain.signals.signal_events import milliseconds
from citybrain.eventstore import EventStore
from citybrain.systems import projection_named
from projections.rebuild import compare
from projections.signals import changes
from projections.signals.forgetting import EVERY_MS, KEPT_MS
from tests.given.read_models import project, same_in_any_batch
from tests.given.signals.attack import CITY, Attack
from tests.given.signals.recorded import EVERYTHING, flashed_for_long, record
from tests.given.signals.refused import hundred_commands
from tests.given.signals.x1 import Street, at, loaded

MODEL = "signal_changes"
SPAN = milliseconds(at(-10_000)), milliseconds(at(100_000))


async def test_in_any_batch_with_faults_that_come_and_go(store: EventStore, tmp_path: Path) -> None:
    attack = Attack(Street(loaded(tmp_path, CITY)))
    attack.go(EVERYTHING)
    events = attack.street.events
    await record(store, events)
    assert await same_in_any_batch(store, MODEL) > 20
    happened = Counter(event.TOPIC for event in events)
    rows = await changes.changes(store.pool, "x1", *SPAN)
    found = Counter(row["topic"] for row in rows)
    not_shown = {"signal.called", "signal.refused", "signal.command_kept"}
    assert found == {topic: n for topic, n in happened.items() if topic not in not_shown}
    faults = await changes.faults(store.pool, *SPAN)
    ended = {row["fault"]: (row["cleared_at"] is not None, row["cleared_by"]) for row in faults}
    assert ended == {"clock": (True, ""), "conflict": (True, "o-1")}
    assert await changes.faults(store.pool, *SPAN, only_open=True) == []


async def test_of_what_was_35_days_are_kept_and_why_lamps_are_as_they_are(
    store: EventStore, tmp_path: Path
) -> None:
    attack, flashed_at = flashed_for_long(loaded(tmp_path, CITY))
    await record(store, attack.street.events)
    await project(store, MODEL, batch=50)
    before = (milliseconds(at(attack.now)) - KEPT_MS) // EVERY_MS * EVERY_MS
    span = 0, milliseconds(at(attack.now))
    rows = await changes.changes(store.pool, "x1", *span)
    old = [(row["topic"], row["at"]) for row in rows if row["at"] < before]
    flash = milliseconds(at(flashed_at))
    assert sorted(old) == [("signal.fault_raised", flash), ("signal.flash_begun", flash)]
    faults = await changes.faults(store.pool, *span)
    assert [(row["fault"], row["cleared_at"] >= before) for row in faults] == [
        ("conflict", True),
        ("clock", True),
        ("conflict", True),
    ]
    refused = await changes.refusals(store.pool, *span)
    assert refused
    assert min(row["at"] for row in refused) >= before
    assert (await compare(store, projection_named(MODEL))).equal, "the log says the same"


async def test_s42_refusals_that_can_be_counted_on(store: EventStore, tmp_path: Path) -> None:
    street = Street.green(loaded(tmp_path), "A")
    lamps = []
    hundred_commands(street, lambda street: lamps.append(dict(street.signal.lamps)))
    await record(store, street.events)
    await project(store, MODEL)
    log = [each for each in street.events if each.TOPIC == "signal.refused"]
    assert len(log) == 12
    done = {tuple(each.command) for each in street.events if getattr(each, "command", None)}
    assert len(done) == 100  # 88 outcomes beside the refusals
    sums = await changes.refusal_sums(store.pool, *SPAN)
    assert [(row["rule"], row["source"], row["refused"]) for row in sums] == [
        (4, "centre", 7),
        (12, "centre", 5),
    ]
    rows = await changes.refusals(store.pool, *SPAN)
    assert [(row["rule"], row["broken"]) for row in rows] == [
        (each.rule, each.broken) for each in log
    ]
    assert Counter(row["detail"] for row in rows if row["rule"] == 12) == {
        "expired": 3,
        "of another epoch": 2,
    }
    greens = [event.at for event in street.events if event.TOPIC == "signal.stage_applied"]
    assert len(greens) == 88  # each of the others changed the lamps, and no refusal did
    assert len(lamps) == 12

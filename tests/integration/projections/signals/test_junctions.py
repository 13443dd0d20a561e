"""How junctions stand: folded from events alone, the same in any batch, and as the domain says."""

from pathlib import Path

from citybrain.domain.signals.signal_events import EVENTS, milliseconds
from citybrain.eventstore import EventStore
from projections.signals import junctions
from tests.given.lived import junction_lived
from tests.given.read_models import project, same_in_any_batch
from tests.given.signals.recorded import record
from tests.given.signals.x1 import Street, at, loaded

MODEL = "signal_junctions"


async def test_the_state_is_the_domains_in_any_batch(store: EventStore, tmp_path: Path) -> None:
    attack = junction_lived(tmp_path)
    street = attack.street
    happened = {event.TOPIC for event in street.events}
    assert {event.__dict__["TOPIC"] for event in EVENTS} - happened == set()
    await record(store, street.events)
    assert await same_in_any_batch(store, MODEL) == 1
    found = await junctions.one(store.pool, "x1")
    assert found is not None
    assert found.signal.carried == street.signal.carried
    assert (found.signal.id, found.position) == (street.signal.id, await store.head())


async def test_a_day_that_is_closed_late_takes_nothing_back(
    store: EventStore, tmp_path: Path
) -> None:
    events = junction_lived(tmp_path).street.events
    (close,) = [each for each in events if each.TOPIC == "signal.day_closed"][:1]
    opened = next(each for each in events if each.originator_id != close.originator_id)
    first_day = [each for each in events if each.originator_id == close.originator_id]
    assert first_day[-1] is close
    await record(store, [*first_day[:-1], opened, close])
    await project(store, MODEL)
    found = await junctions.one(store.pool, "x1")
    assert found is not None
    assert (found.signal.id, found.signal.closed) == (opened.originator_id, False)


async def test_the_counts_say_who_has_how_many(store: EventStore, tmp_path: Path) -> None:
    dated = loaded(tmp_path)
    street = Street.green(dated, "A")
    await record(store, street.events)
    await project(store, MODEL)
    now = milliseconds(at(1))
    assert await junctions.counts(store.pool, now) == [
        {"standing": "centre", "junctions": 1, "faulty": 0}
    ]
    starting = milliseconds(at(-15))
    assert [each["standing"] for each in await junctions.counts(store.pool, starting)] == [
        "starting"
    ]
    street.preempt(5, "C")
    await record(store, street.collect())
    await project(store, MODEL)
    assert [each["standing"] for each in await junctions.counts(store.pool, now)] == ["preemption"]

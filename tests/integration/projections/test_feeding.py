"""Read models that are fed ahead of the log have each event once, in the order of its stream."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from citybrain.domain.inspection.camera import Camera, stream_of
from citybrain.eventstore import EventStore, RecordedEvent
from citybrain.systems import PROJECTIONS, projection_named
from projections import runner
from projections.feeder import Feeder, NeedsTheLog
from projections.parked import retry_parked
from projections.projection import Order, order_of
from projections.reading import reached
from projections.rebuild import compare, rebuild
from projections.runner import prepare
from projections.worker import ProjectionWorker
from tests.given.cases import NOW
from tests.given.detections import detection, record
from tests.given.feeding import SHOWN, all_received, drop, same_in_any_order
from tests.given.read_models import append, caught_up, project, running
from tests.given.seen import POISON, Seen, seen
from tests.given.services import CAMERA, OPERATOR, context, services_over
from tests.given.storm import SHARED_FIXTURE, examples

STREAMS, EVENTS = 4, 7
AHEAD = "SELECT stream_id, version FROM streams_ahead ORDER BY stream_id"
SILENT = "test.silent"
RESTORED = "INSERT INTO log_incarnations (number, began_after) VALUES (2, $1)"


async def fill(store: EventStore) -> None:
    """A few streams that take turns; every third event is nothing to the model."""
    for version in range(EVENTS):
        for stream in range(STREAMS):
            topic = SILENT if (version + stream) % 3 == 2 else "test.happened"
            await append(store, f"test-{stream}", topic)


def expected(events: Sequence[Any]) -> dict[str, list[int]]:
    """What the model has of them."""
    found: dict[str, list[int]] = {}
    for event in events:
        if event.topic in (Seen.topics or ()):
            found.setdefault(event.stream_id, []).append(event.version)
    return found


async def lead(store: EventStore, projection: Seen, events: int | None = None) -> None:
    """What the leader does with the next events of the log."""
    connection = await store.connect()
    try:
        worker = ProjectionWorker(projection, connection, projection.name)
        await worker.resume()
        await worker.apply(await store.read_all(worker.position, limit=events or 1000))
    finally:
        connection.terminate()


async def as_rebuilt(store: EventStore, model: Seen) -> bool:
    """Whether it has what a rebuild has, in which order it may ever have come."""
    (_, sums) = (await compare(store, model)).tables
    return sums.only_live == sums.only_rebuilt == 0


def test_whatever_is_enough_for_a_model_a_test_shows_it() -> None:
    shown = Counter(name for names in SHOWN.values() for name in names)
    declared = [each.name for each in PROJECTIONS if order_of(each) is Order.STREAM]
    assert shown == Counter(declared)
    assert order_of(projection_named("parking_revenue")) is Order.LOG  # where nothing is said


async def test_devices_in_any_order(store: EventStore) -> None:
    services = services_over(store)
    ids = await record(
        services, *(detection(f"ref-{n}", metres=500 * n, confidence=60) for n in range(3))
    )
    for number in range(3):
        camera = Camera.register(
            OPERATOR,
            NOW,
            stream_id=stream_of(f"c-{number}"),
            latitude=34.7,
            longitude=113.6,
            online=True,
            simulated=True,
        )
        for _ in range(number):
            camera.report(OPERATOR, NOW, online=not camera.online, reason="dark")
        await store.save(camera, metadata=context(CAMERA).metadata())
    assert len(ids) == 3
    await project(store, *SHOWN["devices"])
    await same_in_any_order(store, *SHOWN["devices"])


deliveries = st.lists(
    st.lists(st.tuples(st.integers(0, STREAMS - 1), st.integers(0, EVENTS - 1)), max_size=12)
    | st.integers(1, 9),
    max_size=8,
)


@examples(10, SHARED_FIXTURE)
@given(deliveries)
async def test_whatever_comes_each_event_counts_once_and_in_order(
    store: EventStore, script: list[list[tuple[int, int]] | int]
) -> None:
    """Records in any order, repeated, and left out; the leader goes on in between."""
    if not await store.head():
        await fill(store)
    model = Seen()
    await prepare(store, [model])
    feeder = Feeder(store, model)
    received = {(event.stream_id, event.version): event for event in await all_received(store)}
    for move in script:
        if isinstance(move, int):
            await lead(store, model, move)
        else:
            await feeder.apply([received[f"test-{stream}", v + 1] for stream, v in move])
    for stream, versions in (await seen(store)).items():
        all_of_it = expected(list(received.values()))[stream]
        assert versions == all_of_it[: len(versions)]
    assert await as_rebuilt(store, model)
    await lead(store, model)
    assert await seen(store) == expected(list(received.values()))
    assert await store.pool.fetch(AHEAD) == []
    await drop(store, model.name)


async def test_what_was_fed_is_passed_by_and_a_hole_is_read_from_the_log(store: EventStore) -> None:
    await fill(store)
    model, events = Seen(), await all_received(store)
    await prepare(store, [model])
    feeder = Feeder(store, model)
    (last,) = (event for event in events if (event.stream_id, event.version) == ("test-1", 6))
    assert last.topic == "test.happened"
    assert await feeder.apply([last]) == len(expected(events)["test-1"]) - 1
    assert [tuple(row) for row in await store.pool.fetch(AHEAD)] == [("test-1", 6)]
    assert not await reached(store.pool, model.name, 1)  # it says only what is complete
    assert await feeder.apply([last]) == 0
    assert await as_rebuilt(store, model)
    await lead(store, model)
    assert await reached(store.pool, model.name, await store.head())
    assert await feeder.apply(events) == 0
    assert await seen(store) == expected(events)


async def test_an_event_of_another_log_is_refused(store: EventStore) -> None:
    await fill(store)
    model, events = Seen(), await all_received(store)
    await prepare(store, [model])
    feeder = Feeder(store, model)
    assert await feeder.apply([replace(event, incarnation=uuid4()) for event in events]) == 0
    assert await feeder.apply(events) > 0


async def test_k35_restored_to_yesterday(store: EventStore) -> None:
    """What the log had before it went back is left out, whatever its versions are."""
    await fill(store)
    model, events = Seen(), await all_received(store)
    await prepare(store, [model])
    kept = events[: len(events) // 2]
    await store.pool.execute(RESTORED, kept[-1].position)
    feeder = Feeder(store, model)
    await feeder.apply(events)
    assert await seen(store) == expected(kept)
    await feeder.apply(await all_received(store))  # of the log as it is
    assert await seen(store) == expected(events)


class Heavy(Seen):
    """Cannot do more than a few events within its time."""

    most = 0

    async def apply(self, connection: Any, events: Sequence[RecordedEvent]) -> None:
        if len(events) > EVENTS:
            raise TimeoutError
        self.most = max(self.most, len(events))
        await super().apply(connection, events)


async def test_k15_a_batch_that_takes_too_long(store: EventStore) -> None:
    """It is taken in smaller steps, and nothing of it is taken for poison."""
    await fill(store)
    model, events = Heavy(), await all_received(store)
    await prepare(store, [model])
    await Feeder(store, model).apply(events)
    assert await seen(store) == expected(events)
    assert 0 < model.most <= EVENTS
    assert await store.pool.fetchval("SELECT count(*) FROM parked_events") == 0


def test_a_model_that_needs_the_log_is_not_fed(store: EventStore) -> None:
    with pytest.raises(NeedsTheLog):
        Feeder(store, projection_named("parking_revenue"))


class Slow(Seen):
    """Waits in the midst of its transaction."""

    def __init__(self) -> None:
        self.begun, self.go_on = asyncio.Event(), asyncio.Event()

    async def apply(self, connection: Any, events: Sequence[RecordedEvent]) -> None:
        self.begun.set()
        await self.go_on.wait()
        await super().apply(connection, events)


async def test_k12_the_worker_that_woke_up(store: EventStore) -> None:
    """Two apply the same events: the second to commit finds that the streams have moved."""
    await fill(store)
    events = await all_received(store)
    slow = Slow()
    await prepare(store, [slow])
    sleeper, successor = Feeder(store, slow), Feeder(store, Seen())
    sleeping = asyncio.create_task(sleeper.apply(events))
    await slow.begun.wait()
    following = asyncio.create_task(successor.apply(events))
    slow.go_on.set()
    done = await sleeping, await following
    assert sorted(done) == [0, sum(map(len, expected(events).values()))]
    assert await seen(store) == expected(events)


async def test_a_leader_whom_nobody_feeds_goes_on_from_the_log(
    store: EventStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runner, "PATIENCE_SECONDS", 0.1)
    await fill(store)
    model, events = Seen(), await all_received(store)
    await prepare(store, [model])
    await Feeder(store, model).apply(events[: len(events) // 2])
    async with running(store, model):
        await caught_up(store, model.name)
        await append(store, "test-0")
        await caught_up(store, model.name)
    assert await seen(store) == expected(await all_received(store))


async def test_the_leader_leaves_those_who_feed_the_time(
    store: EventStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With patience without end, what is complete is what was fed."""
    monkeypatch.setattr(runner, "PATIENCE_SECONDS", 3600)
    model = Seen()
    await append(store, "test-0")
    await prepare(store, [model])
    feeder = Feeder(store, model)
    await feeder.apply(await all_received(store))
    async with running(store, model):
        await caught_up(store, model.name)
        for stream in range(3):
            await append(store, f"test-{stream}")
        first, *rest = (await all_received(store))[1:]
        await feeder.apply(rest)
        assert not await reached(store.pool, model.name, first.position)
        await feeder.apply([first])
        await caught_up(store, model.name)
    assert await seen(store) == expected(await all_received(store))


async def test_k24_poison_in_the_middle_of_a_stream(store: EventStore) -> None:
    for number in range(3):
        await append(store, "test-bad")
        await append(store, f"test-{number}")
    await append(store, "test-bad", POISON)
    for number in range(3):
        await append(store, "test-bad")
        await append(store, f"test-{number}")
    model, events = Seen(), await all_received(store)
    await prepare(store, [model])
    await Feeder(store, model).apply(events)
    good = {stream: found for stream, found in expected(events).items() if stream != "test-bad"}
    assert await seen(store) == good | {"test-bad": [1, 2, 3]}
    parked = await store.pool.fetch("SELECT position, error FROM parked_events ORDER BY position")
    assert [row["error"] for row in parked] == [
        "KeyError 'amount'",
        *["waits behind a parked event of its stream"] * 3,
    ]
    assert await as_rebuilt(store, model)
    await lead(store, model)
    await append(store, "test-bad")
    await Feeder(store, model).apply(await all_received(store))
    assert (await retry_parked(store, model)).still_parked == 5
    model.cured = True
    assert (await retry_parked(store, model)).applied == 5
    assert (await retry_parked(store, model)).applied == 0
    await lead(store, model)
    assert await seen(store) == expected(await all_received(store))


async def test_a_rebuild_begins_anew_and_is_fed_again(store: EventStore) -> None:
    await fill(store)
    model = Seen()
    await prepare(store, [model])
    feeder = Feeder(store, model)
    await feeder.apply((await all_received(store))[:9])
    assert await store.pool.fetch(AHEAD) != []
    await rebuild(store, model)
    assert await store.pool.fetch(AHEAD) == []
    for stream in range(STREAMS):
        await append(store, f"test-{stream}")
    await feeder.apply(await all_received(store))
    assert await seen(store) == expected(await all_received(store))
    assert await as_rebuilt(store, model)

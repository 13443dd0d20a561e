"""Events that cannot be applied: set aside in order, told to Kafka, replayed once."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer
from typer.testing import CliRunner

from citybrain.cli import dead_letters as cli
from citybrain.domain import stream
from citybrain.eventstore import ANY, EventStore, NewEvent
from citybrain.eventstore.versions import NewerThanKnown
from citybrain.kafka.clients import connection
from citybrain.kafka.wire import received
from citybrain.settings import Settings
from ops.kafka import Cluster
from projections import runner
from projections.dead_letters import TOPIC, DeadLetters
from projections.feeder import Feeder
from projections.parked import retry_parked
from projections.rebuild import rebuild
from projections.runner import prepare
from projections.status import parked_events
from tests.given.feeding import all_received
from tests.given.feeding_kafka import Topic, feeding, feeding_settings
from tests.given.publishing import metadata
from tests.given.read_models import append, caught_up, running
from tests.given.seen import POISON, Seen, seen
from tests.given.waiting import eventually, working

BEHIND = "waits behind a parked event of its stream"


@asynccontextmanager
async def sending(settings: Settings, store: EventStore) -> AsyncIterator[None]:
    """Letters are sent while the block runs."""
    async with working(DeadLetters(settings, store).run()):
        yield


async def letters(settings: Settings, number: int) -> list[Any]:
    """So many letters of the topic."""
    consumer = AIOKafkaConsumer(
        settings.kafka_topic_prefix + TOPIC, auto_offset_reset="earliest", **connection(settings)
    )
    await consumer.start()
    try:
        return [await consumer.getone() for _ in range(number)]
    finally:
        await consumer.stop()


async def poisoned(store: EventStore) -> Seen:
    """A stream whose second event is poison, between others that are not."""
    for topic in ("test.happened", POISON, "test.happened"):
        await append(store, "test-bad", topic)
        await append(store, "test-good")
    model = Seen()
    await prepare(store, [model])
    return model


async def all_announced(store: EventStore) -> bool:
    return bool(await store.keeping.fetchval("SELECT bool_and(announced) FROM parked_events"))


async def test_k24_poison_goes_to_a_topic_with_all_that_it_was(
    kafka: Cluster, settings: Settings, store: EventStore
) -> None:
    ours = feeding_settings(settings, kafka)
    topic, model = Topic(ours, 1), await poisoned(store)
    await topic.make()
    events = await all_received(store)
    await topic.write(events)
    async with feeding(ours, store, model), sending(ours, store):
        await eventually(lambda: all_announced(store))
    assert await seen(store) == {"test-bad": [1], "test-good": [1, 2, 3]}
    found = await letters(ours, 2)
    for letter, event, reason in zip(
        found, (events[2], events[4]), ("KeyError 'amount'", BEHIND), strict=True
    ):
        headers = dict(letter.headers)
        assert received(letter.key, letter.value, letter.headers) == event
        assert headers["dead-letter-projection"] == b"seen"
        assert headers["dead-letter-reason"].decode() == reason
        assert headers["dead-letter-source"].decode() == f"{topic.name}/0/{event.position - 1}"
        assert headers["dead-letter-attempts"] == b"1"
        assert event.state not in b"".join(headers.values())


async def test_k26_replay_of_letters(store: EventStore) -> None:
    """Again and again, after a rebuild, and one that fails once more."""
    model = await poisoned(store)
    feeder = Feeder(store, model)
    await feeder.apply(await all_received(store))
    before = await parked_events(store.keeping)
    assert [row["error"] for row in before] == ["KeyError 'amount'", BEHIND]
    assert (await retry_parked(store, model)).still_parked == 2
    again = await parked_events(store.keeping)
    assert [row["attempts"] for row in again] == [2, 1]
    assert [row["parked_at"] for row in again] == [row["parked_at"] for row in before]
    model.cured = True
    await rebuild(store, model)
    replayed = await retry_parked(store, model)
    assert (replayed.applied, replayed.still_parked) == (0, 0)
    assert await seen(store) == {"test-bad": [1, 2, 3], "test-good": [1, 2, 3]}


async def test_k28_from_the_future_of_the_software(
    store: EventStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The model stops before it and says so; the next release goes on there."""
    monkeypatch.setattr(runner, "RETRY_AFTER_FAULT_SECONDS", 0.05)
    monkeypatch.setattr(runner, "PATIENCE_SECONDS", 0.05)
    monkeypatch.setitem(stream._VERSIONS, "test.happened", 1)
    model = Seen()
    await append(store, "test-1")
    state = b'{"n":1,"class_version":2}'
    new = NewEvent("test.happened", state)
    await store.append("test-1", ANY, [new], metadata=metadata())
    await append(store, "test-2")
    await append(store, "test-3", "test.never_heard_of")
    await prepare(store, [model])
    with pytest.raises(NewerThanKnown, match="position 2 is of version 2, known is 1"):
        await Feeder(store, model).apply(await all_received(store))
    async with running(store, model):

        async def stopped() -> str | None:
            why: str | None = await store.keeping.fetchval(
                "SELECT stopped FROM projection_checkpoints WHERE position = 1"
            )
            return why

        assert "is of version 2" in await eventually(stopped)
        assert await seen(store) == {"test-1": [1]}
        monkeypatch.setitem(stream._VERSIONS, "test.happened", 2)
        await caught_up(store, model.name)
    assert await store.keeping.fetchval("SELECT stopped FROM projection_checkpoints") is None
    assert await seen(store) == {"test-1": [1, 2], "test-2": [1]}
    assert await parked_events(store.keeping) == []


async def test_letters_are_listed_and_replayed_from_the_command_line(
    store: EventStore, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = await poisoned(store)
    await Feeder(store, model).apply(await all_received(store))
    monkeypatch.setattr(cli, "projection_named", lambda _: model)
    monkeypatch.setattr(cli, "Settings", lambda: settings)

    async def told(*arguments: str) -> Any:
        return await asyncio.to_thread(CliRunner().invoke, cli.app, arguments)

    listed = await told("list", "--json")
    assert '"stream_id": "test-bad"' in listed.output
    replayed = await told("replay", "seen")
    assert replayed.exit_code == 1
    assert replayed.output.endswith("seen: 0 applied, 2 stay\n")
    model.cured = True
    replayed = await told("replay")
    assert (replayed.exit_code, replayed.output) == (0, "seen: 2 applied, 0 stay\n")
    assert "whatever there was has been applied" in (await told("replay", "seen")).output

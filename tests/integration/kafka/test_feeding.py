"""Read models that are fed from Kafka are what the log says, whatever becomes of the topic."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from random import Random
from typing import Any

import pytest
from aiokafka import TopicPartition
from prometheus_client import REGISTRY

from citybrain.eventstore import EventStore
from citybrain.kafka import clients
from citybrain.kafka.clients import transactional_producer
from citybrain.settings import Settings
from citybrain.systems import projection_named
from ops.kafka import Cluster
from projections import kafka_feed, runner
from projections.feeder import Feeder
from projections.kafka_feed import KafkaFeed, Shares
from projections.rebuild import compare
from projections.runner import prepare
from projections.status import projection_status, with_pace
from tests.given.feeding import SHOWN, all_received
from tests.given.feeding_kafka import Topic, feeding, feeding_settings, has_read, read_up_to
from tests.given.publishing import publishing
from tests.given.read_models import append, caught_up, running
from tests.given.seen import Seen, seen
from tests.given.services import services_over, take_to_the_end
from tests.given.storm import repeated
from tests.given.waiting import eventually, holds

STREAMS = 4


async def fill(store: EventStore, events: int = 5) -> None:
    """A few streams that take turns."""
    for _ in range(events):
        for stream in range(STREAMS):
            await append(store, f"test-{stream}")


async def written(
    kafka: Cluster, settings: Settings, store: EventStore, events: int = 5
) -> tuple[Settings, Topic, Seen]:
    """A log that is in a topic of one partition, and a model that has nothing of it."""
    ours = feeding_settings(settings, kafka)
    topic, model = Topic(ours, 1), await prepared(store, Seen())
    await topic.make()
    await fill(store, events)
    await topic.write(await all_received(store))
    return ours, topic, model


async def prepared(store: EventStore, model: Seen) -> Seen:
    """A model that its leader knows to be fed."""
    await prepare(store, [model])
    await store.keeping.execute("UPDATE projection_checkpoints SET fed = true")
    return model


async def whole(store: EventStore, model: Seen) -> None:
    """The model has each event of the log once, each stream in order."""
    expected: dict[str, list[int]] = {}
    for event in await all_received(store):
        if event.topic in (model.topics or ()):
            expected.setdefault(event.stream_id, []).append(event.version)
    assert await seen(store) == expected
    assert (await compare(store, model)).tables[1].only_live == 0


@pytest.fixture
def only_from_kafka(monkeypatch: pytest.MonkeyPatch) -> None:
    """The leader never helps itself: what is there was fed."""
    monkeypatch.setattr(runner, "PATIENCE_SECONDS", 3600)


@pytest.fixture
def helping_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    """The leader does not wait long."""
    monkeypatch.setattr(runner, "PATIENCE_SECONDS", 0.2)


async def test_what_is_in_the_topic_is_in_the_model(
    kafka: Cluster, settings: Settings, store: EventStore, only_from_kafka: None
) -> None:
    ours = feeding_settings(settings, kafka)
    topic, model = Topic(ours, 3), await prepared(store, Seen())
    await topic.make()
    await fill(store)
    await topic.write(await all_received(store))
    async with running(store, model), feeding(ours, store, model):
        await caught_up(store, model.name)
        before = await store.head()
        await append(store, "elsewhere-1", "other.happened")  # its partition has nothing to say
        await caught_up(store, model.name)
        await append(store, "test-1")
        await topic.write((await all_received(store))[before:])
        await caught_up(store, model.name)
    await whole(store, model)


async def test_what_the_log_does_not_have_is_left_out(
    kafka: Cluster, settings: Settings, store: EventStore, only_from_kafka: None
) -> None:
    """It was there, was published, and went with the server that had it."""
    ours = feeding_settings(settings, kafka)
    topic, model = Topic(ours, 1), await prepared(store, Seen())
    await topic.make()
    await fill(store, 2)
    *kept, last = await all_received(store)
    lost = replace(last, version=last.version + 1, position=last.position + 1)
    otherwise = replace(last, recorded_at=last.recorded_at - timedelta(milliseconds=1))
    await topic.write([lost, otherwise, *kept, last])
    async with running(store, model), feeding(ours, store, model):
        await caught_up(store, "seen")
    await whole(store, model)
    labels = {"topic": topic.name}
    assert REGISTRY.get_sample_value("citybrain_kafka_unknown_total", labels) == 2


async def test_published_and_fed_a_model_is_as_it_is_from_the_log(
    kafka: Cluster, settings: Settings, store: EventStore, only_from_kafka: None
) -> None:
    """From a command to the read models of cases, all of it through Kafka."""
    ours, services = feeding_settings(settings, kafka, kafka_partitions=2), services_over(store)
    models = [projection_named(name) for name in SHOWN["cases"]]
    await prepare(store, models)
    await store.keeping.execute("UPDATE projection_checkpoints SET fed = true")
    async with (
        publishing(ours, store, ("case",)),
        running(store, *models),
        feeding(ours, store, *models),
    ):
        for steps in (6, 3, 6, 0):
            await take_to_the_end(services, steps)
        await caught_up(store, *SHOWN["cases"])
    for model in models:
        assert (await compare(store, model)).equal, model.name
    assert await store.keeping.fetchval("SELECT count(*) FROM case_timeline.entries") == 19


async def test_a_database_that_is_away_is_no_poison(
    kafka: Cluster, settings: Settings, store: EventStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kafka_feed, "RETRY_SECONDS", 0.05)
    ours, _, model = await written(kafka, settings, store, 1)
    writing, refused = store.writing, 0

    def refusing() -> Any:
        nonlocal refused
        refused += 1
        if refused <= 3:
            raise ConnectionRefusedError
        return writing()

    monkeypatch.setattr(store, "writing", refusing)
    async with feeding(ours, store, model):
        await eventually(lambda: _all_fed(store, STREAMS))
    assert refused > 3
    assert await store.keeping.fetchval("SELECT count(*) FROM parked_events") == 0


async def _all_fed(store: EventStore, events: int) -> bool:
    return sum(map(len, (await seen(store)).values())) == events


async def test_k09_truncated_behind_the_reader(
    kafka: Cluster, settings: Settings, store: EventStore, helping_itself: None
) -> None:
    """The topic was cut to four records; others lie now where the reader has been."""
    ours = feeding_settings(settings, kafka)
    topic, model = Topic(ours, 1), await prepared(store, Seen())
    await topic.make()
    await fill(store)
    events = await all_received(store)
    await Feeder(store, model).apply(events[:8])
    await topic.write([*events[:4], *events[12:]])
    await read_up_to(ours, {TopicPartition(topic.name, 0): 8})  # it exists, and is another one
    async with running(store, model), feeding(ours, store, model):
        await caught_up(store, model.name)
    await whole(store, model)


async def test_a_topic_that_ends_before_where_the_reader_was_is_read_anew(
    kafka: Cluster, settings: Settings, store: EventStore, only_from_kafka: None
) -> None:
    ours, topic, model = await written(kafka, settings, store)
    await read_up_to(ours, {TopicPartition(topic.name, 0): 1000})
    async with running(store, model), feeding(ours, store, model):
        await caught_up(store, model.name)
    await whole(store, model)


async def test_k19_twice_as_many_partitions(
    kafka: Cluster,
    settings: Settings,
    store: EventStore,
    only_from_kafka: None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Later versions are in other partitions, and the new ones are read from their beginning."""
    monkeypatch.setattr(clients, "NEW_TOPICS_MS", 300)
    ours = feeding_settings(settings, kafka)
    topic, model = Topic(ours, 2), await prepared(store, Seen())
    await topic.make()
    await fill(store)
    events = await all_received(store)
    early, late = events[:12], events[12:]
    async with running(store, model), feeding(ours, store, model) as feed:
        await holds(lambda: len(feed.assigned) == 2)
        await topic.grow(4)
        await topic.write(late)  # to four partitions, before the reader knows of two of them
        await holds(lambda: len(feed.assigned) == 4)
        await topic.write(early, partition=0)
        await caught_up(store, model.name)
    await whole(store, model)


async def test_k23_rebuild_from_a_topic_that_forgot(
    kafka: Cluster, settings: Settings, store: EventStore, helping_itself: None
) -> None:
    """What the topic has no more comes from the log, also what it forgets meanwhile."""
    ours = feeding_settings(settings, kafka)
    topic, model = Topic(ours, 1), Seen()
    await topic.make()
    await fill(store)
    await topic.write(await all_received(store))
    await topic.forget({0: 7})
    async with running(store, model), feeding(ours, store, model):
        await caught_up(store, model.name)
        await whole(store, model)
        before = await store.head()
        await fill(store, 2)
        await topic.write((await all_received(store))[before:])
        await topic.forget({0: 24})
        await caught_up(store, model.name)
    await whole(store, model)


class Owners:
    """Who has which partition, as the readers say it, one after the other."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.owner: dict[TopicPartition, KafkaFeed] = {}
        self.changes = 0
        revoked, assigned = Shares.on_partitions_revoked, Shares.on_partitions_assigned

        async def on_revoked(shares: Shares, partitions: Any) -> None:
            await revoked(shares, partitions)
            self.left(shares._feed)

        async def on_assigned(shares: Shares, partitions: Any) -> None:
            for partition in partitions:
                assert self.owner.get(partition, shares._feed) is shares._feed, partition
                self.owner[partition] = shares._feed
            self.changes += 1
            await assigned(shares, partitions)

        monkeypatch.setattr(Shares, "on_partitions_revoked", on_revoked)
        monkeypatch.setattr(Shares, "on_partitions_assigned", on_assigned)

    def left(self, feed: KafkaFeed) -> None:
        """It has none any more."""
        self.owner = {each: owner for each, owner in self.owner.items() if owner is not feed}


async def test_k13_everybody_stops_when_one_joins(
    kafka: Cluster,
    settings: Settings,
    store: EventStore,
    only_from_kafka: None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ours = feeding_settings(settings, kafka)
    topic, model, owners = Topic(ours, 4), await prepared(store, Seen()), Owners(monkeypatch)
    await topic.make()
    readers: list[asyncio.Task[None]] = []
    feeds: list[KafkaFeed] = []

    async def join() -> None:
        feeds.append(KafkaFeed(ours, store, [model]))
        readers.append(asyncio.create_task(feeds[-1].run()))

    async def leave(which: int) -> None:
        feed, reader = feeds.pop(which), readers.pop(which)
        owners.left(feed)
        reader.cancel()
        await asyncio.gather(reader, return_exceptions=True)

    random = Random(13)
    async with running(store, model):
        for _ in range(repeated(6)):
            before = await store.head()
            await fill(store, 2)
            if len(feeds) < 2 or random.random() < 0.5:
                await join()
            else:
                await leave(random.randrange(len(feeds)))
            await topic.write((await all_received(store))[before:])
        await caught_up(store, model.name)
        while feeds:
            await leave(0)
    await whole(store, model)
    assert owners.changes > 3


@asynccontextmanager
async def reading(ours: Settings, store: EventStore, model: Seen) -> AsyncIterator[KafkaFeed]:
    async with feeding(ours, store, model) as feed:
        await holds(lambda: feed.assigned)
        yield feed


async def test_k13_who_comes_back_in_time_has_its_partitions_again(
    kafka: Cluster, settings: Settings, store: EventStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a name of its own in the group; the other one does not even notice."""
    ours = feeding_settings(settings, kafka, kafka_session_seconds=60)
    topic, model, owners = Topic(ours, 2), await prepared(store, Seen()), Owners(monkeypatch)
    await topic.make()
    named = [ours.model_copy(update={"kafka_instance": name}) for name in ("one", "two")]
    async with reading(named[0], store, model) as first:
        async with reading(named[1], store, model) as second:
            await holds(lambda: len(first.assigned) == len(second.assigned) == 1)
            had, changes = second.assigned, owners.changes
        owners.left(second)
        async with reading(named[1], store, model) as second:
            assert second.assigned == had
            assert owners.changes == changes + 1
            assert len(first.assigned) == 1


async def test_offsets_say_where_to_go_on(
    kafka: Cluster, settings: Settings, store: EventStore
) -> None:
    ours, topic, model = await written(kafka, settings, store, 2)
    async with feeding(ours, store, model):

        async def all_read() -> bool:
            return await has_read(ours, topic) == {0: 2 * STREAMS}

        await eventually(all_read)
    assert await seen(store) == {f"test-{stream}": [1, 2] for stream in range(STREAMS)}
    assert await store.keeping.fetchval("SELECT position FROM projection_checkpoints") == 0


async def test_k40_a_million_behind(
    kafka: Cluster, settings: Settings, store: EventStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is taken at once stays as small as it is, and whoever comes next goes on there."""
    monkeypatch.setattr(kafka_feed, "MOST_AT_ONCE", 20)
    monkeypatch.setattr(kafka_feed, "KEEP_SECONDS", 0.0)
    ours, _, model = await written(kafka, settings, store, repeated(50))
    taken: list[int] = []
    apply = Feeder.apply

    async def counted(feeder: Feeder, events: Sequence[Any]) -> int:
        taken.append(len(events))
        return await apply(feeder, events)

    monkeypatch.setattr(Feeder, "apply", counted)
    async with feeding(ours, store, model):
        await holds(lambda: len(taken) > 3)
    first = sum(taken)
    async with feeding(ours, store, model):
        await eventually(lambda: _all_fed(store, repeated(50) * STREAMS))
    assert max(taken) <= 20
    assert sum(taken) <= repeated(50) * STREAMS + 20, "all but one batch is read once"
    assert first < sum(taken)
    before = await projection_status(store, [model])
    async with running(store, model):
        await caught_up(store, model.name)
    (row,) = with_pace(before, await projection_status(store, [model]), 2.0)
    assert row["events_per_second"] == repeated(50) * STREAMS / 2
    assert row["seconds_left"] == 0


async def test_k16_stop_while_the_cluster_is_away(
    settings: Settings, store: EventStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody listens there: it says so, and ends when it is asked to."""
    monkeypatch.setattr(kafka_feed, "RETRY_SECONDS", 0.05)
    ours = settings.model_copy(update={"kafka_bootstrap_servers": "127.0.0.1:1"})
    async with asyncio.timeout(60), feeding(ours, store, Seen()) as feed:
        await holds(lambda: feed.away)
        assert REGISTRY.get_sample_value("citybrain_kafka_away", {"reader": "read-models"}) == 1


def behind(topic: Topic, partition: int = 0) -> float | None:
    """What the metrics say of a partition; nothing where there is no series."""
    labels = {"topic": topic.name, "partition": str(partition)}
    return REGISTRY.get_sample_value("citybrain_kafka_behind_records", labels)


async def test_k34_records_that_are_not_read(
    kafka: Cluster, settings: Settings, store: EventStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A marker of a transaction is none, an idle partition has none, what was deleted is lost."""
    monkeypatch.setattr(kafka_feed, "LOOK_SECONDS", 0.05)
    monkeypatch.setattr(kafka_feed, "POLL_MS", 50)
    ours = feeding_settings(settings, kafka)
    topic, model = Topic(ours, 2), await prepared(store, Seen())
    await topic.make()
    await fill(store, 2)
    events = await all_received(store)
    await topic.write(events, partition=0)
    await topic.forget({0: 5})
    await read_up_to(ours, {TopicPartition(topic.name, 0): 2})
    async with (
        transactional_producer(ours, f"{topic.name}-marks", 16_384) as producer,
        producer.transaction(),
    ):
        await producer.send_and_wait(topic.name, b"no event of ours", partition=0)
    async with feeding(ours, store, model):
        await holds(lambda: (behind(topic), behind(topic, 1)) == (0, 0))
    assert (behind(topic), behind(topic, 1)) == (None, None)
    lost = REGISTRY.get_sample_value("citybrain_kafka_lost_total", {"topic": topic.name})
    assert lost == 3

"""The log and Kafka stay the same whatever is stopped, killed or lost between them."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiokafka.client
import pytest

from citybrain.eventstore import EventStore
from citybrain.kafka import lane as lanes
from citybrain.kafka.clients import admin
from citybrain.kafka.lane import BrokersAway, open_lane
from citybrain.kafka.publisher import LAG_POSITIONS as LAG
from citybrain.kafka.topics import Topic, create, describe
from citybrain.settings import Settings
from ops.kafka import Cluster, kafka_broker
from tests.given.kafka import kafka_or_skip, known
from tests.given.kafka_cut import cut
from tests.given.network import KafkaNetwork
from tests.given.publishing import (
    CATEGORY,
    append,
    environment_of,
    impatient,
    in_kafka,
    problems_of,
    publish_process,
    published_up_to,
    publishing,
    publishing_settings,
    require_whole,
)
from tests.given.storm import STORM
from tests.given.waiting import eventually, holds
from tests.given.warm import Warm

pytestmark = pytest.mark.fault


@pytest.fixture(autouse=True)
def nobody_waits_long(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is away is asked again soon."""
    impatient(monkeypatch)


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A broker that is there to be killed."""
    kafka_or_skip()
    cluster = Cluster.at(tmp_path_factory.mktemp("kafka"))
    cluster.start()
    yield cluster
    cluster.kill()


async def made(settings: Settings) -> Topic:
    """The topic of a test."""
    name = settings.kafka_topic_prefix + CATEGORY
    async with admin(settings) as client:
        await create(client, [name], settings)
        await known(client, name)
        return (await describe(client, [name]))[name]


async def test_k02_what_a_publisher_that_slept_had_begun_is_seen_by_nobody(
    kafka: Cluster, settings: Settings, store: EventStore
) -> None:
    ours = publishing_settings(settings, kafka)
    topic = await made(ours)
    for number in range(540, 581):
        await append(store, f"parking-s{number % 5}")
    events = await store.read_all(limit=100)
    async with open_lane(ours, store, CATEGORY, topic) as sleeper:
        await sleeper.publish(events[:10])
        await published_up_to(store, 10, topic.name)
        asleep, wakes = asyncio.Event(), asyncio.Event()
        next_one = sleeper._producers[-1]
        commit = next_one.commit_transaction

        async def sleeps() -> None:
            asleep.set()
            await wakes.wait()
            await commit()

        next_one.commit_transaction = sleeps
        ahead = asyncio.create_task(sleeper.publish(events[30:]))
        await asleep.wait()
        async with open_lane(ours, store, CATEGORY, topic) as successor:
            await successor.publish(events[10:25])
            wakes.set()
            with pytest.raises(BrokersAway):
                await ahead
            with pytest.raises(BrokersAway):
                await sleeper.publish(events[30:])
            await successor.publish(events[25:])
        await require_whole(ours, store)
        seen = [e.position for p in await in_kafka(ours, committed=False) for e in p]
        assert len(seen) == len(events) + 11, "what was in the socket did arrive"


async def test_k02_a_publisher_that_is_stopped_and_continued_does_no_harm(
    kafka: Cluster, settings: Settings, store: EventStore, tmp_path: Path
) -> None:
    ours = publishing_settings(settings, kafka)
    topic = ours.kafka_topic_prefix + CATEGORY
    async with publish_process(ours, tmp_path) as first:
        await append(store, "parking-s1", 10)
        await published_up_to(store, 10, topic)
        async with publish_process(ours, tmp_path), appending(store):
            await published_up_to(store, 100, topic)
            os.kill(first.pid, signal.SIGSTOP)
            await published_up_to(store, await store.head() + 100, topic)
            os.kill(first.pid, signal.SIGCONT)
            await published_up_to(store, await store.head() + 100, topic)
            await holds(lambda: "publish_begins_again" in first.err.read_text())
        await published_up_to(store, await store.head(), topic)
    await require_whole(ours, store)


async def test_k04_a_batch_that_is_sent_again_stays_in_its_place(
    kafka: Cluster, settings: Settings, store: EventStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours = publishing_settings(settings, kafka)
    topic = await made(ours)
    monkeypatch.setattr(lanes, "BATCH_BYTES", 500)  # each event is a batch
    await append(store, "parking-s001", 3)
    async with KafkaNetwork(kafka.bootstrap_servers) as network:
        connect = aiokafka.client.create_conn

        async def through(_: str, __: int, **how: object) -> object:
            return await connect("127.0.0.1", network.port, **how)

        monkeypatch.setattr(aiokafka.client, "create_conn", through)
        network.lose_answer_to_produce(2)
        async with open_lane(ours, store, CATEGORY, topic) as lane:
            await lane.publish(await store.read_all())
        assert network.lost
        assert network.produced > 3
        await require_whole(ours, store)


async def test_k07_what_a_broker_has_lost_is_sent_again(
    own: Cluster, settings: Settings, store: EventStore
) -> None:
    ours = publishing_settings(settings, own)
    topic = ours.kafka_topic_prefix + CATEGORY
    async with publishing(ours, store):
        for number in range(60):
            await append(store, f"parking-s{number % 9}", 2)
            if number % 20 == 19:
                await published_up_to(store, await store.head(), topic)
        own.kill()
        lost = [
            cut(own.brokers[0].data / f"{topic}-{partition}", keep=0.6)
            for partition in range(ours.kafka_partitions)
        ]
        assert sum(lost) > 0
        await asyncio.to_thread(own.start)

        async def healed() -> bool:
            try:
                await require_whole(ours, store, repeats=True)
            except (AssertionError, KeyError):
                return False
            return True

        await eventually(healed)
        await append(store, "parking-s1", 3)
        await published_up_to(store, await store.head(), topic)
    await require_whole(ours, store, repeats=True)


async def test_k16_a_publisher_begins_and_ends_while_there_are_no_brokers(
    own: Cluster, settings: Settings, store: EventStore, tmp_path: Path
) -> None:
    ours = publishing_settings(settings, own)
    topic = ours.kafka_topic_prefix + CATEGORY
    await append(store, "parking-s1", 10)
    async with publish_process(ours, tmp_path) as process:
        await published_up_to(store, 10, topic)
        own.kill()
        await append(store, "parking-s1", 10)
        assert "brokers" in await problems_of(process)
        os.kill(process.pid, signal.SIGTERM)
        assert await process.ended() == 0
    async with publish_process(ours, tmp_path) as process:
        assert "brokers" in await problems_of(process)
        await asyncio.to_thread(own.start)
        await published_up_to(store, 20, topic)
        os.kill(process.pid, signal.SIGTERM)
        assert await process.ended() == 0
    await require_whole(ours, store)


async def test_a_publisher_that_dies_before_its_checkpoint_moves_sends_nothing_twice(
    kafka: Cluster, settings: Settings, store: EventStore, tmp_path: Path
) -> None:
    ours = publishing_settings(settings, kafka)
    topic = ours.kafka_topic_prefix + CATEGORY
    for death in range(2 if STORM == 1 else 50):
        await append(store, f"parking-s{death % 4}", 3)
        dying = Warm(tmp_path, "tests.given.dying_publisher", "1", environment=environment_of(ours))
        assert await dying.ended() == -signal.SIGKILL
    async with publishing(ours, store):
        await published_up_to(store, await store.head(), topic)
    await require_whole(ours, store)


@pytest.mark.storm
@pytest.mark.skipif(STORM == 1, reason="three brokers are for a storm")
async def test_k08_without_enough_replicas_publishing_waits_and_the_log_goes_on(
    settings: Settings, store: EventStore
) -> None:
    kafka_or_skip()
    async with kafka_broker(brokers=3) as cluster:
        ours = publishing_settings(settings, cluster)
        topic = ours.kafka_topic_prefix + CATEGORY
        async with publishing(ours, store) as publisher:
            await append(store, "parking-s1", 10)
            await published_up_to(store, 10, topic)
            for broker in cluster.brokers[1:]:
                broker.pause()
            head = await append(store, "parking-s2", 10)
            await holds(lambda: publisher.problems)
            assert LAG.labels(CATEGORY)._value.get() > 0
            for broker in cluster.brokers[1:]:
                broker.resume()
            await published_up_to(store, head, topic)
            await holds(lambda: not publisher.problems)
        await require_whole(ours, store, repeats=True)


@asynccontextmanager
async def appending(store: EventStore) -> AsyncIterator[None]:
    """Events keep coming while the block runs."""

    async def keeps_coming() -> None:
        while True:
            await append(store, "parking-s1", 3)
            await append(store, "parking-s2", 3)
            await asyncio.sleep(0.01)

    coming = asyncio.create_task(keeps_coming())
    try:
        yield
    finally:
        coming.cancel()
        await asyncio.gather(coming, return_exceptions=True)

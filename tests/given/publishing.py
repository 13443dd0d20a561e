"""A log and its topic: events appended, published, and what a reader of Kafka finds."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID, uuid4

from aiokafka import TopicPartition

from citybrain.eventstore import ANY, EventStore, Metadata, NewEvent
from citybrain.kafka.clients import admin, reader
from citybrain.kafka.publisher import Publisher
from citybrain.kafka.topics import describe
from citybrain.kafka.wire import ReceivedEvent, received
from citybrain.settings import Settings
from ops.kafka import Cluster
from tests.given.kafka import topic_prefix
from tests.given.waiting import eventually

CATEGORY = "parking"
PARTITIONS = 3


def publishing_settings(settings: Settings, cluster: Cluster, **changes: Any) -> Settings:
    """Settings that publish one category to topics of the test's own."""
    return settings.model_copy(
        update={
            "kafka_bootstrap_servers": cluster.bootstrap_servers,
            "kafka_topic_prefix": topic_prefix(),
            "kafka_categories": [CATEGORY],
            "kafka_partitions": PARTITIONS,
            **changes,
        }
    )


def metadata() -> Metadata:
    """Somebody of a test."""
    return Metadata("tester", "system", "test", uuid4(), uuid4())


async def append(store: EventStore, stream_id: str, number: int = 1, state: bytes = b"{}") -> int:
    """Append so many events to a stream; the position of the last one."""
    events = [NewEvent("parking.tested", state)] * number
    return (await store.append(stream_id, ANY, events, metadata=metadata())).position


@asynccontextmanager
async def publishing(
    settings: Settings, store: EventStore, categories: Sequence[str] = (CATEGORY,)
) -> AsyncIterator[Publisher]:
    """A publisher at work."""
    publisher = Publisher(settings, store, categories)
    working = asyncio.create_task(publisher.run())
    try:
        yield publisher
    finally:
        working.cancel()
        await asyncio.gather(working, return_exceptions=True)


async def in_kafka(
    settings: Settings, category: str = CATEGORY, *, committed: bool = True
) -> list[list[ReceivedEvent]]:
    """All that a reader finds in a topic, partition by partition."""
    topic = settings.kafka_topic_prefix + category
    async with admin(settings) as client:
        partitions = (await describe(client, [topic]))[topic].partitions
    async with reader(settings, committed=committed) as consumer:
        wanted = [TopicPartition(topic, number) for number in range(partitions)]
        consumer.assign(wanted)
        ends = await consumer.end_offsets(wanted)
        found: list[list[ReceivedEvent]] = []
        for partition in wanted:
            await consumer.seek_to_beginning(partition)
            events = []
            while await consumer.position(partition) < ends[partition]:
                records = await consumer.getmany(partition, timeout_ms=100)
                events += [
                    received(each.key, each.value, each.headers)
                    for each in records.get(partition, ())
                ]
            found.append(events)
        return found


async def published_up_to(store: EventStore, position: int, topic: str) -> None:
    """Wait until the checkpoint of a topic has come so far."""

    async def there() -> bool:
        reached = await store.pool.fetchval(
            "SELECT position FROM kafka_topics WHERE topic = $1", topic
        )
        return reached is not None and reached >= position

    await eventually(there)


async def require_whole(
    settings: Settings, store: EventStore, category: str = CATEGORY, *, repeats: bool = False
) -> None:
    """Kafka has every event of the category, in the order of each stream, as it is stored.

    Exactly once, unless `repeats` allows what a reader skips.
    """
    stored = [
        e for e in await store.read_all(limit=1_000_000) if e.stream_id.startswith(f"{category}-")
    ]
    found: dict[int, ReceivedEvent] = {}
    for partition in await in_kafka(settings, category):
        last: dict[str, int] = {}
        for event in partition:
            if repeats and event.version <= last.get(event.stream_id, 0):
                continue
            assert event.version == last.get(event.stream_id, 0) + 1, "a hole, or out of order"
            last[event.stream_id] = event.version
            assert event.position not in found
            found[event.position] = event
    assert [_members(found[position]) for position in sorted(found)] == [
        _members(event) for event in stored
    ]


def _members(event: Any) -> tuple[Any, ...]:
    return (
        event.position,
        event.stream_id,
        event.version,
        event.topic,
        event.state,
        event.recorded_at,
        event.metadata_json,
    )


def incarnations(found: Sequence[Sequence[ReceivedEvent]]) -> set[UUID]:
    """Of which logs the events of some partitions are."""
    return {event.incarnation for events in found for event in events}

"""Topics as they may be: what a publisher wrote, cut off, forgotten, in other partitions, again."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Any
from zlib import crc32

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewPartitions, RecordsToDelete

from citybrain.domain.stream import category_of
from citybrain.eventstore import EventStore
from citybrain.kafka.clients import connection
from citybrain.kafka.wire import ReceivedEvent, headers_of
from citybrain.settings import Settings
from ops.kafka import Cluster
from projections.kafka_feed import GROUP, KafkaFeed
from projections.projection import Projection
from tests.given.kafka import created, topic_prefix
from tests.given.waiting import working

CATEGORY = "test"
SOURCE = "urn:test"


def feeding_settings(settings: Settings, cluster: Cluster, **changes: Any) -> Settings:
    """Settings with topics and a group of the test's own."""
    return settings.model_copy(
        update={
            "kafka_bootstrap_servers": cluster.bootstrap_servers,
            "kafka_topic_prefix": topic_prefix(),
            "kafka_session_seconds": 6,
            **changes,
        }
    )


class Topic:
    """The topic of a category, and whoever writes to it."""

    def __init__(self, settings: Settings, partitions: int, category: str = CATEGORY) -> None:
        self.name = settings.kafka_topic_prefix + category
        self.partitions = partitions
        self._settings = settings

    async def make(self) -> None:
        """Create it, empty."""
        async with self._admin() as client:
            await created(client, self.name, self.partitions)

    async def grow(self, partitions: int) -> None:
        """As somebody does who wants more of them."""
        async with self._admin() as client:
            await client.create_partitions({self.name: NewPartitions(partitions)})
        self.partitions = partitions

    async def forget(self, up_to: dict[int, int]) -> None:
        """As retention does: what lies before these offsets is gone."""
        async with self._admin() as client:
            await client.delete_records(
                {
                    TopicPartition(self.name, partition): RecordsToDelete(before_offset=end)
                    for partition, end in up_to.items()
                }
            )

    def of(self, stream_id: str) -> int:
        """The partition of a stream."""
        return crc32(stream_id.encode()) % self.partitions

    async def write(self, events: Iterable[ReceivedEvent], partition: int | None = None) -> None:
        """Write their records, each to its stream's partition or all to one."""
        producer = AIOKafkaProducer(acks="all", **connection(self._settings))
        await producer.start()
        try:
            sent = [
                await producer.send(
                    self.name,
                    event.state,
                    key=event.stream_id.encode(),
                    headers=headers_of(event, SOURCE, event.incarnation),
                    partition=self.of(event.stream_id) if partition is None else partition,
                )
                for event in events
                if category_of(event.stream_id) == CATEGORY
            ]
            await asyncio.gather(*sent)
        finally:
            await producer.stop()

    @asynccontextmanager
    async def _admin(self) -> AsyncIterator[AIOKafkaAdminClient]:
        client = AIOKafkaAdminClient(**connection(self._settings))
        await client.start()
        try:
            yield client
        finally:
            await client.close()


async def read_up_to(settings: Settings, offsets: dict[TopicPartition, int]) -> None:
    """The group has read so far, and nobody is in it."""
    consumer = AIOKafkaConsumer(
        group_id=settings.kafka_topic_prefix + GROUP,
        enable_auto_commit=False,
        **connection(settings),
    )
    await consumer.start()
    try:
        consumer.assign(list(offsets))
        await consumer.commit(offsets)
    finally:
        await consumer.stop()


async def has_read(settings: Settings, topic: Topic) -> dict[int, int]:
    """How far the group says that it has read each partition."""
    client = AIOKafkaAdminClient(**connection(settings))
    await client.start()
    try:
        found = await client.list_consumer_group_offsets(settings.kafka_topic_prefix + GROUP)
    finally:
        await client.close()
    return {at.partition: said.offset for at, said in found.items() if at.topic == topic.name}


@asynccontextmanager
async def feeding(
    settings: Settings, store: EventStore, *projections: Projection
) -> AsyncIterator[KafkaFeed]:
    """A reader at work that has its partitions."""
    feed = KafkaFeed(settings, store, projections)
    async with working(feed.run()):
        yield feed

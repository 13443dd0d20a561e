"""The events of one category on their way to its topic: its producers, and what they have sent.

A lane begins by making its producers, which fences whoever published here before, and by reading
what the partitions end with. From then on it is the only one who writes there, so what it read
stays true. Whatever goes wrong, the lane ends, and the next one begins the same way.

Two producers take turns, a transaction each: the brokers take nothing of an id while they write the
markers of its transaction before, and that takes longer than a transaction. The second begins when
the first's is decided, so no reader sees it sooner.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from functools import lru_cache
from typing import Any

import structlog
from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.partitioner import murmur2
from aiokafka.record.default_records import DefaultRecordBatchBuilder
from prometheus_client import Counter, Gauge

from citybrain.ending import end
from citybrain.errors import CitybrainError, Unavailable
from citybrain.eventstore import EventStore, RecordedEvent
from citybrain.eventstore.incarnations import Lineage, read_lineage
from citybrain.kafka import checkpoints
from citybrain.kafka.checkpoints import Checkpoint, Sent
from citybrain.kafka.clients import KAFKA_AWAY, reader, transactional_producer
from citybrain.kafka.tails import Tail, never_ended, read_tails, require_same
from citybrain.kafka.topics import Topic
from citybrain.kafka.wire import Headers, headers_of, key_of
from citybrain.settings import Settings

log = structlog.get_logger(__name__)

TRANSACTION_SECONDS = 30.0
ABORT_SECONDS = 1.0
BATCH_BYTES = 256 * 1024
MOVE_SECONDS = 0.05  # between moves of the checkpoint; what lies behind it is found in Kafka
TURNS = ("", ".next")  # behind the transactional ids of those who take turns

FAILED = (*KAFKA_AWAY, AssertionError)  # what a producer says that has failed before

HEALED = Counter(
    "citybrain_publish_healed_total", "Partitions that had lost events, sent again", ["category"]
)

VOID = Gauge(
    "citybrain_publish_void",
    "Events at the end of Kafka that the log had before its restore, when publishing began",
    ["category"],
)


class BrokersAway(Unavailable):
    """The brokers did not take it, or not in time; nothing of it is seen by anybody."""

    code = "kafka-unavailable"


class LostByBrokers(CitybrainError):
    """A partition has less than it has acknowledged: it is looked at anew."""

    code = "kafka-lost-events"


class PartitionsChanged(CitybrainError):
    """The topic has another number of partitions than it was created with."""

    code = "kafka-partitions-changed"


class TooLargeForTopic(CitybrainError):
    """The topic does not take this event, and nothing behind it goes out before it."""

    code = "kafka-event-too-large"


class Lane:
    """Publishes one category, in the order of the log. Get one from `open_lane`."""

    def __init__(
        self,
        settings: Settings,
        store: EventStore,
        producers: Sequence[AIOKafkaProducer],
        topic: Topic,
        lineage: Lineage,
        checkpoint: Checkpoint,
    ) -> None:
        self.topic = topic.name
        self.checkpoint = checkpoint
        self.moving = asyncio.Lock()
        self.trouble: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._limit = topic.message_limit_bytes
        self._source = settings.kafka_source
        self._incarnation = lineage.current
        self._store = store
        self._producers = list(producers)
        self._known = [Sent(each.position, each.next_offset) for each in checkpoint.sent]
        self._reached = checkpoint.position
        self._changed: dict[int, Sent] = {}
        self._further = asyncio.Event()

    async def resume(self, tails: Sequence[Tail]) -> int:
        """Go back to the first event that a partition has lost; returns how many partitions have.

        What is in a partition beyond the checkpoint is not sent again.
        """
        begins, lost = self.checkpoint.position, 0
        sent = {}
        for tail, known in zip(tails, self.checkpoint.sent, strict=True):
            position = tail.position
            if position < known.position:
                if tail.event is None and tail.begin and tail.end >= known.next_offset:
                    position = known.position  # retention has removed all of it
                else:
                    begins, lost = min(begins, position), lost + 1
            sent[tail.partition] = Sent(position, tail.end)
        if begins != self.checkpoint.position or list(sent.values()) != self.checkpoint.sent:
            self._reach(begins, sent)
            await self.move()
        return lost

    async def publish(self, events: Sequence[RecordedEvent]) -> int:
        """Send consecutive events of the category; returns how many were not there yet.

        Raises `BrokersAway`, `LostByBrokers`, `TooLargeForTopic` (all before it are sent), or what
        says that PostgreSQL is away.
        """
        records = []
        too_large = None
        for event in events:
            partition = partition_of(event.stream_id, self.checkpoint.partitions)
            if event.position <= self._known[partition].position:
                continue
            headers = headers_of(event, self._source, self._incarnation)
            if self._may_be_too_large(event) and (size := _size(event, headers)) > self._limit:
                too_large = (event, size)
                break
            records.append((partition, event, headers))
        sent = await self._sent(records) if records else {}
        self._reach(too_large[0].position - 1 if too_large else events[-1].position, sent)
        if too_large:
            await self.move()
            event, size = too_large
            raise TooLargeForTopic(
                f"the event at position {event.position} is {size} bytes as a record, and "
                f"{self.topic} takes {self._limit}: raise its max.message.bytes",
                position=event.position,
                size_bytes=size,
                limit_bytes=self._limit,
            )
        return len(records)

    def _may_be_too_large(self, event: RecordedEvent) -> bool:
        """Whether it is worth counting: few are anywhere near."""
        return len(event.state) + len(event.metadata_json or "") > self._limit // 2

    def look(self, partitions: int, ends: Sequence[int]) -> None:
        """End the lane where the topic is no longer as it was."""
        if self.trouble.done():
            return
        known = self.checkpoint
        if partitions != known.partitions:
            self.trouble.set_exception(partitions_changed(self.topic, known.partitions, partitions))
        elif any(end < sent.next_offset for end, sent in zip(ends, self._known, strict=True)):
            self.trouble.set_exception(LostByBrokers(f"{self.topic} ends before what it took"))

    async def _sent(self, records: Sequence[tuple[int, RecordedEvent, Headers]]) -> dict[int, Sent]:
        """Send records in one transaction; what the partitions have then."""
        self._producers.reverse()
        producer = self._producers[0]
        try:
            async with asyncio.timeout(TRANSACTION_SECONDS):
                await producer.begin_transaction()
                try:
                    sent = await self._delivered(producer, records)
                    await producer.commit_transaction()
                except BaseException:
                    with suppress(*FAILED):
                        async with asyncio.timeout(ABORT_SECONDS):
                            await producer.abort_transaction()
                    raise
        except FAILED as error:
            raise BrokersAway(f"{self.topic} was not written: {type(error).__name__}") from error
        return sent

    async def _delivered(
        self, producer: AIOKafkaProducer, records: Sequence[tuple[int, RecordedEvent, Headers]]
    ) -> dict[int, Sent]:
        waiting: list[tuple[int, int, asyncio.Future[Any]]] = []
        builders: dict[int, Any] = {}
        last: dict[int, int] = {}
        for partition, event, headers in records:
            builder = builders.get(partition)
            if builder is None or not _added(builder, event, headers):
                if builder is not None:
                    waiting.append(await self._handed_over(producer, partition, builder))
                builder = builders[partition] = producer.create_batch()
                _added(builder, event, headers)
            last[partition] = event.position
        for partition, builder in builders.items():
            waiting.append(await self._handed_over(producer, partition, builder))
        answers = await asyncio.gather(*(sent for _, _, sent in waiting), return_exceptions=True)
        ends = {partition: self._known[partition].next_offset for partition in last}
        for (partition, count, _), answer in zip(waiting, answers, strict=True):
            if isinstance(answer, BaseException):
                raise answer
            if answer.offset < ends[partition]:
                raise LostByBrokers(
                    f"{self.topic} took records at offsets that it had given before"
                )
            ends[partition] = answer.offset + count
        return {partition: Sent(position, ends[partition]) for partition, position in last.items()}

    async def _handed_over(
        self, producer: AIOKafkaProducer, partition: int, builder: Any
    ) -> tuple[int, int, "asyncio.Future[Any]"]:
        builder.close()
        sent = await producer.send_batch(builder, self.topic, partition=partition)
        return partition, builder.record_count(), sent

    def _reach(self, position: int, sent: Mapping[int, Sent]) -> None:
        """Everything up to a position is in Kafka; the checkpoint follows."""
        self._reached = position
        self._changed |= sent
        for partition, each in sent.items():
            self._known[partition] = each
        self._further.set()

    async def move(self) -> None:
        """Move the checkpoint to where we are; raises `CheckpointMoved`, or what says that
        PostgreSQL is away.
        """
        async with self.moving, self._store.writing() as connection:
            reached, changed = self._reached, self._changed
            self._changed = {}
            self._further.clear()
            await checkpoints.move(connection, self.checkpoint, reached, changed)

    async def keep_moving(self) -> None:
        """Until cancelled, or until it cannot be moved: then there is trouble."""
        try:
            while True:
                await self._further.wait()
                await self.move()
                await asyncio.sleep(MOVE_SECONDS)
        except Exception as error:
            if not self.trouble.done():
                self.trouble.set_exception(error)


@asynccontextmanager
async def open_lane(
    settings: Settings, store: EventStore, category: str, topic: Topic
) -> AsyncIterator[Lane]:
    """A lane that nobody else writes on. Raises `BrokersAway`, `PartitionsChanged`, `KafkaAhead`,
    `ForeignTopic`, or what says that PostgreSQL is away.
    """
    lineage = await read_lineage(store.pool)
    checkpoint = await checkpoints.read(
        store.pool, topic.name, category, topic.partitions, lineage.current
    )
    if topic.partitions != checkpoint.partitions:
        raise partitions_changed(topic.name, checkpoint.partitions, topic.partitions)
    async with AsyncExitStack() as stack:
        try:
            producers = [
                await stack.enter_async_context(
                    transactional_producer(
                        settings,
                        f"{settings.kafka_topic_prefix}publish.{category}{turn}",
                        min(BATCH_BYTES, topic.message_limit_bytes),
                    )
                )
                for turn in TURNS
            ]
            async with reader(settings) as consumer:
                where = consumer, topic.name, topic.partitions
                for partition in await never_ended(settings, *where):
                    for producer in producers:
                        await _end(producer, partition)
                tails = await read_tails(*where, lineage)
        except KAFKA_AWAY as error:
            raise BrokersAway(f"{topic.name} cannot be begun: {type(error).__name__}") from error
        await require_same(store, topic.name, tails)
        if void := sum(tail.void for tail in tails):
            last = max(tail.position for tail in tails)
            log.warning("kafka_ahead_of_log", topic=topic.name, void=void, last_of_log=last)
        VOID.labels(category).set(void)
        lane = Lane(settings, store, producers, topic, lineage, checkpoint)
        if lost := await lane.resume(tails):
            log.warning(
                "kafka_lost_events", topic=topic.name, partitions=lost, after=checkpoint.position
            )
            HEALED.labels(category).inc(lost)
        moving = asyncio.create_task(lane.keep_moving())
        try:
            yield lane
        finally:
            await end(moving)


async def _end(producer: AIOKafkaProducer, partition: TopicPartition) -> None:
    """Give up what a producer's id may have begun in a partition: by a transaction of no effect."""
    async with asyncio.timeout(TRANSACTION_SECONDS):
        await producer.begin_transaction()
        await producer.send_and_wait(partition.topic, b"", partition=partition.partition)
        await producer.abort_transaction()


def partitions_changed(topic: str, was: int, now: int) -> PartitionsChanged:
    """Why nothing more is sent to a topic."""
    return PartitionsChanged(
        f"{topic} had {was} partitions and has {now}: most streams would go to another partition "
        "than before. Let readers take all of it, and publish under another "
        "CITYBRAIN_KAFKA_TOPIC_PREFIX"
    )


@lru_cache(maxsize=100_000)
def partition_of(stream_id: str, partitions: int) -> int:
    """The partition of a stream, as Kafka's own clients choose it."""
    return int(murmur2(stream_id.encode()) & 0x7FFFFFFF) % partitions


def _size(event: RecordedEvent, headers: Headers) -> int:
    """Bytes of a batch of this record alone, before compression."""
    return int(
        DefaultRecordBatchBuilder.estimate_size_in_bytes(key_of(event), event.state, headers)
    )


def _added(builder: Any, event: RecordedEvent, headers: Headers) -> bool:
    added = builder.append(timestamp=None, key=key_of(event), value=event.state, headers=headers)
    return added is not None

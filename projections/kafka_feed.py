"""Feeds the read models from Kafka, as one of a group that shares the partitions (decision 0031).

Nothing depends on it: what does not come, or cannot be read, the leaders of the models have from
the log. Offsets say where to go on reading, and nothing of what the models have.
"""

import asyncio
import re
import time
from collections.abc import Iterable, Sequence
from typing import Any

import structlog
from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, TopicPartition
from prometheus_client import Counter, Gauge, Histogram

from citybrain.ending import end
from citybrain.eventstore import EventStore, StoreUnavailable
from citybrain.eventstore.versions import NewerThanKnown
from citybrain.faults import AGAIN_LATER
from citybrain.kafka.clients import AWAY, KAFKA_AWAY, group_member
from citybrain.kafka.wire import NotOurRecord, ReceivedEvent, received, topic_of
from citybrain.settings import Settings
from projections.feeder import Feeder
from projections.projection import Order, Projection, order_of

log = structlog.get_logger(__name__)

GROUP = "read-models"
MOST_AT_ONCE = 500  # records; the next are fetched meanwhile, and no more than fit a fetch
POLL_MS = 1000
RETRY_SECONDS = 1.0
REVOKE_SECONDS = 5.0  # for a batch to end when its partitions go; then it is rolled back
COMMIT_SECONDS = 2.0
KEEP_SECONDS = 1.0  # between commits of offsets: they only save reading again
LOOK_SECONDS = 5.0  # between looks at what the leaders know, and at how far we are

TELL = """
UPDATE projection_checkpoints SET fed = true WHERE projection IN (
    SELECT projection FROM projection_checkpoints
    WHERE projection = ANY($1) AND NOT fed FOR UPDATE SKIP LOCKED)
"""
IN_THE_LOG = """
SELECT place - 1 FROM unnest($1::bigint[], $2::text[], $3::bigint[], $4::timestamptz[])
    WITH ORDINALITY AS k (position, stream_id, version, at, place)
JOIN stored_events e ON e.notification_id = k.position AND e.originator_id = k.stream_id
    AND e.originator_version = k.version AND e.recorded_at = k.at
"""

FED = Counter("citybrain_kafka_fed_total", "Events applied from Kafka", ["projection"])
UNREADABLE = Counter(
    "citybrain_kafka_unreadable_total", "Records that are no event of a log", ["topic"]
)
UNKNOWN = Counter(
    "citybrain_kafka_unknown_total", "Events of a topic that the log does not have", ["topic"]
)
BEHIND = Gauge(
    "citybrain_kafka_behind_records",
    "Records of a partition that are not read",
    ["topic", "partition"],
)
LOST = Counter(
    "citybrain_kafka_lost_total", "Records that a topic forgot before they were read", ["topic"]
)
PAUSE = Histogram(
    "citybrain_kafka_rebalance_seconds", "From partitions that go to partitions that come"
)


class KafkaFeed:
    """One reader for all projections for which the order of each stream is enough."""

    def __init__(
        self, settings: Settings, store: EventStore, projections: Iterable[Projection]
    ) -> None:
        self._settings = settings
        self._store = store
        self._feeders = {
            projection.name: Feeder(store, projection)
            for projection in projections
            if order_of(projection) is Order.STREAM
        }
        self.away: bool | None = None
        """Whether the brokers cannot be reached; None until that is known."""
        self.assigned: frozenset[TopicPartition] = frozenset()
        self._read_to: dict[TopicPartition, int] = {}

    async def run(self) -> None:
        """Read until cancelled; waits while brokers are away, and says so."""
        topics = f"^{re.escape(self._settings.kafka_topic_prefix)}[^.]+$"
        while True:
            shares = Shares(self)
            try:
                async with group_member(self._settings, GROUP, topics, shares.of) as consumer:
                    self._found(None)
                    try:
                        await self._read(consumer, shares)
                    finally:
                        await self.keep_offsets(consumer)
                        self.assigned = frozenset()
                        BEHIND.clear()
            except KAFKA_AWAY as error:
                self._found(error)
            except Exception:
                log.exception("kafka_feed_failed")
            await asyncio.sleep(RETRY_SECONDS)

    def _found(self, error: BaseException | None) -> None:
        """The brokers answer, or they do not."""
        if error is not None and not self.away:
            log.warning("kafka_away", error=type(error).__name__)
        self.away = error is not None
        AWAY.labels(GROUP).set(self.away)

    async def _read(self, consumer: AIOKafkaConsumer, shares: "Shares") -> None:
        looked, kept = -LOOK_SECONDS, time.monotonic()
        while True:
            if time.monotonic() > kept + KEEP_SECONDS:
                await self.keep_offsets(consumer)
                kept = time.monotonic()
            if self.assigned and time.monotonic() > looked + LOOK_SECONDS:
                await self._tell_leaders()
                await self._measure(consumer)
                looked = time.monotonic()
            found = await consumer.getmany(timeout_ms=POLL_MS, max_records=MOST_AT_ONCE)
            if found:
                await shares.during(self._take(found))

    async def _tell_leaders(self) -> None:
        """Whoever leads a model shall leave us the time to feed it."""
        try:
            await self._store.keeping.execute(TELL, list(self._feeders))
        except AGAIN_LATER as error:
            log.info("leaders_not_told", error=type(error).__name__)

    async def _measure(self, consumer: AIOKafkaConsumer) -> None:
        """How far we are with what is ours; where the brokers do not say, nothing is known."""
        ours = self.assigned
        try:
            async with asyncio.timeout(COMMIT_SECONDS):
                begins = await consumer.beginning_offsets(ours)
                ends = await consumer.end_offsets(ours)
                at = {each: await consumer.position(each) for each in ours}
        except KAFKA_AWAY as error:
            BEHIND.clear()
            self._found(error)
            return
        self._found(None)
        for each in ours & self.assigned:
            behind = ends[each] - max(at[each], begins[each])
            BEHIND.labels(each.topic, each.partition).set(max(behind, 0))  # it may have been cut

    async def _take(self, found: dict[TopicPartition, list[Any]]) -> None:
        events = [event for records in found.values() for event in _events(records)]
        await self._apply(await self._of_the_log(events))
        for partition, records in found.items():
            self._read_to[partition] = records[-1].offset + 1

    async def keep_offsets(self, consumer: AIOKafkaConsumer) -> None:
        """Say how far we have read; where the brokers are away it is read again."""
        offsets, self._read_to = self._read_to, {}
        if not offsets or self.away:
            return
        try:
            async with asyncio.timeout(COMMIT_SECONDS):
                await consumer.commit(offsets)
        except KAFKA_AWAY as error:
            log.info("kafka_offsets_not_kept", error=type(error).__name__)

    async def _of_the_log(self, events: Sequence[ReceivedEvent]) -> list[ReceivedEvent]:
        """Those of the events that the log has: where it went back, Kafka may have others."""
        if not events:
            return []
        told = [(e.position, e.stream_id, e.version, e.recorded_at) for e in events]
        members = list(zip(*told, strict=True))
        while True:
            try:
                rows = await self._store.pool.fetch(IN_THE_LOG, *members)
                break
            except (StoreUnavailable, *AGAIN_LATER) as error:
                log.warning("feeding_waits", error=type(error).__name__)
                await asyncio.sleep(RETRY_SECONDS)
        there = {row[0] for row in rows}
        for place, event in enumerate(events):
            if place not in there:
                UNKNOWN.labels(topic_of(self._settings.kafka_topic_prefix, event.stream_id)).inc()
        return [event for place, event in enumerate(events) if place in there]

    async def _apply(self, events: Sequence[ReceivedEvent]) -> None:
        """Give them to all models, again while PostgreSQL is away: that is no event's fault."""
        left = list(self._feeders)
        while left:
            done = await asyncio.gather(
                *(self._feeders[name].apply(events) for name in left), return_exceptions=True
            )
            again = []
            for name, result in zip(left, done, strict=True):
                if isinstance(result, (StoreUnavailable, *AGAIN_LATER)):
                    again.append(name)
                elif isinstance(result, NewerThanKnown):
                    log.info("not_fed", projection=name, why=result.message)  # its leader says so
                elif isinstance(result, BaseException):
                    raise result
                else:
                    FED.labels(name).inc(result)
            if again:
                log.warning("feeding_waits", projections=len(again))
                await asyncio.sleep(RETRY_SECONDS)
            left = again


class Shares(ConsumerRebalanceListener):  # type: ignore[misc]  # aiokafka has no types
    """What this reader has of the partitions; a batch ends before any of them go to another one."""

    def __init__(self, feed: KafkaFeed) -> None:
        self._feed = feed
        self._batch: asyncio.Task[None] | None = None
        self._gone_at: float | None = None
        self._consumer: AIOKafkaConsumer | None = None

    def of(self, consumer: AIOKafkaConsumer) -> "Shares":
        """Those of a consumer."""
        self._consumer = consumer
        return self

    async def during(self, batch: Any) -> None:
        """Run a batch to its end, or until it is rolled back because its partitions go."""
        self._batch = asyncio.create_task(batch)
        try:
            await asyncio.wait({self._batch})
        finally:
            if not self._batch.done():
                await end(self._batch)
        if not self._batch.cancelled():
            self._batch.result()

    async def on_partitions_revoked(self, revoked: Iterable[TopicPartition]) -> None:
        """Let the batch end, or end it."""
        self._gone_at = time.monotonic()
        if self._batch is not None and not self._batch.done():
            await asyncio.wait({self._batch}, timeout=REVOKE_SECONDS)
            await end(self._batch)
        if self._consumer is not None:
            await self._feed.keep_offsets(self._consumer)
        self._feed.assigned = frozenset()
        BEHIND.clear()
        log.info("partitions_revoked", partitions=_named(revoked))

    async def on_partitions_assigned(self, assigned: Iterable[TopicPartition]) -> None:
        """Say so."""
        if self._gone_at is not None:
            PAUSE.observe(time.monotonic() - self._gone_at)
        await _count_lost(self._consumer, list(assigned))
        self._feed.assigned = frozenset(assigned)
        log.info("partitions_assigned", partitions=_named(assigned))


async def _count_lost(
    consumer: AIOKafkaConsumer | None, assigned: Sequence[TopicPartition]
) -> None:
    """What was deleted between where the group was and where a partition begins now."""
    if consumer is None:
        return
    try:
        async with asyncio.timeout(COMMIT_SECONDS):
            begins = await consumer.beginning_offsets(assigned)
            at = {each: await consumer.committed(each) for each in assigned}
    except KAFKA_AWAY as error:
        log.info("kafka_lost_unknown", error=type(error).__name__)
        return
    for each in assigned:
        if at[each] is not None and at[each] < begins[each]:
            LOST.labels(each.topic).inc(begins[each] - at[each])


def _events(records: Iterable[Any]) -> Iterable[ReceivedEvent]:
    """The events of a partition's records; others are counted and left out."""
    for record in records:
        try:
            source = f"{record.topic}/{record.partition}/{record.offset}"
            yield received(record.key, record.value, record.headers, source)
        except NotOurRecord as error:
            UNREADABLE.labels(record.topic).inc()
            log.warning(
                "kafka_record_unreadable",
                topic=record.topic,
                partition=record.partition,
                offset=record.offset,
                error=str(error),
            )


def _named(partitions: Iterable[TopicPartition]) -> list[str]:
    return sorted(f"{each.topic}/{each.partition}" for each in partitions)

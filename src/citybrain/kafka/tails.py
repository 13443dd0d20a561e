"""What the partitions of a topic end with: the truth to go on from, whatever was noted of it."""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition

from citybrain.errors import CitybrainError
from citybrain.eventstore import EventStore
from citybrain.eventstore.incarnations import Lineage, Standing
from citybrain.kafka.clients import reader
from citybrain.kafka.wire import NotOurRecord, ReceivedEvent, received
from citybrain.settings import Settings

FIRST_WINDOW = (
    64  # offsets that are looked through for the last event, and eight times as many next
)
READ_SECONDS = 60.0
LOOK_MS = 200
STORED = """
SELECT notification_id, originator_id, originator_version, state
FROM stored_events WHERE notification_id = ANY($1)
"""


class ForeignTopic(CitybrainError):
    """The topic has records that are not of this log."""

    code = "kafka-topic-of-another-log"


class KafkaAhead(CitybrainError):
    """The topic has events that the log does not have: it was restored, or has lost commits."""

    code = "kafka-ahead-of-log"


@dataclass(frozen=True)
class Tail:
    """The last event of a partition that this log has; `begin` and `end` are offsets."""

    partition: int
    begin: int
    end: int
    event: ReceivedEvent | None
    void: int
    """Events behind it that the log had before it was restored, and has no more."""

    @property
    def position(self) -> int:
        """Of that event; 0 where there is none."""
        return self.event.position if self.event else 0


async def never_ended(
    settings: Settings, committed: AIOKafkaConsumer, topic: str, partitions: int
) -> list[TopicPartition]:
    """The partitions that have lost the marker of a transaction, to be asked for as `read_tails`.

    `committed` reads what is. The coordinator knows that it has ended, the partition does not:
    nobody would read on there.
    """
    wanted = [TopicPartition(topic, number) for number in range(partitions)]
    async with reader(settings, committed=False) as all_of_it, asyncio.timeout(READ_SECONDS):
        stable = await committed.end_offsets(wanted)
        ends = await all_of_it.end_offsets(wanted)
    return [each for each in wanted if stable[each] < ends[each]]


async def read_tails(
    consumer: AIOKafkaConsumer, topic: str, partitions: int, lineage: Lineage
) -> list[Tail]:
    """The tail of each partition; to be called when nobody else can write any more.

    `consumer` reads what is committed. Raises `ForeignTopic`, or what says that brokers are away.
    """
    async with asyncio.timeout(READ_SECONDS):
        wanted = [TopicPartition(topic, number) for number in range(partitions)]
        consumer.assign(wanted)
        begins = await consumer.beginning_offsets(wanted)
        ends = await consumer.end_offsets(wanted)
        return [
            Tail(
                each.partition,
                begins[each],
                ends[each],
                *await _last(consumer, each, begins[each], ends[each], lineage),
            )
            for each in wanted
        ]


async def _last(
    consumer: AIOKafkaConsumer, partition: TopicPartition, begin: int, end: int, lineage: Lineage
) -> tuple[ReceivedEvent | None, int]:
    """The last event between two offsets that this log has, and how many behind it are void."""
    window, upper, behind = FIRST_WINDOW, end, 0
    while upper > begin:
        lower = max(begin, upper - window)
        last, void = None, 0
        consumer.seek(partition, lower)
        while await consumer.position(partition) < upper:
            found = await consumer.getmany(partition, timeout_ms=LOOK_MS)
            for record in found.get(partition, ()):
                if record.offset < upper:
                    ours = _ours(record, lineage)
                    last, void = (ours, 0) if ours else (last, void + 1)
        behind += void
        if last is not None:
            return last, behind
        window, upper = window * 8, lower
    return None, behind


def _ours(record: Any, lineage: Lineage) -> ReceivedEvent | None:
    """The event of a record; None where it is void. Raises `ForeignTopic`."""
    try:
        event = received(record.key, record.value, record.headers)
    except NotOurRecord as error:
        raise ForeignTopic(f"{record.topic} has records of somebody else: {error}") from error
    standing = lineage.standing(event.incarnation, event.position)
    if standing is Standing.FOREIGN:
        raise ForeignTopic(f"{record.topic} has events of the log {event.incarnation}")
    return event if standing is Standing.OURS else None


async def require_same(store: EventStore, topic: str, tails: Iterable[Tail]) -> None:
    """Raise `KafkaAhead` where a partition ends with what the log does not have."""
    events = {tail.event.position: tail.event for tail in tails if tail.event}
    stored = {row[0]: tuple(row)[1:] for row in await store.pool.fetch(STORED, list(events))}
    for position, event in events.items():
        if stored.get(position) != (event.stream_id, event.version, event.state):
            what = "something else there" if position in stored else "no such position"
            raise KafkaAhead(
                f"{topic} has an event at position {position}, the log has {what}: it went back. "
                "After a restore begin a new incarnation (`citybrain incarnation begin`)"
            )

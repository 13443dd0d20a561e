"""Looks at the topics from outside, every few seconds: are they there, and as they were?

A broker that comes back after a power cut may lack what it had acknowledged, and nobody says so.
"""

import asyncio
from collections.abc import Iterable, Mapping, Sequence

import structlog
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import UnknownTopicOrPartitionError

from citybrain.kafka import topics
from citybrain.kafka.clients import KAFKA_AWAY, admin, lasts, reader
from citybrain.kafka.lane import Lane
from citybrain.kafka.topics import Topic
from citybrain.settings import Settings

log = structlog.get_logger(__name__)

LOOK_SECONDS = 5.0
ANSWER_SECONDS = 15.0
RETRY_SECONDS = 1.0
NO_CONTROLLER = (AssertionError, AttributeError)  # what the client says that knows of none


class Watch:
    """The topics of a publisher, by name; `run` looks at them until it is cancelled."""

    def __init__(self, settings: Settings, names: Sequence[str], lanes: Mapping[str, Lane]) -> None:
        self._settings = settings
        self._names = names
        self._lanes = lanes
        self._risky: list[str] = []
        self.reason: str | None = "the brokers have not answered yet"
        self.topics: Mapping[str, Topic] = {}
        self.prepared = asyncio.Event()

    async def run(self) -> None:
        """Raises `TopicRefused` where a topic is not what it must be when it is seen first."""
        while True:
            try:
                async with (
                    admin(self._settings) as client,
                    reader(self._settings, committed=False) as consumer,
                ):
                    await self._prepare(client)
                    while True:
                        await self._look(client, consumer)
                        await asyncio.sleep(LOOK_SECONDS)
            except (*KAFKA_AWAY, *NO_CONTROLLER) as error:
                do = "refuse what is set up" if lasts(error) else "do not answer"
                self._away(f"the brokers {do}: {type(error).__name__}")
            await asyncio.sleep(RETRY_SECONDS)

    async def _prepare(self, client: AIOKafkaAdminClient) -> None:
        found = await topics.describe(client, self._names)
        if missing := [name for name in self._names if name not in found]:
            await topics.create(client, missing, self._settings)
            found = await topics.describe(client, self._names)
            if len(found) < len(self._names):
                raise UnknownTopicOrPartitionError("created, and not known to all brokers yet")
        brokers = await topics.broker_count(client)
        risky = topics.refuse_risks(found.values(), brokers, self._settings)
        if risky != self._risky:
            log.warning("kafka_risks_accepted", risks=risky)
        self._risky, self.topics = risky, found
        self.prepared.set()
        if self.reason is not None:
            log.info("kafka_answers", topics=len(found), brokers=brokers)
        self.reason = None

    async def _look(self, client: AIOKafkaAdminClient, consumer: AIOKafkaConsumer) -> None:
        async with asyncio.timeout(ANSWER_SECONDS):
            found = await topics.describe(client, self._names)
            if len(found) < len(self._names):
                raise UnknownTopicOrPartitionError("a topic is gone")
            self.topics = found
            lanes = [lane for lane in self._lanes.values() if lane.topic in found]
            ends = await consumer.end_offsets(list(_partitions(lanes)))
        for lane in lanes:
            count = lane.checkpoint.partitions
            lane.look(
                found[lane.topic].partitions,
                [ends[TopicPartition(lane.topic, number)] for number in range(count)],
            )

    def _away(self, reason: str) -> None:
        if self.reason != reason:
            log.warning("kafka_away", reason=reason)
        self.reason = reason


def _partitions(lanes: Iterable[Lane]) -> Iterable[TopicPartition]:
    for lane in lanes:
        for number in range(lane.checkpoint.partitions):
            yield TopicPartition(lane.topic, number)

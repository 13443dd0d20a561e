"""Reads device topics as one of a group, and gives their messages to the systems.

A partition has one batch under way, and is not asked for more meanwhile: one that is loud or slow
holds up no other, and no more is in memory than that and what was fetched. A message is past when
it is durable or in the topic of letters; what is read again is known by what its device calls it.
"""

import asyncio
import re
import time
from collections.abc import Awaitable, Callable, Collection, Iterable, Sequence
from typing import Any

import orjson
import structlog
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRebalanceListener, TopicPartition
from aiokafka.errors import MessageSizeTooLargeError
from prometheus_client import Counter, Gauge

from citybrain.ending import end
from citybrain.errors import CitybrainError, InvalidInput, Unavailable
from citybrain.faults import AGAIN_LATER
from citybrain.intake.context import actor_of
from citybrain.intake.loud import Loud
from citybrain.intake.taking import Intake, Outcome
from citybrain.kafka.clients import (
    AWAY,
    KAFKA_AWAY,
    admin,
    group_member,
    idempotent_producer,
    lasts,
)
from citybrain.kafka.topics import create, describe
from citybrain.settings import Settings
from commands import loud_devices
from commands.services import Services

log = structlog.get_logger(__name__)

GROUP = "intake"
LETTERS = ".dead-letters"
MOST_AT_ONCE = 200  # messages of a partition
POLL_MS = 100
RETRY_SECONDS = 1.0
REVOKE_SECONDS = 5.0
LOOK_SECONDS = 5.0  # between looks at how far we are
MEASURE_SECONDS = 2.0

TAKEN = Counter("citybrain_intake_total", "Messages of devices taken in", ["topic"])
BEHIND = Gauge(
    "citybrain_intake_behind_records", "Messages that are not taken in", ["topic", "partition"]
)
BEHIND_SECONDS = Gauge(
    "citybrain_intake_behind_seconds",
    "Age of the oldest message that is not taken in, by the brokers' clock",
    ["topic", "partition"],
)
REFUSED = Counter("citybrain_intake_refused_total", "Messages that are letters", ["topic", "code"])
LOOPED = Counter("citybrain_intake_looped_total", "Messages a mirror brought back", ["topic"])
MIRRORED_FROM = "mirrored-from"
"""The header in which each mirror names the site that it reads from."""


class NotJson(InvalidInput):
    """A message is not JSON."""

    code = "intake-not-json"


class MessageFailed(CitybrainError):
    """We failed at a message: a fault of ours, and no reason to fail at others."""

    code = "intake-message-failed"


class IntakeReader:
    """Takes in what is in the topics of some intakes, also where a mirror put its alias before."""

    def __init__(self, settings: Settings, services: Services, intakes: Iterable[Intake]) -> None:
        self._settings = settings
        self._services = services
        self._intakes = {settings.intake_topic_prefix + each.name: each for each in intakes}
        self._actor = actor_of(settings)
        self.away: bool | None = None
        """Whether the brokers cannot be reached; None until that is known."""
        self._loud: dict[TopicPartition, Loud] = {}

    async def run(self) -> None:
        """Read until cancelled; waits while brokers are away, and says so."""
        names = "|".join(map(re.escape, self._intakes))
        topics = rf"^([A-Za-z0-9_-]+\.)?({names})$"
        while True:
            batches = Batches(self._loud.clear)
            try:
                await self._make_letters()
                async with (
                    idempotent_producer(self._settings) as letters,
                    group_member(self._settings, GROUP, topics, batches.of) as consumer,
                ):
                    self._found(None)
                    try:
                        await self._read(consumer, letters, batches)
                    finally:
                        await batches.end()
                        _nothing_known()
            except KAFKA_AWAY as error:
                self._found(error)
            except Exception:
                log.exception("intake_failed")
            await asyncio.sleep(RETRY_SECONDS)

    def _found(self, error: BaseException | None) -> None:
        """The brokers answer, or they do not."""
        if error is not None and not self.away:
            log.warning("kafka_away", error=type(error).__name__, lasts=lasts(error))
        self.away = error is not None
        AWAY.labels(GROUP).set(self.away)

    async def _make_letters(self) -> None:
        """Their topics; what devices send may be of people, so it is not kept for ever."""
        names = [name + LETTERS for name in self._intakes]
        kept = {"kafka_retention_hours": self._settings.intake_letters_hours}
        async with admin(self._settings) as client:
            known = await describe(client, names)
            if missing := [name for name in names if name not in known]:
                await create(client, missing, self._settings.model_copy(update=kept))

    async def _read(
        self, consumer: AIOKafkaConsumer, letters: AIOKafkaProducer, batches: "Batches"
    ) -> None:
        looked = -LOOK_SECONDS
        while True:
            batches.check()
            if time.monotonic() > looked + LOOK_SECONDS:
                await self._measure(consumer, batches)
                looked = time.monotonic()
            free = [each for each in consumer.assignment() if each not in batches.under_way]
            if not free:
                await asyncio.sleep(POLL_MS / 1000)
                continue
            found = await consumer.getmany(*free, timeout_ms=POLL_MS, max_records=MOST_AT_ONCE)
            for partition, records in found.items():
                batch = self._batch(consumer, letters, partition, records)
                batches.begin(partition, records[0], batch)

    async def _measure(self, consumer: AIOKafkaConsumer, batches: "Batches") -> None:
        """How far we are with what is ours; where the brokers do not say, nothing is known."""
        ours = set(consumer.assignment())
        try:
            async with asyncio.timeout(MEASURE_SECONDS):
                ends = await consumer.end_offsets(ours)
                at = {each: await consumer.position(each) for each in ours}
        except KAFKA_AWAY as error:
            self._found(error)
            _nothing_known()
            return
        self._found(None)
        _nothing_known()  # of what went to others
        now = time.time()
        for each in ours & set(consumer.assignment()):
            first = batches.oldest(each)
            behind = ends[each] - (at[each] if first is None else first.offset)
            BEHIND.labels(each.topic, each.partition).set(max(behind, 0))
            age = 0.0 if first is None else now - first.timestamp / 1000
            BEHIND_SECONDS.labels(each.topic, each.partition).set(max(age, 0.0))

    async def _batch(
        self,
        consumer: AIOKafkaConsumer,
        letters: AIOKafkaProducer,
        partition: TopicPartition,
        records: Sequence[Any],
    ) -> None:
        intake = self._intakes[_at_home(partition.topic, self._intakes)]
        taken = [record for record in records if not self._came_back(record)]
        LOOPED.labels(intake.name).inc(len(records) - len(taken))
        outcomes = await self._taken(intake, partition, taken)
        await self._note_loud(partition)
        refused = [
            (record, why) for record, why in zip(taken, outcomes, strict=True) if why is not None
        ]
        await self._send(letters, self._settings.intake_topic_prefix + intake.name, refused)
        TAKEN.labels(intake.name).inc(len(taken) - len(refused))
        await consumer.commit({partition: records[-1].offset + 1})

    def _came_back(self, record: Any) -> bool:
        """Whether mirrors have brought it here from another site, which had it from here."""
        site = self._settings.intake_site
        return site is not None and (MIRRORED_FROM, site.encode()) in record.headers

    async def _taken(
        self, intake: Intake, partition: TopicPartition, records: Sequence[Any]
    ) -> list[Outcome]:
        """An outcome for each; again while we cannot take in: that is no message's fault."""
        outcomes: list[Outcome] = [None] * len(records)
        items: dict[int, object] = {}
        for index, record in enumerate(records):
            try:
                items[index] = orjson.loads(record.value or b"")
            except orjson.JSONDecodeError:
                outcomes[index] = NotJson("the message is not JSON")
        too_loud = self._loud_of(partition).refused(
            [intake.device_of(item) for item in items.values()],
            [records[index].timestamp for index in items],
        )
        for index, refusal in zip(items, too_loud, strict=True):
            outcomes[index] = refusal
        left = [index for index in items if outcomes[index] is None]
        while left:
            found = await self._given(intake, [items[index] for index in left])
            outcomes_now = dict(zip(left, found, strict=True))
            left = [index for index, why in outcomes_now.items() if isinstance(why, Unavailable)]
            for index, why in outcomes_now.items():
                outcomes[index] = why
            if left:
                log.warning("intake_waits", topic=intake.name, messages=len(left))
                await asyncio.sleep(RETRY_SECONDS)
        return outcomes

    async def _given(self, intake: Intake, items: Sequence[object]) -> Sequence[Outcome]:
        """An outcome for each; one that we fail at is a letter, and its neighbours are taken in."""
        try:
            return await intake.take(items, self._actor, self._services)
        except (Unavailable, *AGAIN_LATER) as error:
            return [error if isinstance(error, Unavailable) else _AWAY] * len(items)
        except Exception as error:
            if len(items) > 1:
                return [(await self._given(intake, [item]))[0] for item in items]
            log.error("intake_message_failed", topic=intake.name, error=type(error).__name__)
            return [MessageFailed("something failed here with this message")]

    async def _note_loud(self, partition: TopicPartition) -> None:
        """For those who look after devices; where that cannot be done now, the log has it."""
        if found := self._loud_of(partition).noted():
            try:
                await loud_devices.note(self._services.store, found)
            except (Unavailable, *AGAIN_LATER) as error:
                log.warning("loud_not_noted", devices=len(found), error=type(error).__name__)

    def _loud_of(self, partition: TopicPartition) -> Loud:
        settings = self._settings
        if partition not in self._loud:
            self._loud[partition] = Loud(
                partition.topic,
                self._actor,
                settings.intake_loud_per_second,
                settings.intake_limit_per_second,
            )
        return self._loud[partition]

    async def _send(
        self, letters: AIOKafkaProducer, topic: str, refused: Sequence[tuple[Any, CitybrainError]]
    ) -> None:
        """Send letters: the messages as they were, and why; returns when they are there.

        Of a message that is too large for a letter it says where it is and how large.
        """
        sent: list[Awaitable[Any]] = []
        for record, why in refused:
            REFUSED.labels(topic, why.code).inc()
            headers = [*record.headers, *_reasons(record, why)]
            try:
                sent.append(
                    await letters.send(
                        topic + LETTERS, record.value, key=record.key, headers=headers
                    )
                )
            except MessageSizeTooLargeError as error:
                sent.append(_failed(error))
        answers = await asyncio.gather(*sent, return_exceptions=True)
        for (record, why), answer in zip(refused, answers, strict=True):
            if isinstance(answer, MessageSizeTooLargeError):
                size = ("dead-letter-bytes", str(len(record.value or b"")).encode())
                headers = [*_reasons(record, why), size]
                await letters.send_and_wait(topic + LETTERS, b"", headers=headers)
            elif isinstance(answer, BaseException):
                raise answer


def _reasons(record: Any, why: CitybrainError) -> list[tuple[str, bytes]]:
    """Why a message was refused, and where it is."""
    return [
        ("dead-letter-code", why.code.encode()),
        ("dead-letter-reason", why.message.encode()),
        ("dead-letter-source", f"{record.topic}/{record.partition}/{record.offset}".encode()),
    ]


async def _failed(error: Exception) -> None:
    raise error


_AWAY = Unavailable("PostgreSQL cannot be reached")


class Batches(ConsumerRebalanceListener):  # type: ignore[misc]  # aiokafka has no types
    """The batches under way, at most one for each partition; they end before any of them go.

    `gone` is told when partitions go: what is known of them is forgotten.
    """

    def __init__(self, gone: Callable[[], None]) -> None:
        self._gone = gone
        self._tasks: dict[TopicPartition, asyncio.Task[None]] = {}
        self._oldest: dict[TopicPartition, Any] = {}

    def of(self, _: AIOKafkaConsumer) -> "Batches":
        """Those of a consumer."""
        return self

    @property
    def under_way(self) -> Collection[TopicPartition]:
        """The partitions that have one."""
        return self._tasks.keys()

    def oldest(self, partition: TopicPartition) -> Any:
        """The first record of the batch of a partition; None where none is under way."""
        return self._oldest.get(partition)

    def begin(self, partition: TopicPartition, first: Any, batch: Any) -> None:
        """Run a batch of a partition, whose first record is given."""
        self._oldest[partition] = first
        self._tasks[partition] = asyncio.create_task(batch)

    def check(self) -> None:
        """Forget what is done; raises what ended a batch."""
        for partition, task in list(self._tasks.items()):
            if task.done():
                del self._tasks[partition], self._oldest[partition]
                if not task.cancelled():
                    task.result()

    async def end(self, patience_seconds: float = 0.0) -> None:
        """Wait for all of them, and cancel those that take longer."""
        tasks = set(self._tasks.values())
        if tasks:
            _, late = await asyncio.wait(tasks, timeout=patience_seconds)
            await end(*late)

    async def on_partitions_revoked(self, revoked: Iterable[TopicPartition]) -> None:
        """Let batches end, or end them: they are read again."""
        await self.end(REVOKE_SECONDS)
        self._gone()
        _nothing_known()

    async def on_partitions_assigned(self, assigned: Iterable[TopicPartition]) -> None:
        """All batches are of partitions that were here before."""


def _nothing_known() -> None:
    for gauge in (BEHIND, BEHIND_SECONDS):
        gauge.clear()


def _at_home(topic: str, names: Iterable[str]) -> str:
    """The topic that one is, or a mirror of."""
    return next(name for name in names if topic == name or topic.endswith(f".{name}"))

"""What devices send through Kafka is taken in once, or is a letter; nobody holds up the others."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient
from prometheus_client import REGISTRY

from citybrain.domain.actor import Actor
from citybrain.errors import Unavailable
from citybrain.eventstore import EventStore
from citybrain.intake import reading
from citybrain.intake.context import actor_of
from citybrain.intake.inspection.detections import DETECTIONS
from citybrain.intake.parking.detections import DETECTIONS as SIGNS
from citybrain.intake.reading import LETTERS, IntakeReader
from citybrain.intake.signals.observations import OBSERVATIONS
from citybrain.intake.taking import Intake, Outcome
from citybrain.kafka.clients import connection
from citybrain.settings import Settings
from commands.loud_devices import loud_devices
from commands.services import Services
from ops.kafka import Cluster
from tests.given.detections import detection
from tests.given.feeding_kafka import feeding_settings
from tests.given.kafka import created, topic_prefix
from tests.given.services import services_over
from tests.given.waiting import eventually, holds, working

HOUR = timedelta(hours=1)


def intake_settings(settings: Settings, kafka: Cluster) -> Settings:
    """Settings with device topics of the test's own, which speak for some cameras."""
    ours = {"intake_topic_prefix": topic_prefix(), "intake_acts_for": ["c-*"]}
    return feeding_settings(settings, kafka, **ours)


async def make(settings: Settings, topic: str, partitions: int = 1) -> None:
    """A device topic."""
    client = AIOKafkaAdminClient(**connection(settings))
    await client.start()
    try:
        await created(client, topic, partitions)
    finally:
        await client.close()


async def send(
    settings: Settings,
    topic: str,
    *messages: Any,
    partition: int = 0,
    headers: Sequence[tuple[str, bytes]] = (),
    at: datetime | None = None,
    most: int = 1 << 20,
) -> None:
    """As a gateway does; bytes are sent as they are. `at` is the time of the records."""
    at_ms = None if at is None else int(at.timestamp() * 1000)
    producer = AIOKafkaProducer(max_request_size=most, **connection(settings))
    await producer.start()
    try:
        for each in messages:
            value = each if isinstance(each, bytes) else orjson.dumps(each)
            await producer.send_and_wait(
                topic,
                value,
                key=b"gateway",
                partition=partition,
                headers=list(headers),
                timestamp_ms=at_ms,
            )
    finally:
        await producer.stop()


async def letters(settings: Settings, topic: str, number: int) -> list[Any]:
    """So many letters of a device topic."""
    consumer = AIOKafkaConsumer(
        topic + LETTERS, auto_offset_reset="earliest", **connection(settings)
    )
    await consumer.start()
    try:
        return [await consumer.getone() for _ in range(number)]
    finally:
        await consumer.stop()


def behind(topic: str, partition: int) -> tuple[float | None, float | None]:
    """How many messages and seconds a partition is behind; nothing where there is no series."""
    labels = {"topic": topic, "partition": str(partition)}
    records, seconds = (
        REGISTRY.get_sample_value(f"citybrain_intake_behind_{unit}", labels)
        for unit in ("records", "seconds")
    )
    return records, seconds


@asynccontextmanager
async def taking(settings: Settings, services: Services, *intakes: Intake) -> AsyncIterator[None]:
    """What comes is taken in while the block runs."""
    async with working(IntakeReader(settings, services, intakes).run()):
        yield


def seen(ref: str, **fields: Any) -> dict[str, Any]:
    """What a camera says."""
    return detection(ref, **fields).model_dump(mode="json")


async def test_k29_the_same_detection_at_two_offsets_and_k21_a_device_of_the_future(
    kafka: Cluster, settings: Settings, store: EventStore
) -> None:
    ours = intake_settings(settings, kafka)
    topic, services = ours.intake_topic_prefix + DETECTIONS.name, services_over(store)
    await make(ours, topic)
    tomorrow = datetime.now(UTC) + 24 * HOUR
    await send(
        ours,
        topic,
        seen("4711"),
        seen("4711"),  # a gateway has tried again
        seen("4711", confidence=91),  # another one under the same name
        b"not JSON",
        seen("4712") | {"class_code": 7},
        seen("4713", camera_id="elsewhere-1"),
        seen("4714", occurred_at=tomorrow),  # K21: a device that lives in the future
        seen("4715") | {"occurred_at": tomorrow.timestamp() * 1_000_000},  # as milliseconds
        seen("4716"),
    )
    async with taking(ours, services, DETECTIONS):
        found = await letters(ours, topic, 6)
        await eventually(lambda: _at(store, 2))
    codes = [dict(letter.headers)["dead-letter-code"].decode() for letter in found]
    assert codes == [
        "detection-ref-reused",
        "intake-not-json",
        "invalid-input",
        "not-your-device",
        "time-out-of-order",
        "invalid-input",
    ]
    assert found[1].value == b"not JSON"
    assert found[1].key == b"gateway"
    assert dict(found[1].headers)["dead-letter-source"].decode() == f"{topic}/0/3"
    assert dict(found[2].headers)["dead-letter-reason"] == b"class_code: string_type"
    async with taking(ours, services, DETECTIONS):  # read on, not again
        await send(ours, topic, seen("4717"))
        await eventually(lambda: _at(store, 3))
    recorded = await store.read_all()
    assert [event.topic for event in recorded] == ["detection.recorded"] * 3
    assert recorded[0].metadata["channel"] == "kafka"


async def _at(store: EventStore, head: int) -> bool:
    return await store.head() == head


async def test_k31_mirrored_from_the_second_site(
    kafka: Cluster, settings: Settings, store: EventStore
) -> None:
    """A mirror puts its alias before the name; what came by both ways counts once, and what comes
    back to where it was first is left out.
    """
    ours = intake_settings(settings, kafka).model_copy(update={"intake_site": "a"})
    topic = ours.intake_topic_prefix + DETECTIONS.name
    for each in (topic, f"b.{topic}"):
        await make(ours, each)
        await send(ours, each, seen("4711"), seen(each))
    before = reading.LOOPED.labels(DETECTIONS.name)._value.get()
    there_and_back = [("mirrored-from", b"a"), ("mirrored-from", b"b")]
    await send(ours, f"b.{topic}", seen("4712"), headers=there_and_back)
    await send(ours, f"b.{topic}", seen("4713"), headers=[("mirrored-from", b"b")])
    async with taking(ours, services_over(store), DETECTIONS):
        await eventually(lambda: _at(store, 4))
    assert {event.metadata["actor"] for event in await store.read_all()} == {"intake"}
    looped = reading.LOOPED.labels(DETECTIONS.name)._value.get() - before
    assert looped == 1


async def test_k33_one_loud_camera(
    kafka: Cluster, settings: Settings, store: EventStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its partition waits for the store; the other one does not, and no more is in memory."""
    monkeypatch.setattr(reading, "MOST_AT_ONCE", 5)
    monkeypatch.setattr(reading, "LOOK_SECONDS", 0.05)
    ours = intake_settings(settings, kafka)
    topic, go_on = ours.intake_topic_prefix + "signs", asyncio.Event()
    taken: list[object] = []
    begun: list[int] = []

    async def take(items: Sequence[object], _: Actor, __: Services) -> list[Outcome]:
        if items[0] == "loud":
            begun.append(len(items))
            await go_on.wait()
        taken.extend(items)
        return [None] * len(items)

    await make(ours, topic, 2)
    await send(ours, topic, *["loud"] * 20)
    async with taking(ours, services_over(store), Intake("signs", take)):
        await holds(lambda: begun)
        await send(ours, topic, "soft", "softer", partition=1)
        await holds(lambda: len(taken) == 2)
        assert begun == [5]
        await holds(lambda: behind(topic, 1) == (0, 0))
        records, seconds = behind(topic, 0)
        assert records == 20
        assert seconds is not None
        assert seconds > 0
        go_on.set()
        await holds(lambda: len(taken) == 22)
        await holds(lambda: behind(topic, 0) == (0, 0))
    assert behind(topic, 0) == (None, None)


async def test_k33_a_loud_camera_is_named_and_dropped_where_that_is_said(
    kafka: Cluster, settings: Settings, store: EventStore
) -> None:
    """What it sends beyond the limit in a second of the brokers' clock are letters."""
    ours = intake_settings(settings, kafka)
    topic = ours.intake_topic_prefix + DETECTIONS.name
    await make(ours, topic)
    loud = [seen(f"{number}", camera_id="c-loud") for number in range(40)]
    now = datetime.now(UTC)
    await send(ours, topic, *loud, seen("1", camera_id="c-soft"), at=now)
    limited = ours.model_copy(update={"intake_loud_per_second": 2, "intake_limit_per_second": 5})
    async with taking(limited, services_over(store), DETECTIONS):
        first, *_ = await letters(ours, topic, 1)
        assert dict(first.headers)["dead-letter-code"] == b"device-too-loud"
        assert first.value == orjson.dumps(loud[5])
        await eventually(lambda: _soft(store))
        listed = await eventually(lambda: _all_listed(store))
    assert (listed["topic"], listed["device"]) == (topic, "c-loud")
    assert listed["first_at"] == listed["last_at"] == now.replace(microsecond=0)
    labels = {"topic": topic, "device": "c-loud"}
    assert REGISTRY.get_sample_value("citybrain_intake_loud_total", labels) == 38
    labels["device"] = "c-soft"
    assert REGISTRY.get_sample_value("citybrain_intake_loud_total", labels) is None


async def _all_listed(store: EventStore) -> dict[str, Any] | None:
    """The only device on the list, once all of its messages were counted."""
    listed = await loud_devices(store)
    return next((device for device in listed if device["messages"] == 38), None)


async def _soft(store: EventStore) -> bool:
    return any(event.data["camera_id"] == "c-soft" for event in await store.read_all())


async def test_a_store_that_is_away_is_no_message_s_fault(
    kafka: Cluster, settings: Settings, store: EventStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "RETRY_SECONDS", 0.02)
    ours = intake_settings(settings, kafka)
    topic = ours.intake_topic_prefix + "signs"
    asked: list[list[object]] = []

    async def take(items: Sequence[object], _: Actor, __: Services) -> list[Outcome]:
        asked.append(list(items))
        if len(asked) == 1:
            raise ConnectionRefusedError
        return [Unavailable("busy") if len(asked) == 2 and item == 2 else None for item in items]

    await make(ours, topic)
    await send(ours, topic, 1, 2, 3)
    async with taking(ours, services_over(store), Intake("signs", take)):
        await holds(lambda: sum(map(len, asked)) >= 4 and asked[-1] == [2] and asked[-2] != [2])
    assert asked[0] == asked[1][: len(asked[0])]


async def test_a_message_that_we_fail_at_is_a_letter_and_its_neighbours_are_taken_in(
    kafka: Cluster, settings: Settings, store: EventStore
) -> None:
    ours = intake_settings(settings, kafka)
    topic = ours.intake_topic_prefix + "signs"
    taken: list[object] = []

    async def take(items: Sequence[object], _: Actor, __: Services) -> list[Outcome]:
        if 2 in items:
            raise ZeroDivisionError("of 138 0000 0000")
        taken.extend(items)
        return [None] * len(items)

    await make(ours, topic)
    await send(ours, topic, 1, 2, 3)
    async with taking(ours, services_over(store), Intake("signs", take)):
        (letter,) = await letters(ours, topic, 1)
        await holds(lambda: sorted(map(str, taken)) == ["1", "3"])
    said = dict(letter.headers)
    assert (letter.value, said["dead-letter-code"]) == (b"2", b"intake-message-failed")
    assert b"138" not in said["dead-letter-reason"]


async def test_what_is_too_large_for_a_letter_is_told_and_holds_up_nothing(
    kafka: Cluster, settings: Settings, store: EventStore
) -> None:
    ours = intake_settings(settings, kafka)
    topic = ours.intake_topic_prefix + DETECTIONS.name
    large = ours.kafka_message_limit_bytes * 3
    client = AIOKafkaAdminClient(**connection(ours))
    await client.start()
    try:
        await created(client, topic, 1, **{"max.message.bytes": str(2 * large)})
    finally:
        await client.close()
    some = ours.kafka_message_limit_bytes - 100  # it fits a topic as large as that of letters
    await send(ours, topic, b"x" * large, seen("1"), b"y" * some, seen("2"), most=2 * large)
    async with taking(ours, services_over(store), DETECTIONS):
        first, second = await letters(ours, topic, 2)
        await eventually(lambda: _at(store, 2))
    for letter, size, offset in ((first, large, 0), (second, some, 2)):
        said = dict(letter.headers)
        assert said["dead-letter-code"] == b"intake-not-json"
        assert said["dead-letter-source"] == f"{topic}/0/{offset}".encode()
        assert (letter.value, said["dead-letter-bytes"]) == (b"", str(size).encode())


async def test_each_system_takes_its_own(store: EventStore, settings: Settings) -> None:
    services = services_over(store)
    actor = actor_of(settings.model_copy(update={"intake_acts_for": ["c-*"]}))
    sign = {"device_id": "c-1", "ref": "1", "occurred_at": "2026-03-01T08:00:00Z", "sign": "lost"}
    assert await SIGNS.take([sign, sign], actor, services) == [None, None]
    (wrong,) = await SIGNS.take([sign | {"sign": "sung"}], actor, services)
    assert wrong is not None
    assert wrong.message == "sign: enum"
    assert await store.head() == 1
    refused = await OBSERVATIONS.take([{"detector": "none"}, 7], actor, services)
    assert all(refused)

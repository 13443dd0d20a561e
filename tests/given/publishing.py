"""A log and its topic: events appended, published, and what a reader of Kafka finds."""

import json
import os
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import aiohttp
import asyncpg
import pytest
from aiokafka import TopicPartition
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from pydantic import SecretStr

from citybrain.eventstore import ANY, EventStore, Metadata, NewEvent
from citybrain.eventstore.incarnations import Standing, read_lineage
from citybrain.kafka import publisher as publishers
from citybrain.kafka import watch as watches
from citybrain.kafka.clients import admin, reader
from citybrain.kafka.publisher import Publisher
from citybrain.kafka.topics import describe
from citybrain.kafka.wire import ReceivedEvent, received
from citybrain.settings import Settings
from ops.kafka import Cluster
from tests.given.kafka import topic_prefix
from tests.given.server import URL
from tests.given.waiting import eventually, holds, working
from tests.given.warm import Warm

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
    async with working(publisher.run()):
        yield publisher


def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is away, or was refused, is looked at again soon."""
    monkeypatch.setattr(watches, "LOOK_SECONDS", 0.2)
    monkeypatch.setattr(watches, "RETRY_SECONDS", 0.1)
    monkeypatch.setattr(publishers, "RETRY_SECONDS", 0.1)
    monkeypatch.setattr(publishers, "RETRY_REFUSED_SECONDS", 0.2)


@asynccontextmanager
async def copy_of(settings: Settings, server_url: str) -> AsyncIterator[Settings]:
    """Settings over a copy of a database to which nobody is connected, as a backup has it."""
    assert settings.database_url is not None
    url = settings.database_url.get_secret_value()
    original = url.partition("?")[0].rpartition("/")[2]
    name = f"copy_{uuid4().hex}"
    server = await asyncpg.connect(server_url)
    try:
        await server.execute(f"CREATE DATABASE {name} TEMPLATE {original} STRATEGY file_copy")
        copied = SecretStr(url.replace(f"/{original}?", f"/{name}?"))
        yield settings.model_copy(update={"database_url": copied})
        await server.execute(f"DROP DATABASE {name} WITH (FORCE)")
    finally:
        await server.close()


async def records(
    settings: Settings, category: str = CATEGORY, *, committed: bool = True
) -> list[list[Any]]:
    """All records that a reader finds in a topic, partition by partition."""
    topic = settings.kafka_topic_prefix + category
    async with admin(settings) as client:
        partitions = (await describe(client, [topic]))[topic].partitions
    async with reader(settings, committed=committed) as consumer:
        wanted = [TopicPartition(topic, number) for number in range(partitions)]
        consumer.assign(wanted)
        ends = await consumer.end_offsets(wanted)
        found: list[list[Any]] = []
        for partition in wanted:
            await consumer.seek_to_beginning(partition)
            found.append([])
            while await consumer.position(partition) < ends[partition]:
                fetched = await consumer.getmany(partition, timeout_ms=100)
                found[-1] += fetched.get(partition, ())
        return found


async def in_kafka(
    settings: Settings, category: str = CATEGORY, *, committed: bool = True
) -> list[list[ReceivedEvent]]:
    """All events that a reader finds in a topic, partition by partition."""
    return [
        [received(each.key, each.value, each.headers) for each in partition]
        for partition in await records(settings, category, committed=committed)
    ]


async def set_config(settings: Settings, topic: str, name: str, value: str) -> None:
    """Change one setting of a topic."""
    async with admin(settings) as client:
        configs = (await describe(client, [topic]))[topic].configs
        changed = {**configs, name: value}
        await client.alter_configs(
            [ConfigResource(ConfigResourceType.TOPIC, topic, configs=changed)]
        )


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
    lineage = await read_lineage(store.pool)
    found: dict[int, ReceivedEvent] = {}
    for partition in await in_kafka(settings, category):
        last: dict[str, int] = {}
        for event in partition:
            if lineage.standing(event.incarnation, event.position) is not Standing.OURS:
                continue
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


def environment_of(settings: Settings) -> dict[str, str]:
    """The environment of a process that publishes with these settings."""
    ours = {name: value for name, value in os.environ.items() if not name.startswith("CITYBRAIN_")}
    if settings.database_url is not None:  # the embedded one of its data folder otherwise
        ours["CITYBRAIN_DATABASE_URL"] = settings.database_url.get_secret_value()
    return ours | {
        "CITYBRAIN_DATA_DIR": str(settings.data_dir),
        "CITYBRAIN_KAFKA_BOOTSTRAP_SERVERS": str(settings.kafka_bootstrap_servers),
        "CITYBRAIN_KAFKA_TOPIC_PREFIX": settings.kafka_topic_prefix,
        "CITYBRAIN_KAFKA_CATEGORIES": json.dumps(settings.kafka_categories),
        "CITYBRAIN_KAFKA_PARTITIONS": str(settings.kafka_partitions),
    }


@asynccontextmanager
async def publish_process(settings: Settings, folder: Path) -> AsyncIterator[Warm]:
    """`citybrain publish`, a process of its own; killed with the block, if not before."""
    process = Warm(
        folder, "citybrain", "publish", "--port", "0", environment=environment_of(settings)
    )
    try:
        yield process
    finally:
        await process.kill()


async def problems_of(process: Warm) -> dict[str, str]:
    """What a publisher says that is not well, once it says something."""
    await holds(lambda: URL.search(process.out.read_text()))
    url = URL.search(process.out.read_text())
    assert url is not None, process.err.read_text()

    async def problems() -> dict[str, str]:
        async with aiohttp.ClientSession(url[0]) as http, http.get("/readyz") as answer:
            said: dict[str, str] = (await answer.json())["problems"]
            assert answer.status == (503 if said else 200)
            return said

    return await eventually(problems)

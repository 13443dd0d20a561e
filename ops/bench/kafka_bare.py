"""The limit: aiokafka's idempotent producer with the same bytes, and nothing else."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from aiokafka import AIOKafkaProducer

from citybrain.eventstore import open_event_store
from citybrain.eventstore.incarnations import read_lineage
from citybrain.kafka.clients import connection
from citybrain.kafka.lane import BATCH_BYTES
from citybrain.kafka.wire import headers_of, key_of
from citybrain.settings import Settings
from ops.bench.events import EVENT, new_stream_id
from ops.bench.figures import Sample, sample
from ops.bench.kafka_ground import CATEGORY, WRITERS, Arrivals, arrivals, kafka_settings, topic
from ops.bench.meter import Meter
from ops.bench.project_ours import HISTORY, history_database
from ops.bench.tally import Tally
from ops.bench.workbench import Workbench


async def bare_catch_up(bench: Workbench) -> Sample:
    """The records of the history, made before the clock runs."""
    async with (
        bench.database(like=await history_database(bench)) as url,
        kafka_settings(bench, url) as settings,
    ):
        records = await _records(settings)
        async with _producer(settings) as producer:
            with Meter(bench) as meter:
                began = time.perf_counter()
                for key, value, headers in records:
                    await producer.send(topic(settings), value, key, headers=headers)
                await producer.flush()
                seconds = time.perf_counter() - began
        return meter.of(sample(HISTORY, seconds), HISTORY)


async def bare_live(bench: Workbench) -> Sample:
    """Senders of one record each that wait until a reader has it; no PostgreSQL."""
    async with (
        bench.database() as url,
        kafka_settings(bench, url) as settings,
        _producer(settings) as producer,
        arrivals(settings) as found,
    ):
        tally = Tally(bench.seconds)
        with Meter(bench) as meter:
            await asyncio.gather(
                *(_send(producer, topic(settings), found, tally) for _ in range(WRITERS))
            )
        return meter.of(tally.sample(), tally.acknowledged)


async def _send(producer: AIOKafkaProducer, topic: str, found: Arrivals, tally: Tally) -> None:
    while tally.running():
        key = f"{CATEGORY}-{new_stream_id().partition('-')[2]}".encode()
        arrived, began = found.of(key), time.perf_counter()
        await producer.send(topic, EVENT.state, key)
        await arrived
        tally.note(began, 1)


async def _records(settings: Settings) -> list[tuple[bytes, bytes, Any]]:
    async with open_event_store(settings) as store:
        incarnation = (await read_lineage(store.pool)).current
        return [
            (key_of(event), event.state, headers_of(event, settings.kafka_source, incarnation))
            for event in await store.read_all(limit=HISTORY)
        ]


@asynccontextmanager
async def _producer(settings: Settings) -> AsyncIterator[AIOKafkaProducer]:
    producer = AIOKafkaProducer(
        enable_idempotence=True,
        acks="all",
        compression_type=settings.kafka_compression,
        max_batch_size=BATCH_BYTES,
        **connection(settings),
    )
    await producer.start()
    try:
        yield producer
    finally:
        await producer.stop()

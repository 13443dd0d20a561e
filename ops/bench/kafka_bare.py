"""The limit: aiokafka's idempotent producer with the same bytes, and nothing else."""

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from aiokafka import AIOKafkaProducer

from citybrain.eventstore import open_event_store
from citybrain.eventstore.incarnations import read_lineage
from citybrain.kafka.clients import connection
from citybrain.kafka.lane import BATCH_BYTES
from citybrain.kafka.wire import Headers, ReceivedEvent, headers_of, key_of
from citybrain.settings import Settings
from ops.bench.events import EVENT, TOPIC, new_metadata, new_stream_id
from ops.bench.figures import Sample, sample
from ops.bench.kafka_ground import Arriving, arrivals, driven, kafka_settings, topic
from ops.bench.meter import Meter
from ops.bench.project_ours import HISTORY, history_database
from ops.bench.rounds import Contender
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


def bare_live(ahead: int) -> Contender:
    """The contender: senders of one record each, until a reader has it; no PostgreSQL."""

    async def contender(bench: Workbench) -> Sample:
        async with (
            bench.database() as url,
            kafka_settings(bench, url) as settings,
            _producer(settings) as producer,
            arrivals(settings) as found,
        ):
            headers = _headers(settings)

            async def send(stream: str) -> Arriving:
                arrived = found.of(stream)
                await producer.send_and_wait(
                    topic(settings), EVENT.state, stream.encode(), headers=headers
                )
                return arrived

            tally = Tally(bench.seconds)
            with Meter(bench) as meter:
                await driven(send, tally, ahead)
            return meter.of(tally.sample(), tally.acknowledged)

    return contender


def _headers(settings: Settings) -> Headers:
    """As many bytes of them as an event's record has."""
    metadata = new_metadata().to_json()
    event = ReceivedEvent(
        1_000_000, new_stream_id(), 1, TOPIC, EVENT.state, datetime.now(UTC), metadata, uuid4()
    )
    return headers_of(event, settings.kafka_source, event.incarnation)


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

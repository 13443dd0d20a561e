"""The broker of a measurement, and a reader that says when an event has arrived."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from aiokafka import TopicPartition

from citybrain.kafka.clients import admin, reader
from citybrain.kafka.topics import create
from citybrain.settings import Settings
from ops.bench.events import new_stream_id
from ops.bench.tally import Tally
from ops.bench.workbench import BenchFailed, Workbench, bench_settings
from ops.kafka import NoKafka, kafka_broker

CATEGORY = "case"
WRITERS = 32
AHEAD = 1000  # events that may be under way where nobody waits for one to arrive


@asynccontextmanager
async def kafka_settings(bench: Workbench, url: str) -> AsyncIterator[Settings]:
    """Settings over a database and a broker of this measurement's own."""
    try:
        async with _own_folder(bench) as folder, kafka_broker(folder) as cluster:
            settings = bench_settings(url, bench.folder).model_copy(
                update={
                    "kafka_bootstrap_servers": cluster.bootstrap_servers,
                    "kafka_categories": [CATEGORY],
                }
            )
            async with admin(settings) as client:
                await create(client, [topic(settings)], settings)
            yield settings
    except NoKafka as error:
        raise BenchFailed(f"no Kafka broker: {error}") from error


@asynccontextmanager
async def _own_folder(bench: Workbench) -> AsyncIterator[Path]:
    """A folder for what a broker keeps, on the disk of the measurement; gone afterwards."""
    with TemporaryDirectory(prefix="kafka-", dir=bench.folder) as folder:
        yield Path(folder)


def topic(settings: Settings) -> str:
    """The topic that is written."""
    return settings.kafka_topic_prefix + CATEGORY


class Arrivals:
    """Reads committed records of a topic; whoever waits for a stream is told when it is there."""

    def __init__(self) -> None:
        self._waiting: dict[bytes, asyncio.Future[None]] = {}

    def of(self, key: bytes) -> "asyncio.Future[None]":
        """Done when a record of this key has arrived; to be asked for before it is sent."""
        self._waiting[key] = asyncio.get_running_loop().create_future()
        return self._waiting[key]

    async def run(self, consumer: Any) -> None:
        """Read until cancelled."""
        while True:
            for records in (await consumer.getmany(timeout_ms=100)).values():
                for record in records:
                    if waiting := self._waiting.pop(record.key, None):
                        waiting.set_result(None)


@asynccontextmanager
async def arrivals(settings: Settings) -> AsyncIterator[Arrivals]:
    """A reader at the end of the topic."""
    async with reader(settings) as consumer:
        partitions = [TopicPartition(topic(settings), n) for n in range(settings.kafka_partitions)]
        consumer.assign(partitions)
        await consumer.seek_to_end()
        for partition in partitions:
            await consumer.position(partition)
        found = Arrivals()
        reading = asyncio.create_task(found.run(consumer))
        try:
            yield found
        finally:
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)


async def driven(
    send: Callable[[str], Awaitable[object]], found: Arrivals, tally: Tally, ahead: int
) -> None:
    """Writers that send one event each for a stream of its own, and the next when it is taken;
    at most `ahead` have not arrived. As many as there are writers: each waits for its own.
    """
    room = asyncio.Semaphore(ahead)

    async def arriving(arrived: "asyncio.Future[None]", began: float) -> None:
        await arrived
        tally.note(began, 1)
        room.release()

    async def write() -> None:
        async with asyncio.TaskGroup() as under_way:
            while tally.running():
                await room.acquire()
                stream = f"{CATEGORY}-{new_stream_id().partition('-')[2]}"
                arrived, began = found.of(stream.encode()), time.perf_counter()
                await send(stream)
                under_way.create_task(arriving(arrived, began))

    await asyncio.gather(*(write() for _ in range(WRITERS)))

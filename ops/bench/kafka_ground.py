"""The broker of a measurement, and a reader that says when an event has arrived."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeAlias

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
AHEAD = 1000  # events under way where latency is not what is asked


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

    def of(self, stream: str) -> "asyncio.Future[None]":
        """Done when a record of this stream has arrived; to be asked for before it is sent."""
        arrived = self._waiting[stream.encode()] = asyncio.get_running_loop().create_future()
        return arrived

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


Arriving: TypeAlias = "asyncio.Future[None]"


async def driven(send: Callable[[str], Awaitable[Arriving]], tally: Tally, ahead: int) -> None:
    """Events of a stream each, of which `ahead` are always under way: sent and not arrived.

    `send` returns when one is taken, with what is done when it has arrived.
    """
    room = asyncio.Semaphore(ahead)

    async def one() -> None:
        began = time.perf_counter()
        await (await send(f"{CATEGORY}-{new_stream_id().partition('-')[2]}"))
        tally.note(began, 1)
        room.release()

    async with asyncio.TaskGroup() as under_way:
        while tally.running():
            await room.acquire()
            under_way.create_task(one())

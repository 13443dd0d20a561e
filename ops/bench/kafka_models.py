"""Read models that are fed from Kafka: as events come, and a history that several workers share."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace

from aiokafka import TopicPartition

from citybrain.eventstore import NO_STREAM, EventStore, NewEvent, open_event_store
from citybrain.kafka.clients import reader
from citybrain.settings import Settings
from citybrain.systems import projection_named
from ops.bench import kafka_worker
from ops.bench.child import Child
from ops.bench.events import new_metadata
from ops.bench.figures import Sample, sample
from ops.bench.history import case_rows, load_history
from ops.bench.kafka_ground import CATEGORY, Arriving, driven, kafka_settings, topic
from ops.bench.kafka_ours import publish_all, publishing
from ops.bench.kafka_worker import MODEL
from ops.bench.meter import Meter
from ops.bench.rounds import Contender
from ops.bench.tally import Tally
from ops.bench.workbench import BenchFailed, Workbench
from projections.runner import prepare

EVENTS = 20_000
PATIENCE_SECONDS = 1200.0
POLL_SECONDS = 0.01
FED = "UPDATE projection_checkpoints SET fed = true"
REACHED = "SELECT position FROM projection_checkpoints WHERE projection = $1"
SHOWN = f"SELECT position FROM {MODEL}.entries WHERE position >= $1"
COUNTED = f"SELECT count(*) FROM {MODEL}.entries"


def events_of(bench: Workbench) -> int:
    """How long the history is that workers catch up on."""
    return bench.sizes.get("events", EVENTS)


def into_model(ahead: int) -> Contender:
    """The contender: writers that append an event each, until it is in a read model that a worker
    of its own feeds from Kafka; at most `ahead` are under way.
    """

    async def contender(bench: Workbench) -> Sample:
        async with (
            bench.database() as url,
            kafka_settings(bench, url) as settings,
            open_event_store(settings) as store,
            publishing(settings, store) as publisher,
            _workers(settings, store, 1) as (worker,),
            _shown(store) as shown,
        ):
            while not publisher.lanes:  # noqa: ASYNC110
                await asyncio.sleep(POLL_SECONDS)
            _, _, name, state, *_ = next(case_rows(1))
            event = NewEvent(name, state)

            async def append(stream: str) -> Arriving:
                done = await store.append(stream, NO_STREAM, [event], metadata=new_metadata())
                return shown.of(done.position)

            await (await append(f"{CATEGORY}-first"))  # the worker has its partitions
            tally = Tally(bench.seconds)
            spent = kafka_worker.cpu_seconds(worker)
            with Meter(bench) as meter:
                await driven(append, tally, ahead)
            spent = kafka_worker.cpu_seconds(worker) - spent
        found = meter.of(tally.sample(), tally.acknowledged)
        assert found.cpu_us is not None
        return replace(found, cpu_us=found.cpu_us + spent / tally.acknowledged * 1e6)

    return contender


class Shown:
    """Says when positions of the log are in the read model; asks all the time."""

    def __init__(self, store: EventStore) -> None:
        self._store = store
        self._waiting: dict[int, asyncio.Future[None]] = {}

    def of(self, position: int) -> "asyncio.Future[None]":
        """Done when it is there."""
        self._waiting[position] = asyncio.get_running_loop().create_future()
        return self._waiting[position]

    async def run(self) -> None:
        """Look until cancelled."""
        while True:
            if self._waiting:
                for row in await self._store.pool.fetch(SHOWN, min(self._waiting)):
                    if waiting := self._waiting.pop(row[0], None):
                        waiting.set_result(None)
            await asyncio.sleep(POLL_SECONDS)


@asynccontextmanager
async def _shown(store: EventStore) -> AsyncIterator[Shown]:
    """Somebody who looks all the time."""
    shown = Shown(store)
    looking = asyncio.create_task(shown.run())
    try:
        yield shown
    finally:
        looking.cancel()
        await asyncio.gather(looking, return_exceptions=True)


def caught_up_by(number: int) -> Contender:
    """The contender: a history that is in Kafka, into a new read model by so many workers."""

    async def contender(bench: Workbench) -> Sample:
        events = events_of(bench)
        async with _published(bench) as (settings, store):
            async with _workers(settings, store, number) as workers:
                spent = -sum(map(kafka_worker.cpu_seconds, workers))
                with Meter(bench) as meter:
                    began = time.perf_counter()
                    await _until(lambda: _reached(store, events))
                    seconds = time.perf_counter() - began
                spent += sum(map(kafka_worker.cpu_seconds, workers))
            if await store.pool.fetchval(COUNTED) != events:
                raise BenchFailed(f"{events} events are not as many entries")
        found = meter.of(sample(events, seconds), events)
        return replace(found, cpu_us=spent / events * 1e6, seconds=seconds)

    return contender


async def bare_consumer(bench: Workbench) -> Sample:
    """The limit: aiokafka's consumer over the same records, which are only counted."""
    events, seen = events_of(bench), 0
    async with _published(bench) as (settings, _), reader(settings) as consumer:
        consumer.assign(
            [TopicPartition(topic(settings), n) for n in range(settings.kafka_partitions)]
        )
        with Meter(bench) as meter:
            began = time.perf_counter()
            await consumer.seek_to_beginning()
            while seen < events:
                found = await consumer.getmany(timeout_ms=1000)
                seen += sum(map(len, found.values()))
            seconds = time.perf_counter() - began
    return meter.of(sample(events, seconds), events)


@asynccontextmanager
async def _published(bench: Workbench) -> AsyncIterator[tuple[Settings, EventStore]]:
    """A history that is in PostgreSQL and in Kafka, and in no read model."""
    events = events_of(bench)
    name = await bench.filled(f"bench_of_{events}", lambda url: load_history(url, events))
    async with (
        bench.database(like=name) as url,
        kafka_settings(bench, url) as settings,
        open_event_store(settings) as store,
    ):
        await publish_all(settings, store, events)
        yield settings, store


@asynccontextmanager
async def _workers(
    settings: Settings, store: EventStore, number: int
) -> AsyncIterator[list[Child]]:
    """Processes at work on the model, which is new; they end with the block."""
    await prepare(store, [projection_named(MODEL)])
    await store.pool.execute(FED)
    workers = [await kafka_worker.start(settings) for _ in range(number)]
    try:
        for worker in workers:
            await worker.ready()
        for worker in workers:
            await worker.tell("go")
        yield workers
    finally:
        for worker in workers:
            await worker.stop()


async def _reached(store: EventStore, position: int) -> bool:
    return bool(await store.pool.fetchval(REACHED, MODEL) == position)


async def _until(holds: Callable[[], Awaitable[bool]]) -> None:
    deadline = time.perf_counter() + PATIENCE_SECONDS
    while not await holds():
        if time.perf_counter() > deadline:
            raise BenchFailed("the history was not caught up in time")
        await asyncio.sleep(0.01)

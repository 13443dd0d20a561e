"""Our publisher: a history from nothing to the end, and events on their way while they come."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from citybrain.eventstore import NO_STREAM, EventStore, open_event_store
from citybrain.kafka.publisher import Publisher
from citybrain.settings import Settings
from ops.bench.events import EVENT, new_metadata, new_stream_id
from ops.bench.figures import Sample, sample
from ops.bench.kafka_ground import CATEGORY, WRITERS, Arrivals, arrivals, kafka_settings, topic
from ops.bench.meter import Meter
from ops.bench.project_ours import HISTORY, history_database
from ops.bench.tally import Tally
from ops.bench.workbench import BenchFailed, Workbench

PATIENCE_SECONDS = 300.0
REACHED = "SELECT position FROM kafka_topics WHERE topic = $1"


async def catch_up(bench: Workbench) -> Sample:
    """A history that is there, until all of it is in Kafka and the checkpoint says so."""
    async with (
        bench.database(like=await history_database(bench)) as url,
        kafka_settings(bench, url) as settings,
        open_event_store(settings) as store,
    ):
        with Meter(bench) as meter:
            began = time.perf_counter()
            async with _publishing(settings, store):
                await _reached(settings, store, HISTORY)
            seconds = time.perf_counter() - began
        return meter.of(sample(HISTORY, seconds), HISTORY)


async def live(bench: Workbench) -> Sample:
    """Writers that append one event each and wait until a reader of Kafka has it."""
    async with (
        bench.database() as url,
        kafka_settings(bench, url) as settings,
        open_event_store(settings) as store,
        _publishing(settings, store) as publisher,
        arrivals(settings) as found,
    ):
        while not publisher.lanes:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        tally = Tally(bench.seconds)
        with Meter(bench) as meter:
            await asyncio.gather(*(_write(store, found, tally) for _ in range(WRITERS)))
        return meter.of(tally.sample(), tally.acknowledged)


async def _write(store: EventStore, found: Arrivals, tally: Tally) -> None:
    while tally.running():
        stream = f"{CATEGORY}-{new_stream_id().partition('-')[2]}"
        arrived, began = found.of(stream.encode()), time.perf_counter()
        await store.append(stream, NO_STREAM, [EVENT], metadata=new_metadata())
        await arrived
        tally.note(began, 1)


async def _reached(settings: Settings, store: EventStore, position: int) -> None:
    deadline = time.perf_counter() + PATIENCE_SECONDS
    while (await store.pool.fetchval(REACHED, topic(settings)) or 0) < position:
        if time.perf_counter() > deadline:
            raise BenchFailed("the history was not published in time")
        await asyncio.sleep(0.01)


@asynccontextmanager
async def _publishing(settings: Settings, store: EventStore) -> AsyncIterator[Publisher]:
    publisher = Publisher(settings, store, settings.kafka_categories)
    working = asyncio.create_task(publisher.run())
    try:
        yield publisher
    finally:
        working.cancel()
        await asyncio.gather(working, return_exceptions=True)

"""Our publisher: a history from nothing to the end, and events on their way while they come."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from citybrain.eventstore import NO_STREAM, EventStore, open_event_store
from citybrain.kafka.publisher import Publisher
from citybrain.settings import Settings
from ops.bench.events import EVENT, new_metadata
from ops.bench.figures import Sample, sample
from ops.bench.kafka_ground import Arriving, arrivals, driven, kafka_settings, topic
from ops.bench.meter import Meter
from ops.bench.project_ours import HISTORY, history_database
from ops.bench.rounds import Contender
from ops.bench.tally import Tally
from ops.bench.workbench import BenchFailed, Workbench

PATIENCE_SECONDS = 900.0
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
            await publish_all(settings, store, HISTORY)
            seconds = time.perf_counter() - began
        return meter.of(sample(HISTORY, seconds), HISTORY)


def live(ahead: int) -> Contender:
    """The contender: writers that append one event each, until a reader of Kafka has it; at most
    `ahead` are under way.
    """

    async def contender(bench: Workbench) -> Sample:
        async with (
            bench.database() as url,
            kafka_settings(bench, url) as settings,
            open_event_store(settings) as store,
            publishing(settings, store) as publisher,
            arrivals(settings) as found,
        ):
            while not publisher.lanes:  # noqa: ASYNC110
                await asyncio.sleep(0.01)

            async def append(stream: str) -> Arriving:
                arrived = found.of(stream)
                await store.append(stream, NO_STREAM, [EVENT], metadata=new_metadata())
                return arrived

            tally = Tally(bench.seconds)
            with Meter(bench) as meter:
                await driven(append, tally, ahead)
            return meter.of(tally.sample(), tally.acknowledged)

    return contender


async def publish_all(settings: Settings, store: EventStore, position: int) -> None:
    """Publish until the checkpoint says that all is in Kafka up to a position."""
    deadline = time.perf_counter() + PATIENCE_SECONDS
    async with publishing(settings, store):
        while (await store.pool.fetchval(REACHED, topic(settings)) or 0) < position:
            if time.perf_counter() > deadline:
                raise BenchFailed("the history was not published in time")
            await asyncio.sleep(0.01)


@asynccontextmanager
async def publishing(settings: Settings, store: EventStore) -> AsyncIterator[Publisher]:
    """A publisher at work."""
    publisher = Publisher(settings, store, settings.kafka_categories)
    working = asyncio.create_task(publisher.run())
    try:
        yield publisher
    finally:
        working.cancel()
        await asyncio.gather(working, return_exceptions=True)

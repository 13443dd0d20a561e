"""Our event store under concurrent appends, checked afterwards for lost or torn events."""

import asyncio
import itertools
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

import asyncpg

from citybrain.eventstore import ANY, NO_STREAM, EventStore
from ops.bench.events import EVENT, new_metadata, new_stream_id
from ops.bench.figures import Sample
from ops.bench.meter import Meter
from ops.bench.rounds import Contender
from ops.bench.tally import Tally
from ops.bench.workbench import BenchFailed, Workbench

HOT_STREAM = "bench-hot"

LOG_FACTS = """
SELECT count(*) AS events, coalesce(min(notification_id), 1) AS first,
       coalesce(max(notification_id), 0) AS last FROM stored_events
"""
TORN_STREAMS = """
SELECT count(*) FROM (
    SELECT FROM stored_events GROUP BY originator_id
    HAVING min(originator_version) <> 1 OR max(originator_version) <> count(*)) AS torn
"""

Client = Callable[[EventStore, Tally], Coroutine[Any, Any, None]]


async def verify(url: str, acknowledged: int) -> None:
    """Every acknowledged event is there once, positions and versions are gapless.

    Raises `BenchFailed`: a benchmark that lost events has no result.
    """
    connection = await asyncpg.connect(url)
    try:
        facts = await connection.fetchrow(LOG_FACTS)
        torn = await connection.fetchval(TORN_STREAMS)
    finally:
        await connection.close()
    assert facts is not None
    if facts["events"] != acknowledged:
        raise BenchFailed(f"{acknowledged} events were acknowledged, {facts['events']} are stored")
    if facts["first"] != 1 or facts["last"] != facts["events"]:
        raise BenchFailed(
            f"positions {facts['first']} to {facts['last']} hold {facts['events']} events"
        )
    if torn:
        raise BenchFailed(f"{torn} streams have holes in their versions")


def new_streams(events_per_append: int) -> Client:
    """A client that appends to a new stream each time."""
    events = [EVENT] * events_per_append

    async def client(store: EventStore, tally: Tally) -> None:
        while tally.running():
            began = time.perf_counter()
            await store.append(new_stream_id(), NO_STREAM, events, metadata=new_metadata())
            tally.note(began, events_per_append)

    return client


async def hot_any(store: EventStore, tally: Tally) -> None:
    """A client that appends to the one hot stream, whatever its version."""
    while tally.running():
        began = time.perf_counter()
        await store.append(HOT_STREAM, ANY, [EVENT], metadata=new_metadata())
        tally.note(began, 1)


async def hot_exact(store: EventStore, tally: Tally) -> None:
    """A client that appends to the one hot stream at the exact version it knows."""
    for version in itertools.count():
        if not tally.running():
            return
        began = time.perf_counter()
        await store.append(HOT_STREAM, version, [EVENT], metadata=new_metadata())
        tally.note(began, 1)


async def appended(store: EventStore, client: Client, concurrency: int, seconds: float) -> Tally:
    """What `concurrency` clients get acknowledged."""
    tally = Tally(seconds)
    async with asyncio.TaskGroup() as clients:
        for _ in range(concurrency):
            clients.create_task(client(store, tally))
    return tally


def ours(client: Client, concurrency: int) -> Contender:
    """The contender: clients in this process, a fresh database, and the check."""

    async def contender(bench: Workbench) -> Sample:
        async with verified_store(bench) as (store, tallies):
            with Meter(bench) as meter:
                tally = await appended(store, client, concurrency, bench.seconds)
            tallies.append(tally)
        return meter.of(tally.sample(), tally.acknowledged)

    return contender


@asynccontextmanager
async def verified_store(bench: Workbench) -> AsyncIterator[tuple[EventStore, list[Tally]]]:
    """A store over a fresh database; what the tallies say is looked for in the end."""
    tallies: list[Tally] = []
    async with bench.store() as store:
        yield store, tallies
        await verify(store.dsn, sum(tally.acknowledged for tally in tallies))

"""Our projection runner over a history of cases, from nothing to the head."""

import asyncio
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from citybrain.eventstore import EventStore, open_event_store
from citybrain.systems import PROJECTIONS, projection_named
from ops.bench.figures import Sample, sample
from ops.bench.history import load_history
from ops.bench.meter import Meter
from ops.bench.rounds import Contender
from ops.bench.stacks import stacks_taken
from ops.bench.workbench import BenchFailed, Workbench, bench_settings
from projections.projection import Projection
from projections.runner import ProjectionRunner, prepare

HISTORY = 100_000
PATIENCE_SECONDS = 300.0
REACHED = "SELECT count(*) FROM projection_checkpoints WHERE position = $1 AND projection = ANY($2)"
PARKED = "SELECT count(*) FROM parked_events"


async def history_database(bench: Workbench) -> str:
    """The name of a database that holds a history of cases and no read models."""
    return await bench.filled("bench_history", lambda url: load_history(url, HISTORY))


def projected(*names: str) -> Contender:
    """The contender: the read models of these names (all where none), side by side."""
    projections = [projection_named(name) for name in names] if names else list(PROJECTIONS)

    async def contender(bench: Workbench) -> Sample:
        async with (
            bench.database(like=await history_database(bench)) as url,
            open_event_store(bench_settings(url, bench.folder)) as store,
        ):
            with Meter(bench) as meter, stacks_taken():
                seconds = await _to_the_head(store, projections)
        return meter.of(sample(HISTORY, seconds), HISTORY)

    return contender


async def replayed(bench: Workbench) -> Sample:
    """The limit: the same log read and decoded, applied to nothing."""
    url = bench.database_url(await history_database(bench))
    async with open_event_store(bench_settings(url, Path("unused"))) as store:
        began, seen = time.perf_counter(), 0
        with Meter(bench) as meter:
            async for batch in store.follow(0, batch_size=2000):
                seen += len(batch)
                if seen >= HISTORY:
                    break
        return meter.of(sample(seen, time.perf_counter() - began), seen)


async def _to_the_head(store: EventStore, projections: Sequence[Projection]) -> float:
    """Seconds until every projection has reached the head; nothing may have been parked.

    As in a process that starts, all of them have their tables before the first one begins.
    """
    names = [projection.name for projection in projections]
    began = time.perf_counter()
    await prepare(store, projections)
    runner = asyncio.create_task(ProjectionRunner(store, projections).run())
    try:
        while await store.pool.fetchval(REACHED, HISTORY, names) < len(names):
            if runner.done():
                await runner
            if time.perf_counter() - began > PATIENCE_SECONDS:
                raise BenchFailed("the projections did not reach the head in time")
            await asyncio.sleep(0.01)
        seconds = time.perf_counter() - began
        await _check(store, names)
    finally:
        await _cancelled(runner)
    return seconds


async def _check(store: EventStore, names: Sequence[str]) -> None:
    parked = await store.pool.fetchval(PARKED)
    if parked:
        raise BenchFailed(f"{parked} events were parked")
    if "case_timeline" in names:
        entries = await store.pool.fetchval("SELECT count(*) FROM case_timeline.entries")
        if entries != HISTORY:
            raise BenchFailed(f"{HISTORY} events made {entries} timeline entries")


async def _cancelled(task: "asyncio.Task[Any]") -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)

"""All read models beside a log that grows at a constant rate: how late the last of them is.

As a module it is who appends, and looks: `python -m ops.bench.project_live`.
"""

import asyncio
import time
from collections import deque
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from itertools import islice
from typing import Any

import asyncpg
import uvloop

from citybrain.eventstore import open_event_store
from citybrain.systems import PROJECTIONS
from ops.bench import child
from ops.bench.child import Child
from ops.bench.figures import Sample, sample
from ops.bench.history import COLUMNS, Row, case_rows
from ops.bench.meter import Meter
from ops.bench.rounds import Contender
from ops.bench.stacks import stacks_taken
from ops.bench.workbench import BenchFailed, Workbench, bench_settings
from projections.runner import ProjectionRunner, prepare

EVERY_SECONDS = 0.02
LOOK_SECONDS = 0.01
PATIENCE_SECONDS = 60.0
SLOWEST = "SELECT min(position) FROM projection_checkpoints"
PARKED = "SELECT count(*) FROM parked_events"


def live(rate: int) -> Contender:
    """The contender: so many events a second; the CPU is that of the process of the models, and
    all of PostgreSQL's, with the appends."""

    async def contender(bench: Workbench) -> Sample:
        async with (
            bench.database() as url,
            open_event_store(bench_settings(url, bench.folder)) as store,
        ):
            await prepare(store, PROJECTIONS)
            appender = await Child.start(
                "ops.bench.project_live", {"url": url, "rate": rate, "seconds": bench.seconds}
            )
            runner = asyncio.create_task(ProjectionRunner(store, PROJECTIONS).run())
            try:
                await appender.ready()
                with Meter(bench) as meter, stacks_taken():
                    answer = await appender.go()
                parked = await store.pool.fetchval(PARKED)
            finally:
                runner.cancel()
                with suppress(asyncio.CancelledError):
                    await runner
        if parked:
            raise BenchFailed(f"{parked} events were parked")
        events = answer["events"]
        return meter.of(sample(events, answer["seconds"], answer["lags"]), events)

    return contender


class _City:
    """Appends at its rate, and sees how long each append takes to be in all models."""

    def __init__(self, rate: int, seconds: float) -> None:
        self._at_once = max(1, round(rate * EVERY_SECONDS))
        self._rows: Iterator[Row] = case_rows(round(rate * seconds))
        self._waiting: deque[tuple[int, float]] = deque()
        self._appending = True
        self.events = 0
        self.lags: list[float] = []

    async def append(self, connection: "asyncpg.Connection[Any]") -> None:
        """Until there are no more rows; a late append does not delay the next."""
        due = time.perf_counter()
        while rows := list(islice(self._rows, self._at_once)):
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            due += EVERY_SECONDS
            now = datetime.now(UTC)
            async with connection.transaction():
                await connection.copy_records_to_table(
                    "stored_events", columns=COLUMNS, records=[(*r[:5], now, r[6]) for r in rows]
                )
                await connection.execute("NOTIFY stored_events")
            self.events += len(rows)
            self._waiting.append((rows[-1][4], time.perf_counter()))
        self._appending = False

    async def look(self, connection: "asyncpg.Connection[Any]") -> None:
        """Until all models have everything; raises `BenchFailed` where they do not in time."""
        moved = time.perf_counter()
        while self._appending or self._waiting:
            position = await connection.fetchval(SLOWEST)
            now = time.perf_counter()
            while self._waiting and self._waiting[0][0] <= position:
                self.lags.append(now - self._waiting.popleft()[1])
                moved = now
            if now > moved + PATIENCE_SECONDS:
                raise BenchFailed("the read models did not keep up")
            await asyncio.sleep(LOOK_SECONDS)


async def _run() -> None:
    orders = child.orders()
    city = _City(orders["rate"], orders["seconds"])
    first, second = [await asyncpg.connect(orders["url"]) for _ in range(2)]
    child.say_ready()
    child.wait_for_go()
    began = time.perf_counter()
    await asyncio.gather(city.append(first), city.look(second))
    seconds = time.perf_counter() - began
    child.answer({"events": city.events, "seconds": seconds, "lags": city.lags})
    await first.close()
    await second.close()


if __name__ == "__main__":
    uvloop.run(_run())

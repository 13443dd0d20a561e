"""A rebuild of a log, or the mere reading of it, in a process of its own, to see its memory.

As a module it is that process: `python -m ops.bench.rebuild_process`.
"""

import time
from pathlib import Path

import uvloop

from citybrain.eventstore import EventStore, open_event_store
from citybrain.systems import projection_named
from ops.bench import child
from ops.bench.child import Child
from ops.bench.figures import Sample
from ops.bench.history import load_history
from ops.bench.rounds import Contender
from ops.bench.workbench import BenchFailed, Workbench, bench_settings
from projections.rebuild import BATCH_SIZE, rebuild

EVENTS = 1_000_000


def rebuilt(*names: str) -> Contender:
    """The contender: the read models of these names, one after the other in one process."""

    async def contender(bench: Workbench) -> Sample:
        async with bench.database() as url:
            await load_history(url, EVENTS)
            process = await Child.start(
                "ops.bench.rebuild_process",
                {"url": url, "folder": str(bench.folder), "names": names, "passes": 0},
            )
            await process.ready()
            answer = await process.go()
        if answer["positions"] != [EVENTS] * len(names):
            raise BenchFailed(f"the rebuilds ended at {answer['positions']}")
        events = EVENTS * len(names)
        return Sample(
            events / answer["seconds"],
            rss_mb=answer["rss_mb"],
            cpu_us=answer["cpu_seconds"] / events * 1e6,
        )

    return contender


def peak_rss_mb() -> float:
    """The most memory this process has held: its resident high-water mark, in 10⁶ bytes."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024 / 1e6
    raise BenchFailed("this system does not tell a process's peak memory")


async def _rebuild() -> None:
    orders = child.orders()
    async with open_event_store(bench_settings(orders["url"], Path(orders["folder"]))) as store:
        child.say_ready(await store.head())
        child.wait_for_go()
        began, cpu = time.perf_counter(), time.process_time()
        positions = [await rebuild(store, projection_named(name)) for name in orders["names"]]
        positions += [await _read(store) for _ in range(orders["passes"])]
        seconds, spent = time.perf_counter() - began, time.process_time() - cpu
    child.answer(
        {"positions": positions, "seconds": seconds, "cpu_seconds": spent, "rss_mb": peak_rss_mb()}
    )


async def _read(store: EventStore) -> int:
    """Decode every event of the log; the position of the last."""
    position = 0
    async for batch in store.replay(0, await store.head(), batch_size=BATCH_SIZE):
        for event in batch:
            if not event.data:
                raise BenchFailed(f"position {event.position} was read back empty")
        position = batch[-1].position
    return position


if __name__ == "__main__":
    uvloop.run(_rebuild())

"""A rebuild of a million events in a process of its own, to see how much memory it takes.

As a module it is that process: `python -m ops.bench.rebuild_process`.
"""

import time
from pathlib import Path

import uvloop

from citybrain.eventstore import open_event_store
from citybrain.systems import projection_named
from ops.bench import child
from ops.bench.child import Child
from ops.bench.figures import Sample
from ops.bench.history import load_history
from ops.bench.rounds import Contender
from ops.bench.workbench import BenchFailed, Workbench, bench_settings
from projections.rebuild import rebuild

EVENTS = 1_000_000


def rebuilt(*names: str) -> Contender:
    """The contender: the read models of these names, one after the other in one process."""

    async def contender(bench: Workbench) -> Sample:
        async with bench.database() as url:
            await load_history(url, EVENTS)
            process = await Child.start(
                "ops.bench.rebuild_process",
                {"url": url, "folder": str(bench.folder), "names": names},
            )
            await process.ready()
            answer = await process.go()
        if answer["positions"] != [EVENTS] * len(names):
            raise BenchFailed(f"the rebuilds ended at {answer['positions']}")
        return Sample(EVENTS * len(names) / answer["seconds"], rss_mb=answer["rss_mb"])

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
        child.say_ready()
        child.wait_for_go()
        began = time.perf_counter()
        positions = [await rebuild(store, projection_named(name)) for name in orders["names"]]
        seconds = time.perf_counter() - began
    child.answer({"positions": positions, "seconds": seconds, "rss_mb": peak_rss_mb()})


if __name__ == "__main__":
    uvloop.run(_rebuild())

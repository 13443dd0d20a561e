"""`citybrain bench soak`: the memory of one server process over very many commands and streams.

The result is a JSON object: `bench`, `commands`, `streams`, `cpu_us` of a command, `rss_mb` at the
end, `seen_mb` on the way, and of the second half of the commands `slope_mb` for each 100 000 (least
squares) with its standard error `slope_error_mb`. What a cache with a bound takes is held by then;
what goes on growing has none.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt
from pathlib import Path
from statistics import linear_regression
from typing import Any, NamedTuple

import asyncpg
import orjson
import psutil

from ops.bench.child import Child
from ops.bench.workbench import BenchFailed, open_workbench

__all__ = ["BenchFailed", "run"]
LARGEST_MB = 350.0
STEADY_MB = 1.0
"""For each 100 000 commands: below that is what a heap does when nothing is kept."""

PER = 100_000
FACTS = """
SELECT count(*) AS events, count(DISTINCT originator_id) AS streams,
       (SELECT count(*) FROM idempotency_records) AS keys FROM stored_events
"""


class Seen(NamedTuple):
    """What a server held after so many commands, 10⁶ bytes."""

    commands: int
    rss_mb: float


@dataclass(frozen=True, slots=True)
class Slope:
    """MB for each 100 000 commands, and how far the measurement leaves that open."""

    mb: float
    error_mb: float

    @property
    def is_zero(self) -> bool:
        """Whether nothing says that it grows, or it grows too little to matter."""
        return self.mb < max(STEADY_MB, 2 * self.error_mb)


def slope_of(seen: Sequence[Seen]) -> Slope:
    """Of the second half of the commands; raises `BenchFailed` where too little was seen."""
    half = seen[-1].commands / 2 if seen else 0
    late = [each for each in seen if each.commands >= half]
    if len(late) < 3 or late[0].commands == late[-1].commands:
        raise BenchFailed("too short to see whether it grows")
    at, rss = [each.commands / PER for each in late], [each.rss_mb for each in late]
    line = linear_regression(at, rss)
    rest = sum((y - line.intercept - line.slope * x) ** 2 for x, y in zip(at, rss, strict=True))
    mean = sum(at) / len(at)
    spread = sum((x - mean) ** 2 for x in at)
    return Slope(line.slope, sqrt(rest / (len(at) - 2) / spread))


async def run(
    commands: int,
    seconds: float,
    data_dir: Path | None,
    *,
    steps: int,
    connections: int,
    workers: bool,
) -> bool:
    """Measure and print; whether the memory stays. It ends after `seconds` at the latest.

    `steps` follow each report on its stream.

    Raises `BenchFailed` where something acknowledged is not stored, or it was too short.
    """
    cores = sorted(os.sched_getaffinity(0))
    async with open_workbench(seconds, data_dir) as bench, bench.database() as url:
        orders = {"core": cores[0], "url": url, "folder": str(bench.folder), "workers": workers}
        server = await Child.start("ops.bench.http_server", orders | {"roles": ROLES})
        try:
            facts = await server.ready()
            load = {"commands": commands, "seconds": seconds, "steps": steps}
            load |= {"core": cores[-1], "connections": connections}
            clients = await Child.start("ops.bench.soak_client", {**load, **facts})
            try:
                await clients.ready()
                seen, last = await _watched(server, clients)
            finally:
                await clients.stop()
            spent = (await server.go())["cpu_seconds"]
        finally:
            await server.stop()
        if not workers:
            await _verify(url, last)
    slope = slope_of(seen)
    found = {
        "bench": "soak",
        "commands": last["commands"],
        "streams": last["streams"],
        "workers": workers,
        "cpu_us": round(spent * 1e6 / last["commands"], 1),
        "rss_mb": round(seen[-1].rss_mb, 1),
        "slope_mb": round(slope.mb, 2),
        "slope_error_mb": round(slope.error_mb, 2),
        "seen_mb": [round(each.rss_mb, 1) for each in seen[:: max(1, len(seen) // 20)]],
        "met": seen[-1].rss_mb <= LARGEST_MB and slope.is_zero,
    }
    print(orjson.dumps(found).decode(), flush=True)
    return bool(found["met"])


ROLES = ["gateway", "operator", "official"]
"""Of each caller: it reports, and takes the steps of the centre and of the department."""


async def _watched(server: Child, clients: Child) -> tuple[list[Seen], dict[str, Any]]:
    """What the server held whenever the clients said how far they are, and their last word."""
    process, seen = psutil.Process(server.pid), []
    await clients.tell("go")
    while True:
        said = await clients.said()
        seen.append(Seen(said["commands"], process.memory_info().rss / 1e6))
        if said.get("over"):
            return seen, said


async def _verify(url: str, said: dict[str, Any]) -> None:
    """Raises `BenchFailed` where a command that was acknowledged is not stored."""
    connection = await asyncpg.connect(url)
    try:
        facts = await connection.fetchrow(FACTS)
    finally:
        await connection.close()
    assert facts is not None
    if not facts["events"] == facts["keys"] == said["commands"]:
        raise BenchFailed(
            f"{said['commands']} commands were acknowledged, {facts['events']} events are stored "
            f"with {facts['keys']} idempotency keys"
        )
    if facts["streams"] != said["streams"]:
        raise BenchFailed(f"{said['streams']} cases were begun, {facts['streams']} are stored")

"""`citybrain bench http --open-loop`: a constant arrival rate, latency from the scheduled moment.

The rate is a share of what two processes were measured to do; then the same with one of them killed
in the midst. Each line is a JSON object: `bench`, `line`, `rate` (requests per second), `requests`,
`p50_ms`, `p99_ms`, `p999_ms`, `max_ms`, `failures` by kind, each of which was sent again, `cpu_us`
of all server processes and `db_cpu_us` of PostgreSQL for one request, and `load`: how many
processes of the machine wanted to run, by the minute.
"""

import asyncio
import os
from pathlib import Path
from typing import Any

import orjson

from ops.bench.child import Child
from ops.bench.figures import percentile
from ops.bench.http_processes import Serving, reporting_to, serving
from ops.bench.http_stored import verify
from ops.bench.workbench import BenchFailed, Workbench, open_workbench

__all__ = ["BenchFailed", "run"]
SHARE = 0.7
CAPACITY_SECONDS = 10.0


async def run(seconds: float, processes: int, data_dir: Path | None) -> None:
    """Measure and print. Raises `BenchFailed` where something acknowledged is not there."""
    async with open_workbench(CAPACITY_SECONDS, data_dir) as bench:
        capacity = (await reporting_to(processes)(bench)).rate
        for line, killed in (("steady", False), ("one_killed", True)):
            found = await _line(bench, processes, SHARE * capacity, seconds, killed=killed)
            head = {"bench": "http-open-loop", "line": line, "processes": processes}
            head |= {"capacity": round(capacity, 1), "seconds": seconds}
            print(orjson.dumps(head | found).decode(), flush=True)


async def _line(
    bench: Workbench, processes: int, rate: float, seconds: float, *, killed: bool
) -> dict[str, Any]:
    core = sorted(os.sched_getaffinity(0))[-1]
    async with bench.database() as url, serving(bench, url, processes) as city:
        orders = {"core": core, "rate": rate, "seconds": seconds, **city.facts}
        clients = await Child.start("ops.bench.open_loop_client", orders)
        await clients.ready()
        spent, computed = -city.cpu_seconds(), -bench.postgres_cpu_seconds()
        killing = asyncio.create_task(_kill_one(city, seconds / 2)) if killed else None
        answer = await clients.go()
        if killing is not None:
            spent += await killing
        spent, computed = spent + city.cpu_seconds(), computed + bench.postgres_cpu_seconds()
        await verify(url, len(answer["latencies"]))
    ascending = sorted(answer["latencies"])
    return {
        "rate": round(rate, 1),
        "requests": len(ascending),
        "p50_ms": _ms(ascending, 50),
        "p99_ms": _ms(ascending, 99),
        "p999_ms": _ms(ascending, 99.9),
        "max_ms": _ms(ascending, 100),
        "failures": answer["failures"],
        "cpu_us": round(spent / len(ascending) * 1e6, 1),
        "db_cpu_us": round(computed / len(ascending) * 1e6, 1),
        "load": round(os.getloadavg()[0], 1),
    }


async def _kill_one(city: Serving, after_seconds: float) -> float:
    """Returns the seconds of CPU that it had."""
    await asyncio.sleep(after_seconds)
    victim = city.processes[0]
    times = victim.cpu_times()
    victim.kill()
    return times.user + times.system


def _ms(ascending: list[float], percent: float) -> float:
    return round(percentile(ascending, percent) * 1e3, 2)

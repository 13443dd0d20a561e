"""`citybrain bench boards`: what many boards cost one server, and how late they are.

One server with its workers, on one core; boards that follow `/live` and `/v1/board/live`, and
phones that report and read, on another. The result is a JSON object: `delay_…_ms` from the
acknowledgement of an event to the message of `/live` that has it, over all boards and marks;
`request_…_ms` of the phones; `messages` and `bytes` of one message; `cpu_share` of a core that the
server computed and `cpu_us` of one message more than one board has: the same load is measured with
one board first, and taken off. `db_cpu_share` is PostgreSQL's. `rss_mb` is the server's with all
boards, `rss_mb_of_one` with one.
"""

import os
import time
from pathlib import Path
from typing import Any

import orjson
import psutil

from ops.bench.child import Child
from ops.bench.workbench import BenchFailed, Workbench, open_workbench

__all__ = ["BenchFailed", "run"]
LATEST_MS = 1_000.0
"""A change is on the screen a second after its event, p99."""

ROLES = ["operator", "gateway"]


async def run(boards: int, phones: int, seconds: float, data_dir: Path | None) -> bool:
    """Measure and print; whether boards are told in time.

    Raises `BenchFailed` where a viewer missed an event, or something was not answered.
    """
    async with open_workbench(seconds, data_dir) as bench:
        one = await _measured(bench, 1, phones)
        many = await _measured(bench, boards, phones)
    more = many["messages"] - one["messages"]
    spent = many.pop("cpu_seconds") - one["cpu_seconds"]
    found = {
        "bench": "boards",
        "boards": boards,
        "phones": phones,
        "seconds": seconds,
        **{name: round(value, 2) for name, value in many.items()},
        "cpu_us": round(spent * 1e6 / more, 1) if more > 0 and spent > 0 else None,
        "cpu_share_of_one": round(one["cpu_share"], 2),
        "rss_mb_of_one": round(one["rss_mb"], 1),
        "met": many["delay_p99_ms"] <= LATEST_MS,
    }
    print(orjson.dumps(found).decode(), flush=True)
    return bool(found["met"])


async def _measured(bench: Workbench, boards: int, phones: int) -> dict[str, Any]:
    """One server and its load."""
    cores = sorted(os.sched_getaffinity(0))
    async with bench.database() as url:
        orders = {"core": cores[0], "url": url, "folder": str(bench.folder), "workers": True}
        server = await Child.start("ops.bench.http_server", orders | {"roles": ROLES})
        try:
            facts = await server.ready()
            load = {"boards": boards, "phones": phones, "seconds": bench.seconds}
            clients = await Child.start(
                "ops.bench.boards_client", {**load, **facts, "core": cores[-1]}
            )
            try:
                await clients.ready()
                before = await clients.said()
                process, began = psutil.Process(server.pid), time.monotonic()
                spent, in_postgres = _cpu_seconds(process), bench.postgres_cpu_seconds()
                after = await clients.said()
                spent = _cpu_seconds(process) - spent
                in_postgres = bench.postgres_cpu_seconds() - in_postgres
                wall, rss = time.monotonic() - began, process.memory_info().rss / 1e6
                figures: dict[str, Any] = await clients.said()
            finally:
                await clients.stop()
        finally:
            await server.stop()
    messages = after["messages"] - before["messages"]
    return figures | {
        "messages": messages,
        "bytes": (after["bytes"] - before["bytes"]) / max(messages, 1),
        "cpu_seconds": spent,
        "cpu_share": spent / wall,
        "db_cpu_share": in_postgres / wall,
        "rss_mb": rss,
    }


def _cpu_seconds(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)

"""`citybrain bench http`: durable commands through one server process on one core."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from ops.bench.append_ours import new_streams
from ops.bench.append_ours import ours as appending
from ops.bench.child import Child
from ops.bench.figures import Sample
from ops.bench.http_processes import reporting_to
from ops.bench.http_stored import verify
from ops.bench.lines import Line
from ops.bench.meter import per_unit
from ops.bench.rounds import Contender
from ops.bench.tally import Tally
from ops.bench.workbench import Workbench

BENCH = "http"
COMMANDS = "commands/s"
PROCESSES = (1, 2)
"""How many serve on one port; what follows behind the supervisor is as it is operated."""


def reporting(connections: int, *, workers: bool) -> Contender:
    """The contender: POST /v1/cases to our server; every acknowledged case must be there."""

    async def contender(bench: Workbench) -> Sample:
        async with bench.database() as url:
            found = await loaded(bench, url, connections, workers=workers)
            await verify(url, found.acknowledged)
        return found.sample

    return contender


def bare_aiohttp(connections: int, load: str = "cases", batch: int = 0) -> Contender:
    """The limit: an aiohttp handler that parses the same JSON and keeps nothing."""

    async def contender(bench: Workbench) -> Sample:
        found = await loaded(bench, None, connections, workers=False, load=load, batch=batch)
        return found.sample

    return contender


@dataclass(frozen=True, slots=True)
class Loaded:
    """What clients were acknowledged, and what that cost the server and PostgreSQL."""

    acknowledged: int
    sample: Sample


async def loaded(
    bench: Workbench,
    url: str | None,
    connections: int,
    *,
    workers: bool,
    load: str = "cases",
    batch: int = 0,
) -> Loaded:
    """Load a server, ours over the database of `url`. Server and clients have a core each.

    `load` is one of `http_client.LOADS`; `batch` is how many units a request has, where it has
    a batch of them.
    """
    orders = {"seconds": bench.seconds, "connections": connections, "load": load, "batch": batch}
    found = await exercised(bench, url, "ops.bench.http_client", orders, workers=workers)
    tally = Tally(bench.seconds)
    tally.acknowledged, tally.counted = found.answer["acknowledged"], found.answer["counted"]
    tally.latencies = found.answer["latencies"]
    return Loaded(tally.acknowledged, found.of(tally.sample(), tally.acknowledged))


@dataclass(frozen=True, slots=True)
class Exercised:
    """What a process of clients answered, and what that cost."""

    answer: Any
    rss_mb: float
    cpu_seconds: float
    db_cpu_seconds: float | None

    def of(self, sample: Sample, units: int) -> Sample:
        """The sample, with what each of `units` took of the server and of PostgreSQL."""
        found = replace(sample, rss_mb=self.rss_mb)
        return per_unit(found, units, self.cpu_seconds, self.db_cpu_seconds)


async def exercised(
    bench: Workbench,
    url: str | None,
    module: str,
    orders: Mapping[str, object],
    *,
    workers: bool,
    **server_orders: object,
) -> Exercised:
    """Start a server, bare where there is no `url`, and let `module` be its clients."""
    cores = sorted(os.sched_getaffinity(0))
    server = await Child.start(
        "ops.bench.http_server",
        {
            "core": cores[0],
            "url": url,
            "folder": str(bench.folder),
            "workers": workers,
            **server_orders,
        },
    )
    try:
        facts = await server.ready()
        clients = await Child.start(module, {"core": cores[-1], **orders, **facts})
        await clients.ready()
        before = bench.postgres_cpu_seconds()
        answer = await clients.go()
        computed = bench.postgres_cpu_seconds() - before
        spent = await server.go()
        return Exercised(
            answer, spent["rss_mb"], spent["cpu_seconds"], None if url is None else computed
        )
    finally:
        await server.stop()


CONTENDERS: Mapping[str, Contender] = {
    "report_1": reporting(1, workers=False),
    "report_16": reporting(16, workers=False),
    "report_128": reporting(128, workers=False),
    "report_128_with_workers": reporting(128, workers=True),
    "bare_aiohttp_1": bare_aiohttp(1),
    "bare_aiohttp_16": bare_aiohttp(16),
    "bare_aiohttp_128": bare_aiohttp(128),
    **{f"processes_{number}": reporting_to(number) for number in PROCESSES},
    "append_16": appending(new_streams(1), 16),
    "append_128": appending(new_streams(1), 128),
}

LINES = (
    Line("report_1", "report_1", "bare_aiohttp_1", unit=COMMANDS),
    Line("report_16", "report_16", "bare_aiohttp_16", ("append_16",), unit=COMMANDS),
    Line("report_128", "report_128", "bare_aiohttp_128", ("append_128",), unit=COMMANDS),
    Line(
        "report_128_with_workers",
        "report_128_with_workers",
        "bare_aiohttp_128",
        ("append_128",),
        unit=COMMANDS,
    ),
    *(
        Line(f"processes_{number}", f"processes_{number}", "bare_aiohttp_128", unit=COMMANDS)
        for number in PROCESSES
    ),
)

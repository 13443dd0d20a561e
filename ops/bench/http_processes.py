"""`citybrain serve --processes N` under load: real processes on one port, as they are operated."""

import asyncio
import os
import re
import sys
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import psutil

from citybrain.http.tokens import DevelopmentIssuer
from ops.bench.child import ROOT, Child
from ops.bench.figures import Sample
from ops.bench.http_server import CALLERS
from ops.bench.http_stored import verify
from ops.bench.rounds import Contender
from ops.bench.tally import Tally
from ops.bench.workbench import BenchFailed, Workbench

CONNECTIONS = 128
URL = re.compile(r"http://([0-9.]+):(\d+)")
UNLIMITED = {
    "CITYBRAIN_RATE_LIMIT_PER_SECOND": "1e9",
    "CITYBRAIN_RATE_LIMIT_BURST": "1000000000",
    "CITYBRAIN_LOG_LEVEL": "WARNING",
    "CITYBRAIN_MODE": "development",
}


@dataclass(frozen=True)
class Serving:
    """Where they listen, and who they are."""

    host: str
    port: int
    tokens: list[str]
    supervisor: psutil.Process

    @property
    def facts(self) -> dict[str, Any]:
        """What clients have to know."""
        return {"host": self.host, "port": self.port, "tokens": self.tokens}

    @property
    def processes(self) -> list[psutil.Process]:
        """Those that answer."""
        children = self.supervisor.children()
        return [each for each in children if "serve" in each.cmdline()] or [self.supervisor]

    def cpu_seconds(self) -> float:
        """What all of them have computed; of those that have ended nothing."""
        spent = 0.0
        for each in {self.supervisor, *self.supervisor.children(recursive=True)}:
            with suppress(psutil.NoSuchProcess):
                times = each.cpu_times()
                spent += times.user + times.system
        return spent


@asynccontextmanager
async def serving(bench: Workbench, url: str, processes: int) -> AsyncIterator[Serving]:
    """So many processes over a database, without workers; they end with the block."""
    data = Path(mkdtemp(prefix="serving-", dir=bench.folder))
    ours = {name: value for name, value in os.environ.items() if not name.startswith("CITYBRAIN_")}
    where = {"CITYBRAIN_DATABASE_URL": url, "CITYBRAIN_DATA_DIR": str(data)}
    command = ("-m", "citybrain", "serve", "--port", "0", "--no-workers")
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, *command, "--processes", str(processes)),
        cwd=ROOT,
        env=ours | UNLIMITED | where,
        stdout=PIPE,
        stderr=DEVNULL,
    )
    try:
        assert process.stdout is not None
        listening = None
        while listening is None:
            line = await process.stdout.readline()
            if not line:
                raise BenchFailed("the server did not start")
            listening = URL.search(line.decode())
        issuer = DevelopmentIssuer(data / "keys", "citybrain")
        tokens = [
            issuer.token(f"caller-{number}", ["gateway"], acts_for=["c-*"])
            for number in range(CALLERS)
        ]
        host, port = listening.groups()
        yield Serving(host, int(port), tokens, psutil.Process(process.pid))
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


def reporting_to(processes: int) -> Contender:
    """The contender: POST /v1/cases to so many; every acknowledged case must be there."""

    async def contender(bench: Workbench) -> Sample:
        orders = {"seconds": bench.seconds, "connections": CONNECTIONS, "load": "cases", "batch": 0}
        core = sorted(os.sched_getaffinity(0))[-1]
        async with bench.database() as url, serving(bench, url, processes) as city:
            clients = await Child.start(
                "ops.bench.http_client", {"core": core, **orders, **city.facts}
            )
            await clients.ready()
            spent, computed = city.cpu_seconds(), bench.postgres_cpu_seconds()
            answer = await clients.go()
            spent, computed = city.cpu_seconds() - spent, bench.postgres_cpu_seconds() - computed
            await verify(url, answer["acknowledged"])
        tally = Tally(bench.seconds)
        tally.acknowledged, tally.counted = answer["acknowledged"], answer["counted"]
        tally.latencies = answer["latencies"]
        each = 1e6 / tally.acknowledged
        return replace(tally.sample(), cpu_us=spent * each, db_cpu_us=computed * each)

    return contender

"""The servers of the HTTP benchmark, each a process on one core: ours, and a bare aiohttp one.

As a module it is that process: `python -m ops.bench.http_server`. Ours runs with its defaults;
only the rate limit is lifted, because the load comes from a few callers.
"""

import asyncio
import os
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, nullcontext
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import orjson
import uvloop
from aiohttp import web

from citybrain import garbage
from ops.bench import child
from ops.bench.rebuild_process import peak_rss_mb
from ops.bench.stacks import stacks_taken
from ops.bench.workbench import bench_settings

CALLERS = 16
LONGEST_BODY = 2 << 20
ANSWER = orjson.dumps({"case_id": f"case-{0:032x}", "status": "reported", "version": 1})

Facts = dict[str, Any]
"""Where the server listens, and tokens of its callers."""


@asynccontextmanager
async def bare(orders: Facts) -> AsyncIterator[Facts]:
    """aiohttp with handlers that parse the JSON and answer; nothing is kept.

    `page` of the orders is what it answers to who asks for berths.
    """

    async def one(request: web.Request) -> web.Response:
        orjson.loads(await request.read())
        return web.Response(body=ANSWER, status=201, content_type="application/json")

    async def many(request: web.Request) -> web.Response:
        (said,) = orjson.loads(await request.read()).values()
        answer = {"recorded": len(said), "known": 0, "refused": []}
        return web.Response(body=orjson.dumps(answer), content_type="application/json")

    page = orders.get("page", "").encode()

    async def asked(_: web.Request) -> web.Response:
        return web.Response(body=page, content_type="application/json")

    app = web.Application(client_max_size=LONGEST_BODY)
    app.router.add_post("/v1/cases", one)
    app.router.add_get("/v1/parking/berths", asked)
    app.router.add_post("/v1/parking/detections", one)
    app.router.add_post("/v1/parking/reservations", one)
    app.router.add_post("/v1/parking/detections/batch", many)
    app.router.add_post("/v1/signals/observations/batch", many)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        host, port = runner.addresses[0][:2]
        yield {"host": host, "port": port, "tokens": ["none"]}
    finally:
        await runner.cleanup()


@asynccontextmanager
async def ours(orders: Facts) -> AsyncIterator[Facts]:
    """Our server in development mode, with or without its workers."""
    from citybrain.app import open_runtime
    from citybrain.http.server import serving
    from citybrain.observability import configure_logging

    settings = bench_settings(orders["url"], Path(orders["folder"])).model_copy(
        update={"http_port": 0, "rate_limit_per_second": 1e9, "rate_limit_burst": 10**9}
    )
    configure_logging(settings.log_level, settings.log_format)
    async with (
        open_runtime(settings, workers=orders["workers"], faces=False) as runtime,
        serving(runtime) as url,
    ):
        assert runtime.development is not None
        parts = urlsplit(url)
        issuer = runtime.development
        tokens = [issuer.token(citizen, ["citizen"]) for citizen in orders.get("citizens", ())]
        tokens = tokens or [
            issuer.token(
                f"caller-{number}",
                orders.get("roles", ["gateway", "kiosk"]),
                "sanitation",
                counter="counter-1",
                acts_for=["c-*", "renmin-*"],
            )
            for number in range(CALLERS)
        ]
        yield {"host": parts.hostname, "port": parts.port, "tokens": tokens}


async def _serve() -> None:
    orders = child.orders()
    garbage.collect_seldom()  # as the command line does
    os.sched_setaffinity(0, {orders["core"]})
    async with bare(orders) if orders["url"] is None else ours(orders) as facts:
        garbage.set_aside()
        child.say_ready(facts)
        began = time.process_time()
        with stacks_taken() if orders["url"] else nullcontext():
            await asyncio.to_thread(child.wait_for_go)
        spent = time.process_time() - began
    child.answer({"rss_mb": peak_rss_mb(), "cpu_seconds": spent})


if __name__ == "__main__":
    uvloop.run(_serve())

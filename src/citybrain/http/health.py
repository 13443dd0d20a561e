"""How a process is that serves no API: `/healthz`, `/readyz`, `/metrics` on a port of its own."""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from citybrain import __version__
from citybrain.http.connections import DoorRunner
from citybrain.settings import Settings


@asynccontextmanager
async def health_served(
    settings: Settings, problems: Callable[[], Mapping[str, str]]
) -> AsyncIterator[str | None]:
    """Answers while the block runs; gives its URL, or nothing where no port is named.

    `problems` says what is not well, by name: the process is ready where it says nothing.
    """
    if settings.health_port is None:
        yield None
        return

    async def healthz(_: web.Request) -> web.Response:
        return web.json_response({"status": "ok", "version": __version__})

    async def readyz(_: web.Request) -> web.Response:
        found = dict(problems())
        return web.json_response(
            {"ready": not found, "problems": found}, status=503 if found else 200
        )

    async def metrics(_: web.Request) -> web.Response:
        return web.Response(body=generate_latest(), headers={"Content-Type": CONTENT_TYPE_LATEST})

    application = web.Application()
    application.add_routes(
        [web.get("/healthz", healthz), web.get("/readyz", readyz), web.get("/metrics", metrics)]
    )
    runner = DoorRunner(application, settings)
    await runner.setup()
    try:
        site = web.TCPSite(runner, settings.http_host, settings.health_port)
        await site.start()
        host, port = runner.addresses[0][:2]
        yield f"http://{host}:{port}"
    finally:
        await runner.cleanup()

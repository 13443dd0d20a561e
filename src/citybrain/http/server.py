"""The aiohttp application: all routes, the pages, and how a server of it starts and stops."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import cache
from pathlib import Path

import orjson
from aiohttp import web

from citybrain.errors import CitybrainError, Unavailable
from citybrain.http.bodies import BODIES, BodyRoom
from citybrain.http.limits import LIMITER, RateLimiter
from citybrain.http.openapi import PAGE_STYLE, openapi, page
from citybrain.http.routing import Route, bind
from citybrain.http.runtime import RUNTIME, Runtime
from citybrain.http.telemetry import STREAMING, add_headers, server_log, telemetry

PAGES = Path(__file__).parent / "pages"
ASSET_CACHING = "public, max-age=31536000, immutable"  # the build puts a digest in each name
LINGERING_SECONDS = 2.0  # for who goes on sending after a refusal


class PagesNotBuilt(Unavailable):
    """The pages have not been built."""

    code = "pages-not-built"


class CannotListen(CitybrainError):
    """The address or port is taken, or not ours."""

    code = "cannot-listen"


def build_app(runtime: Runtime) -> web.Application:
    """The application over a runtime."""
    settings = runtime.settings
    app = web.Application(middlewares=[telemetry])  # each route limits its own body
    app[RUNTIME] = runtime
    app[LIMITER] = RateLimiter(settings.rate_limit_per_second, settings.rate_limit_burst)
    app[BODIES] = BodyRoom(settings.bodies_limit_bytes)
    app[STREAMING] = frozenset(route.path for route in runtime.routes if route.streaming)
    for route in runtime.routes:
        app.router.add_route(route.method, route.path, bind(route))
    for mount in runtime.mounts:
        mount(app)
    _add_documents(app, tuple(runtime.routes))
    _add_pages(app)
    app.on_response_prepare.append(add_headers)
    return app


@cache
def _documents(routes: tuple[Route, ...]) -> tuple[bytes, str]:
    """The API's description for machines and for people; made once a process."""
    document = openapi(routes)
    return orjson.dumps(document, option=orjson.OPT_INDENT_2), page(document)


def _add_documents(app: web.Application, routes: tuple[Route, ...]) -> None:
    body, html = _documents(routes)

    async def json_document(_: web.Request) -> web.Response:
        return web.Response(body=body, content_type="application/json")

    async def html_document(_: web.Request) -> web.Response:
        return web.Response(text=html, content_type="text/html")

    async def style(_: web.Request) -> web.Response:
        return web.Response(text=PAGE_STYLE, content_type="text/css")

    app.router.add_get("/openapi.json", json_document)
    app.router.add_get("/docs", html_document)
    app.router.add_get("/docs.css", style)


def _add_pages(app: web.Application) -> None:
    async def index(_: web.Request) -> web.StreamResponse:
        if not (PAGES / "index.html").is_file():
            raise PagesNotBuilt("the pages are not built; run `make pages`")
        return web.FileResponse(PAGES / "index.html", headers={"Cache-Control": "no-cache"})

    app.router.add_get("/", index)
    for path in sorted((PAGES / "assets").glob("*")):
        app.router.add_get(f"/assets/{path.name}", _asset(path))


def _asset(path: Path) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    async def asset(_: web.Request) -> web.StreamResponse:
        return web.FileResponse(path, headers={"Cache-Control": ASSET_CACHING})

    return asset


@asynccontextmanager
async def serving(runtime: Runtime) -> AsyncIterator[str]:
    """Listen; gives the server's URL. At the end accepted requests finish first."""
    settings = runtime.settings
    runner = web.AppRunner(
        build_app(runtime),
        access_log=None,
        logger=server_log,
        shutdown_timeout=settings.shutdown_grace_seconds,
        lingering_time=LINGERING_SECONDS,
    )
    await runner.setup()
    try:
        site = web.TCPSite(runner, settings.http_host, settings.http_port)
        try:
            await site.start()
        except OSError as error:
            where = f"{settings.http_host}:{settings.http_port}"
            raise CannotListen(f"cannot listen at {where}: {error.strerror}") from error
        assert site._server is not None
        host, port = runner.addresses[0][:2]
        yield f"http://{host}:{port}"
    finally:
        runtime.closing.set()
        await runner.cleanup()

"""The aiohttp application: all routes, the pages, and how a server of it starts and stops."""

import asyncio
import socket
from collections import Counter, defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from functools import cache, partial
from typing import Any, ClassVar

import orjson
from aiohttp import web

from citybrain.domain.stream import StreamAggregate
from citybrain.errors import CitybrainError
from citybrain.http.addresses import PROXIES
from citybrain.http.anonymous import ANONYMOUS, AnonymousRoom
from citybrain.http.asyncapi import asyncapi
from citybrain.http.bodies import BODIES, BodyRoom
from citybrain.http.clients import add_clients, found_at
from citybrain.http.connections import DoorRunner
from citybrain.http.cors import ORIGINS, origins_of
from citybrain.http.documents import Made, add_document, made
from citybrain.http.following import FOLLOWERS
from citybrain.http.limits import LIMITER, RateLimiter
from citybrain.http.openapi import PAGE_STYLE, openapi
from citybrain.http.openapi import page as described
from citybrain.http.paths import Paths
from citybrain.http.refusals import PART, REFUSALS, Refusals
from citybrain.http.routing import Route, bind
from citybrain.http.runtime import RUNTIME, Runtime
from citybrain.http.sharing import LOOKS, Look
from citybrain.http.telemetry import add_headers, server_log, telemetry
from citybrain.http.time_limits import TIME_LIMITS, TimeLimits

LAST_REQUESTS_SECONDS = 1.0  # for who has a connection, and may be sending: they are told


class CannotListen(CitybrainError):
    """The address or port is taken, or not ours."""

    code = "cannot-listen"
    exit_status: ClassVar[int] = 69  # EX_UNAVAILABLE of sysexits.h

    @classmethod
    def at(cls, host: str, port: int, error: OSError) -> "CannotListen":
        """Where, why, and how to name another port."""
        return cls(
            f"cannot listen at {host}:{port}: {error.strerror}; another port is --port 9000 "
            '(make run ARGS="--port 9000"), or a setting'
        )


def build_app(runtime: Runtime) -> web.Application:
    """The application over a runtime."""
    app = _bare_app(runtime)
    for mount in runtime.mounts:
        mount(app)
    _add_documents(app, runtime)
    _add_pages(app)
    return app


def _bare_app(runtime: Runtime) -> web.Application:
    """The routes, and what they need."""
    settings = runtime.settings
    app = web.Application()  # each route limits its own body
    app[RUNTIME] = runtime
    app[PROXIES] = tuple(settings.http_trusted_proxies)
    app[LIMITER] = RateLimiter(
        "requests", settings.rate_limit_per_second, settings.rate_limit_burst, runtime.store
    )
    app[REFUSALS] = Refusals(
        settings.rate_limit_per_second * PART, max(1.0, settings.rate_limit_burst * PART)
    )
    app[ANONYMOUS] = AnonymousRoom(settings.pool_size)
    app[FOLLOWERS] = Counter()
    app[BODIES] = BodyRoom(settings.bodies_limit_bytes)
    app[ORIGINS] = origins_of(settings)
    app[LOOKS] = defaultdict(Look)
    app[TIME_LIMITS] = TimeLimits()
    app.middlewares.append(telemetry(app))
    app.on_response_prepare.append(add_headers(settings))
    paths = Paths(app)
    for route in sorted(runtime.routes, key=_is_variable):  # a plain path is tried first
        handler, resource = bind(route, app), paths.at(route.path)
        resource.add_route(route.method, handler)
        if route.method == "GET":
            resource.add_route("HEAD", handler)
    return app


def _is_variable(route: Route) -> bool:
    return "{" in route.path


@cache
def _api(routes: tuple[Route, ...]) -> dict[str, Any]:
    return openapi(routes)


@cache
def _for_machines(routes: tuple[Route, ...]) -> Made:
    """The API's description."""
    return made(orjson.dumps(_api(routes), option=orjson.OPT_INDENT_2))


@cache
def _for_people(routes: tuple[Route, ...]) -> Made:
    """The same as a page."""
    return made(described(_api(routes)).encode())


@cache
def _of_events(streams: tuple[type[StreamAggregate], ...], prefix: str) -> Made:
    """The description of what goes to Kafka."""
    return made(orjson.dumps(asyncapi(streams, prefix), option=orjson.OPT_INDENT_2))


@cache
def _style() -> Made:
    return made(PAGE_STYLE.encode())


def _add_documents(app: web.Application, runtime: Runtime) -> None:
    """Each is made once a process."""
    routes, streams = tuple(runtime.routes), tuple(runtime.streams)
    events = partial(_of_events, streams, runtime.settings.kafka_topic_prefix)
    add_document(app, "/openapi.json", partial(_for_machines, routes), "application/json")
    add_document(app, "/asyncapi.json", events, "application/json")
    add_document(app, "/docs", partial(_for_people, routes), "text/html")
    add_document(app, "/docs.css", _style, "text/css")


def _add_pages(app: web.Application) -> None:
    app.router.add_get("/", found_at("/board/"))
    add_clients(app, stories=app[RUNTIME].development is not None)


@asynccontextmanager
async def serving(runtime: Runtime, listens: socket.socket | None = None) -> AsyncIterator[str]:
    """Listen as the settings say, or on a bound socket; gives the server's URL."""
    async with _listening(build_app(runtime), runtime, runtime.settings.http_port, listens) as url:
        yield url


@asynccontextmanager
async def watched(runtime: Runtime, port: int) -> AsyncIterator[str]:
    """Listen for the routes of a process that serves nothing else; gives the URL."""
    app = _bare_app(runtime)
    async with _listening(app, runtime, port, None) as url:
        yield url


@asynccontextmanager
async def _listening(
    app: web.Application, runtime: Runtime, port: int, listens: socket.socket | None
) -> AsyncIterator[str]:
    """Gives the URL. At the end accepted requests finish first."""
    settings = runtime.settings
    runner = DoorRunner(
        app, settings, logger=server_log, shutdown_timeout=settings.shutdown_grace_seconds
    )
    await runner.setup()
    runtime.door = runner.door
    try:
        try:
            if listens is None:
                await web.TCPSite(runner, settings.http_host, port).start()
            else:
                await web.SockSite(runner, listens).start()
        except OSError as error:
            raise CannotListen.at(settings.http_host, port, error) from error
        host, port = runner.addresses[0][:2]
        yield f"http://{host}:{port}"
    finally:
        runtime.closing.set()
        for site in list(runner.sites):
            await site.stop()
        with suppress(TimeoutError):  # each answer ends its connection now
            async with asyncio.timeout(LAST_REQUESTS_SECONDS):
                await asyncio.sleep(0)
                await runner.door.empty.wait()
        await runner.cleanup()

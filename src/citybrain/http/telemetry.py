"""Middleware around every request: correlation, time limit, problems, metrics, a log line."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from functools import lru_cache
from uuid import UUID

import asyncpg
import structlog
from aiohttp import hdrs, web
from aiohttp.typedefs import Handler, Middleware
from prometheus_client import Counter, Histogram

from citybrain.errors import CitybrainError
from citybrain.eventstore import StoreUnavailable
from citybrain.faults import AGAIN_LATER
from citybrain.http.connections import HEADERS
from citybrain.http.cors import let_read, preflight
from citybrain.http.limits import LIMITER, caller_of
from citybrain.http.problem_texts import language_of
from citybrain.http.problems import RequestTimeout, problem, problem_of
from citybrain.http.refusals import LEFT, refused, weighed
from citybrain.http.runtime import RUNTIME
from citybrain.http.security import EVENTS, note_refusal, tell_refusal
from citybrain.http.time_limits import TIME_LIMITS, TIMER, TimeLimit
from citybrain.http.web_clients import POLICY_HEADER, policy_of
from citybrain.observability import spanned
from citybrain.random_ids import random_uuid
from citybrain.settings import Settings

log = structlog.get_logger(__name__)
server_log = logging.getLogger("citybrain.http.server")

CORRELATION: web.RequestKey[UUID] = web.RequestKey("correlation", UUID)
SAID: web.RequestKey[str] = web.RequestKey("said", str)
"""The same as it is written."""

DURATION = Histogram(
    "citybrain_http_request_seconds", "Time to answer, by route", ["method", "route", "status"],
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15),
)  # fmt: skip
PROBLEMS = Counter("citybrain_http_problems_total", "Problems answered, by code", ["code"])

CODES = {404: "not-found", 405: "method-not-allowed", 413: "body-too-large"}

TOO_MANY_WAIT_SECONDS = 0.5
"""So long an answer is held back that tells of too many: who goes on at once gains nothing."""

METHODS = frozenset(hdrs.METH_ALL)
OTHER = "other"  # a method is what a client likes to call it; a label is not

_duration = lru_cache(10_000)(DURATION.labels)
Prepare = Callable[[web.Request, web.StreamResponse], Awaitable[None]]


def telemetry(app: web.Application) -> Middleware:
    """Answers every request of an application that has all it needs, and says how it went."""
    runtime, limits = app[RUNTIME], app[TIME_LIMITS]
    settings = runtime.settings
    streaming = frozenset(route.path for route in runtime.routes if route.streaming)

    @web.middleware
    async def answered(request: web.Request, handler: Handler) -> web.StreamResponse:
        correlation = request[CORRELATION] = _correlation(request)
        said = request[SAID] = str(correlation)
        resource = request.match_info.route.resource
        route = resource.canonical if resource else "(none)"
        structlog.contextvars.bind_contextvars(correlation_id=said)
        started = time.perf_counter()
        method = request.method if request.method in METHODS else OTHER
        limit = request[TIMER] = limits.of(
            None if route in streaming else settings.request_timeout_seconds
        )
        answer = _answer(request, handler, limit, correlation, route)
        response = await spanned("http.request", answer, method=method, route=route)
        status = response.status
        if status == 429:
            await asyncio.sleep(TOO_MANY_WAIT_SECONDS)
        if request.content.exception() is not None or (status >= 400 and LEFT in request):
            response.force_close()  # nobody knows where the next request begins
        if runtime.closing.is_set():
            response.force_close()  # the next one goes to somebody else
        seconds = time.perf_counter() - started
        _duration(method, route, status).observe(seconds)
        log.info(
            "request",
            method=method,
            route=route,
            status=status,
            milliseconds=round(seconds * 1000, 2),
        )
        if status in EVENTS:
            tell_refusal(request, route, status)
        return response  # the context was the request's own: aiohttp runs each in its task

    return answered


def add_headers(settings: Settings) -> Prepare:
    """Adds headers to every response, streams included; what a handler set stays."""
    usual = tuple({**HEADERS, POLICY_HEADER: policy_of(settings)}.items())

    async def add(request: web.Request, response: web.StreamResponse) -> None:
        headers = response.headers
        for name, value in usual:
            headers.setdefault(name, value)
        headers[hdrs.SERVER] = HEADERS[hdrs.SERVER]  # aiohttp has named itself and its version
        if (said := request.get(SAID)) is not None:
            headers["X-Correlation-Id"] = said
        let_read(request, response)

    return add


async def _answer(
    request: web.Request, handler: Handler, limit: TimeLimit, correlation: UUID, route: str
) -> web.StreamResponse:
    try:
        with limit:
            if (may := preflight(request)) is not None:
                await request.app[LIMITER].spend(caller_of(request))
                return may
            if request.match_info.http_exception is not None:  # no route counts it
                await request.app[LIMITER].spend(caller_of(request))
            return await handler(request)
    except CitybrainError as found:
        note_refusal(request, found)
        error = weighed(request, found)
        PROBLEMS.labels(error.code).inc()
        return problem_of(error, correlation, _language(request))
    except web.HTTPException as error:
        if error.status < 400:
            raise
        code = CODES.get(error.status, "http-error")
        if (too_often := refused(request, code)) is not None:
            PROBLEMS.labels(too_often.code).inc()
            return problem_of(too_often, correlation, _language(request))
        PROBLEMS.labels(code).inc()
        headers = {"Allow": error.headers["Allow"]} if "Allow" in error.headers else None
        return problem(
            error.status,
            code,
            error.reason,
            correlation_id=correlation,
            headers=headers,
            language=_language(request),
        )
    except TimeoutError:
        if not limit.expired:
            log.exception("request_failed", route=route)
            return _internal(request, correlation)
        PROBLEMS.labels(RequestTimeout.code).inc()
        said = f"the request took longer than {limit.seconds:g} s; its outcome is open"
        return problem_of(RequestTimeout(said), correlation, _language(request))
    except ConnectionResetError:
        raise  # the caller has gone
    except (asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        if not isinstance(error, AGAIN_LATER):
            log.exception("request_failed", route=route)
            return _internal(request, correlation)
        log.warning("request_put_off", route=route, error=type(error).__name__)
        PROBLEMS.labels(StoreUnavailable.code).inc()
        put_off = StoreUnavailable("PostgreSQL cannot do this now")
        return problem_of(put_off, correlation, _language(request))
    except Exception:
        log.exception("request_failed", route=route)
        return _internal(request, correlation)


def _internal(request: web.Request, correlation: UUID) -> web.Response:
    PROBLEMS.labels("internal").inc()
    detail = "something failed here; the correlation id finds it in our log"
    return problem(500, "internal", detail, correlation_id=correlation, language=_language(request))


def _language(request: web.Request) -> str:
    """In which a problem is told."""
    return language_of(request.headers.get(hdrs.ACCEPT_LANGUAGE, ""))


def _correlation(request: web.Request) -> UUID:
    given = request.headers.get("X-Correlation-Id")
    if given is None:
        return random_uuid()
    try:
        return UUID(given)
    except ValueError:
        return random_uuid()

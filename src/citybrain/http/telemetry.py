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
from citybrain.http.security import note_refusal, tell_refusal
from citybrain.http.time_limits import TIME_LIMITS, TIMER
from citybrain.http.web_clients import POLICY_HEADER, policy_of
from citybrain.observability import span
from citybrain.random_ids import random_uuid
from citybrain.settings import Settings

log = structlog.get_logger(__name__)
server_log = logging.getLogger("citybrain.http.server")

CORRELATION: web.RequestKey[UUID] = web.RequestKey("correlation", UUID)
SAID: web.RequestKey[str] = web.RequestKey("said", str)
"""The same as it is written."""
STREAMING: web.AppKey[frozenset[str]] = web.AppKey("streaming", frozenset)
USUAL: web.AppKey[tuple[tuple[str, str], ...]] = web.AppKey("usual", tuple)
"""Headers of every response, as `usual_headers` has them."""

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
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@web.middleware
async def telemetry(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Answer every request, whatever happens, and say how it went."""
    app = request.app
    correlation = request[CORRELATION] = _correlation(request)
    said = request[SAID] = str(correlation)
    resource = request.match_info.route.resource
    route = resource.canonical if resource else "(none)"
    structlog.contextvars.bind_contextvars(correlation_id=said)
    started = time.perf_counter()
    method = request.method if request.method in METHODS else OTHER
    with span("http.request", method=method, route=route):
        response = await _answer(app, request, handler, correlation, route)
        if response.status == 429:
            await asyncio.sleep(TOO_MANY_WAIT_SECONDS)
    if request.content.exception() is not None or LEFT in request:
        response.force_close()  # nobody knows where the next request begins
    if app[RUNTIME].closing.is_set():
        response.force_close()  # the next one goes to somebody else
    seconds = time.perf_counter() - started
    _duration(method, route, response.status).observe(seconds)
    log.info(
        "request",
        method=method,
        route=route,
        status=response.status,
        milliseconds=round(seconds * 1000, 2),
    )
    tell_refusal(request, route, response.status)
    return response  # the context was the request's own: aiohttp runs each in its task


def usual_headers(settings: Settings) -> tuple[tuple[str, str], ...]:
    """Those of every response: names and values."""
    return tuple({**HEADERS, POLICY_HEADER: policy_of(settings)}.items())


async def add_headers(request: web.Request, response: web.StreamResponse) -> None:
    """Headers of every response, streams included; what a handler set stays."""
    headers = response.headers
    for name, value in request.app[USUAL]:
        headers.setdefault(name, value)
    if SAID in request:
        headers["X-Correlation-Id"] = request[SAID]
    let_read(request, response)


async def _answer(
    app: web.Application, request: web.Request, handler: Handler, correlation: UUID, route: str
) -> web.StreamResponse:
    limit = app[RUNTIME].settings.request_timeout_seconds
    timer = app[TIME_LIMITS].of(None if route in app[STREAMING] else limit)
    request[TIMER] = timer
    language = language_of(request.headers.get(hdrs.ACCEPT_LANGUAGE, ""))
    try:
        with timer:
            if (may := preflight(request)) is not None:
                await app[LIMITER].spend(caller_of(request))
                return may
            if request.match_info.http_exception is not None:  # no route counts it
                await app[LIMITER].spend(caller_of(request))
            return await handler(request)
    except CitybrainError as found:
        note_refusal(request, found)
        error = weighed(request, found)
        PROBLEMS.labels(error.code).inc()
        return problem_of(error, correlation, language)
    except web.HTTPException as error:
        if error.status < 400:
            raise
        code = CODES.get(error.status, "http-error")
        if (too_often := refused(request, code)) is not None:
            PROBLEMS.labels(too_often.code).inc()
            return problem_of(too_often, correlation, language)
        PROBLEMS.labels(code).inc()
        headers = {"Allow": error.headers["Allow"]} if "Allow" in error.headers else None
        return problem(
            error.status,
            code,
            error.reason,
            correlation_id=correlation,
            headers=headers,
            language=language,
        )
    except TimeoutError:
        if not timer.expired:
            log.exception("request_failed", route=route)
            return _internal(correlation, language)
        PROBLEMS.labels(RequestTimeout.code).inc()
        late = RequestTimeout(f"the request took longer than {limit:g} s; its outcome is open")
        return problem_of(late, correlation, language)
    except ConnectionResetError:
        raise  # the caller has gone
    except (asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        if not isinstance(error, AGAIN_LATER):
            log.exception("request_failed", route=route)
            return _internal(correlation, language)
        log.warning("request_put_off", route=route, error=type(error).__name__)
        PROBLEMS.labels(StoreUnavailable.code).inc()
        return problem_of(StoreUnavailable("PostgreSQL cannot do this now"), correlation, language)
    except Exception:
        log.exception("request_failed", route=route)
        return _internal(correlation, language)


def _internal(correlation: UUID, language: str) -> web.Response:
    PROBLEMS.labels("internal").inc()
    detail = "something failed here; the correlation id finds it in our log"
    return problem(500, "internal", detail, correlation_id=correlation, language=language)


def _correlation(request: web.Request) -> UUID:
    given = request.headers.get("X-Correlation-Id")
    if given is None:
        return random_uuid()
    try:
        return UUID(given)
    except ValueError:
        return random_uuid()

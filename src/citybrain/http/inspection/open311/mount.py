"""The specification's paths, and around their answers its limits, formats and errors."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import structlog
from aiohttp import web

from citybrain.errors import CitybrainError, InvalidInput, TooOften, Unavailable
from citybrain.faults import AGAIN_LATER
from citybrain.http.inspection.open311.clients import ASKED, KEYS, PREFIX
from citybrain.http.inspection.open311.reading import Open311Error, read_query
from citybrain.http.inspection.open311.rendering import FORMATS, error, rendered
from citybrain.http.inspection.open311.reporting import report
from citybrain.http.inspection.open311.requests import one_request, requests, token
from citybrain.http.inspection.open311.services import discovery, service, services
from citybrain.http.inspection.open311.updates import update, updates
from citybrain.http.limits import LIMITER, RateLimiter, caller_of
from citybrain.http.problems import status_of
from citybrain.http.runtime import RUNTIME

log = structlog.get_logger(__name__)

READING = ("GET", "HEAD")
KINDS = "{format:" + "|".join(FORMATS) + "}"
DISCOVERIES = [  # clients guess where it is, and the format by what they accept
    f"{where}/discovery{ending}" for where in ("/open311", PREFIX) for ending in ("", f".{KINDS}")
]

FEW = 50  # rows that are written at once
ROWS_A_TOKEN = 25  # of the caller's share

Work = Callable[[web.Request], Awaitable[tuple[str, Any]]]
"""Answers a request: the name of the root element, and rows or a document."""


def _answering(work: Work) -> Callable[[web.Request], Awaitable[web.Response]]:
    """The aiohttp handler: limits, the format in the path, and the specification's errors."""

    async def handle(request: web.Request) -> web.Response:
        kind = request.match_info.get("format") or _format_of(request)
        try:
            if request.method not in READING:
                request.app[RUNTIME].store.check_writable()
            if work not in (report, update):  # a form says in its body whose share it spends
                await request.app[LIMITER].spend(caller_of(request))
            if request.method in READING:
                request[ASKED] = read_query(request)
                return await _read(request, work, kind)
            root, value = await work(request)
            return rendered(kind, root, value, 201 if request.method == "POST" else 200)
        except Open311Error as wrong:
            return error(kind, wrong.status, wrong.message)
        except web.HTTPException as wrong:
            allowed = {name: wrong.headers[name] for name in ("Allow",) if name in wrong.headers}
            return error(kind, wrong.status, wrong.reason, allowed)
        except InvalidInput as wrong:
            return error(kind, 400, wrong.message)
        except (Unavailable, TooOften) as wrong:
            later = {"Retry-After": str(wrong.retry_after_seconds)}
            return error(kind, int(status_of(wrong)), wrong.message, later)
        except CitybrainError as wrong:
            return error(kind, int(status_of(wrong)), wrong.message)
        except (ConnectionError, TimeoutError):
            raise
        except Exception as wrong:
            if isinstance(wrong, AGAIN_LATER) and not isinstance(wrong, OSError):
                log.warning("request_put_off", route=request.path, error=type(wrong).__name__)
                return error(kind, 503, "PostgreSQL cannot do this now", {"Retry-After": "1"})
            log.exception("request_failed", route=request.path)
            return error(kind, 500, "something failed here")

    return handle


async def _read(request: web.Request, work: Work, kind: str) -> web.Response:
    """What is asked for; many rows are paid for as they cost, and written on a thread."""
    root, value = await work(request)
    if not isinstance(value, list) or len(value) <= FEW:
        return rendered(kind, root, value)
    await request.app[LIMITER].charge(caller_of(request), len(value) / ROWS_A_TOKEN)
    return await asyncio.to_thread(rendered, kind, root, value)


def _format_of(request: web.Request) -> str:
    """The format of an answer to a path that names none that is served; XML is required."""
    if request.path.endswith(".json"):
        return "json"
    accepted = request.headers.get("Accept", "")
    return "json" if "json" in accepted and "xml" not in accepted else "xml"


def _wrong_method(*allowed: str) -> Work:
    async def refuse(request: web.Request) -> tuple[str, Any]:
        raise web.HTTPMethodNotAllowed(request.method, allowed)

    return refuse


async def _unknown(request: web.Request) -> tuple[str, Any]:
    raise Open311Error(404, "there is no such resource, or not in this format: .xml or .json")


def mount(app: web.Application) -> None:
    """The specification's paths, each in both formats; whatever else is asked is an error."""
    settings, store = app[RUNTIME].settings, app[RUNTIME].store
    per_second, burst = settings.open311_rate_per_second, settings.open311_rate_burst
    app[KEYS] = RateLimiter("open311", per_second, burst, store)
    for path, get, post in (
        *((path, discovery, None) for path in DISCOVERIES),
        (f"{PREFIX}/services.{KINDS}", services, None),
        (f"{PREFIX}/services/{{service_code:[^/]+}}.{KINDS}", service, None),
        (f"{PREFIX}/requests.{KINDS}", requests, report),
        (f"{PREFIX}/requests/{{service_request_id:[^/]+}}.{KINDS}", one_request, None),
        (f"{PREFIX}/tokens/{{token:[^/]+}}.{KINDS}", token, None),
        (f"{PREFIX}/servicerequestupdates.{KINDS}", updates, update),
    ):
        resource = app.router.add_resource(path)
        for method in READING:
            resource.add_route(method, _answering(get))
        if post is not None:
            resource.add_route("POST", _answering(post))
        allowed = READING if post is None else (*READING, "POST")
        resource.add_route("*", _answering(_wrong_method(*allowed)))
    app.router.add_route("*", "/open311", _answering(_unknown))
    app.router.add_route("*", "/open311{rest:[/.].*}", _answering(_unknown))

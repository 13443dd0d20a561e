"""The paths of CDS, and around their answers its limits, versions and errors."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import attrgetter

import structlog
from aiohttp import web

from citybrain.domain.actor import WATCHERS, Actor, Role
from citybrain.errors import CitybrainError, NotFound
from citybrain.http.anonymous import anonymous_place
from citybrain.http.issuer_keys import IssuerKeysUnknown
from citybrain.http.limits import LIMITER, caller_of
from citybrain.http.parking.cds import curbs, events, metrics, pushing
from citybrain.http.parking.cds.answering import Found, rendered
from citybrain.http.parking.cds.asking import AROUND, PAGED, Asked, parameters_of
from citybrain.http.parking.cds.errors import CdsError, NothingThere, WrongMethod, error_response
from citybrain.http.parking.cds.versions import Media, Version, negotiated
from citybrain.http.problem_texts import language_of
from citybrain.http.problems import Unauthenticated
from citybrain.http.routing import RoleMissing
from citybrain.http.runtime import RUNTIME
from citybrain.http.security import note_refusal
from citybrain.http.telemetry import CORRELATION
from citybrain.http.tokens import VERIFIED

log = structlog.get_logger(__name__)

PREFIX = "/cds"
READING = ("GET", "HEAD")

Work = Callable[[Asked], Awaitable[Found | web.StreamResponse]]


class SomethingFailed(CitybrainError):
    """Something failed here."""

    code = "internal"


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """What is served at a path. `roles` None: to everybody. `since`: the first version with it."""

    path: str
    work: Work
    methods: tuple[str, ...] = READING
    known: tuple[str, ...] = ()
    roles: tuple[Role, ...] | None = None
    media: Media = Media.JSON
    since: Version = Version.V1_0


ENDPOINTS: tuple[Endpoint, ...] = (
    Endpoint(
        path="/curbs/zones",
        work=curbs.zones,
        known=("area", *AROUND, "include_geometry", "time", "show_historic", *PAGED),
    ),
    Endpoint(path="/curbs/zones/{id}", work=curbs.zone, known=("time", "show_historic")),
    Endpoint(path="/curbs/spaces", work=curbs.spaces, known=("zone", *AROUND, "time", *PAGED)),
    Endpoint(path="/curbs/spaces/{id}", work=curbs.space, known=("time",)),
    Endpoint(path="/curbs/areas", work=curbs.areas, known=(*AROUND, "time", *PAGED)),
    Endpoint(path="/curbs/areas/{id}", work=curbs.area, known=("time",)),
    Endpoint(path="/curbs/policies", work=curbs.policies, known=("ids", *PAGED)),
    Endpoint(path="/curbs/policies/{id}", work=curbs.policy),
    Endpoint(
        path="/curbs/objects",
        work=curbs.objects,
        known=("zone", "space", "time", *AROUND, *PAGED),
        since=Version.V1_1,
    ),
    Endpoint(
        path="/curbs/objects/{id}", work=curbs.one_object, known=("time",), since=Version.V1_1
    ),
    Endpoint(
        path="/events/events",
        work=events.events,
        known=(*events.PLACES, "event_time", "published_since", *PAGED),
        roles=events.READERS,
    ),
    Endpoint(
        path="/events/events",
        work=pushing.push,
        methods=("POST",),
        roles=WATCHERS,
        since=Version.V1_1,
    ),
    Endpoint(
        path="/events/event",
        work=pushing.push,
        methods=("POST",),
        roles=WATCHERS,
        since=Version.V1_1,
    ),
    Endpoint(
        path="/events/status",
        work=events.status,
        known=(*events.PLACES, *PAGED),
        roles=events.READERS,
    ),
    Endpoint(
        path="/metrics/sessions",
        work=metrics.sessions,
        known=metrics.SESSION_QUERY,
        roles=events.READERS,
        media=Media.CSV,
    ),
    Endpoint(
        path="/metrics/aggregates",
        work=metrics.aggregates,
        known=metrics.AGGREGATE_QUERY,
        roles=events.READERS,
        media=Media.CSV,
    ),
)


def mount(app: web.Application) -> None:
    """The paths; whatever else is asked is an error in the same form."""
    for path, some in groupby(ENDPOINTS, key=attrgetter("path")):
        endpoints = tuple(some)
        resource = app.router.add_resource(PREFIX + path)
        for endpoint in endpoints:
            for method in endpoint.methods:
                resource.add_route(method, _answering(_served(endpoint)))
        allowed = [method for endpoint in endpoints for method in endpoint.methods]
        resource.add_route("*", _answering(_refusing(allowed)))
    app.router.add_route("*", PREFIX, _answering(_unknown))
    app.router.add_route("*", PREFIX + "/{rest:.*}", _answering(_unknown))


Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def _answering(handler: Handler) -> Handler:
    """Errors in the specification's form, in the version that was asked for."""

    async def handle(request: web.Request) -> web.StreamResponse:
        try:
            return await handler(request)
        except CitybrainError as error:
            return _refused(request, error)
        except (ConnectionError, TimeoutError):
            raise
        except web.HTTPException:
            raise
        except Exception:
            log.exception("request_failed", route="cds")
            return _refused(request, SomethingFailed("something failed here"))

    return handle


def _refused(request: web.Request, error: CitybrainError) -> web.Response:
    note_refusal(request, error)
    try:
        version = negotiated(request.headers.getall("Accept", []), Media.JSON)
    except CdsError:
        version = Version.V1_0
    language = language_of(request.headers.get("Accept-Language", ""))
    content_type = Media.JSON.of(version)
    return error_response(error, content_type, request[CORRELATION], language)


def _served(endpoint: Endpoint) -> Handler:
    """Who asks, then in which version, then what."""

    async def serve(request: web.Request) -> web.StreamResponse:
        if request.method not in READING:
            request.app[RUNTIME].store.check_writable()
        actor = await _actor(request, endpoint.roles)
        if not request.path.isprintable():
            raise NotFound("an address has no control characters")
        accepts = request.headers.getall("Accept", [])
        version = negotiated(accepts, endpoint.media, endpoint.since)
        if version < endpoint.since:
            raise NothingThere(f"this is part of version {endpoint.since} and later")
        asked = Asked(
            request, request.app[RUNTIME], version, actor, parameters_of(request, endpoint.known)
        )
        if actor is None:
            async with anonymous_place(request):
                found = await endpoint.work(asked)
        else:
            found = await endpoint.work(asked)
        return rendered(asked, found) if isinstance(found, Found) else found

    return serve


async def _actor(request: web.Request, roles: Sequence[Role] | None) -> Actor | None:
    """Who asks, where a token is needed; each spends of their own share."""
    limiter = request.app[LIMITER]
    if roles is None:
        await limiter.spend(caller_of(request))
        return None
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    try:
        if scheme.lower() != "bearer" or not token:
            raise Unauthenticated("an access token is required (Authorization: Bearer …)")
        verified = await request.app[RUNTIME].verifier.verified(token.strip())
        request[VERIFIED], actor = verified, verified.actor
    except (Unauthenticated, IssuerKeysUnknown):
        await limiter.spend(caller_of(request))
        raise
    await limiter.spend(caller_of(request, actor))
    if not actor.has(*roles):
        raise RoleMissing(f"this takes the role {' or '.join(roles)}")
    return actor


def _refusing(allowed: Sequence[str]) -> Handler:
    async def refuse(request: web.Request) -> web.StreamResponse:
        await _actor(request, None)
        raise WrongMethod("this method is not for this path", allowed)

    return refuse


async def _unknown(request: web.Request) -> web.StreamResponse:
    await _actor(request, None)
    raise NothingThere("there is no such endpoint")

"""A route is data: from it come the request's checks, its handler and its OpenAPI entry."""

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Final

import orjson
from aiohttp import hdrs, web
from pydantic import BaseModel, ValidationError

from citybrain.domain.actor import Actor, Role
from citybrain.errors import Forbidden, NotFound
from citybrain.http.anonymous import anonymous_place
from citybrain.http.bodies import BODIES, body_at_hand, read_body
from citybrain.http.conditional import unless_had
from citybrain.http.following import following
from citybrain.http.issuer_keys import IssuerKeysUnknown
from citybrain.http.limits import LIMITER, caller_of
from citybrain.http.problems import (
    BodyTooLarge,
    Malformed,
    PreconditionRequired,
    Unauthenticated,
    UnsupportedMediaType,
    invalid,
)
from citybrain.http.runtime import RUNTIME, Runtime
from citybrain.http.tokens import VERIFIED, TokenVerifier
from commands.made_up import check_real

ENTITY_TAG: Final = re.compile(r'"([1-9][0-9]{0,17})"')
JSON: Final = "application/json"
IDEMPOTENCY_KEY: Final = re.compile(r"[\x21-\x7e]{1,255}")


class RoleMissing(Forbidden):
    """The token is valid but holds none of the roles that this route is for."""

    code = "role-missing"


@dataclass(frozen=True, slots=True)
class Answer:
    """A response of a route: its meaning and the model of its body."""

    description: str
    model: type[BaseModel] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Opens:
    """What an answer shows of other people's data, and for what; both are codes.

    Without a purpose, whoever asks says it, as `purpose`. The handler tells about whom
    (`accessing.opened`); an answer of which it does not is not sent.
    """

    what: str
    purpose: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Route:
    """One operation of the API. `roles=None` is public."""

    method: str
    path: str
    summary: str
    handler: "RouteHandler"
    tag: str
    roles: tuple[Role, ...] | None = None
    body: type[BaseModel] | None = None
    query: type[BaseModel] | None = None
    answers: dict[int, Answer] = field(default_factory=dict)
    if_match: bool = False
    if_match_where_sent: bool = False  # who names a version is held to it; nobody has to
    idempotent: bool = False
    body_limit_bytes: int | None = None
    media: str | None = None  # of a body that the handler reads itself
    streaming: bool = False
    counted: bool = True  # as a request of whoever asks; not where a machine asks how we are
    may_be_missing: bool = False  # answers 404 though its path names nothing
    opens: Opens | None = None  # of other people's data

    @property
    def operation_id(self) -> str:
        """What clients call it by."""
        return re.sub(r"\W+", "_", f"{self.method}{self.path}".lower()).strip("_")


@dataclass(slots=True)
class Call:
    """A checked request."""

    route: Route
    request: web.Request
    runtime: Runtime
    actor: Actor | None
    body: Any
    query: Any
    expected_version: int | None
    idempotency_key: str | None
    accounted: bool = False
    """Whether it was told about whom the answer is."""

    @property
    def authenticated(self) -> Actor:
        """The actor of a route that is not public."""
        assert self.actor is not None
        return self.actor


RouteHandler = Callable[[Call], Awaitable[web.StreamResponse]]


def bind(
    route: Route, app: web.Application
) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    """The aiohttp handler of a route of an application that has all it needs."""
    runtime, limiter, bodies = app[RUNTIME], app[LIMITER], app[BODIES]
    settings, store = runtime.settings, runtime.store
    public, roles = route.roles is None, route.roles or ()
    reads, counted, model = route.method == "GET", route.counted, route.body
    versioned = route.if_match or route.if_match_where_sent
    limit = route.body_limit_bytes or settings.body_limit_bytes
    answer = route.handler if route.opens is None else _accounted(route)

    async def handle(request: web.Request) -> web.StreamResponse:
        if not request.path.isprintable():
            raise NotFound("an address has no control characters")
        if not reads:
            store.check_writable()
        actor = None
        if not public:
            try:
                actor = await _authenticated(request, runtime.verifier)
            except (Unauthenticated, IssuerKeysUnknown):
                await limiter.spend(caller_of(request))  # who guesses is slowed down, too
                raise
        caller = caller_of(request, actor)
        if counted and not limiter.spends(caller):
            await limiter.spend(caller)
        if actor is not None and not actor.has(*roles):
            said = f"this takes the role {' or '.join(roles)}"
            raise RoleMissing(said, roles=[role.value for role in roles])
        call = Call(
            route=route,
            request=request,
            runtime=runtime,
            actor=actor,
            query=_query(route, request),
            expected_version=_expected_version(route, request) if versioned else None,
            idempotency_key=_idempotency_key(request) if route.idempotent else None,
            body=None,
        )
        if model is not None:
            with bodies.place_of(request, caller, actor, limit):
                call.body = await _body(model, request, limit)
                check_real(call.body, settings)
                return await answer(call)
        if route.streaming and reads:
            with following(request, actor):
                return await answer(call)
        if actor is None and counted:
            async with anonymous_place(request):
                return unless_had(request, await answer(call))
        return unless_had(request, await answer(call)) if reads else await answer(call)

    return handle


def _accounted(route: Route) -> RouteHandler:
    """A handler whose answer is not sent where it does not tell about whom it is, as it must."""

    async def answer(call: Call) -> web.StreamResponse:
        found = await route.handler(call)
        if not call.accounted:
            raise RuntimeError(f"{route.operation_id} does not tell about whom its answer is")
        return found

    return answer


async def _authenticated(request: web.Request, verifier: TokenVerifier) -> Actor:
    """Whose token it is, which is kept with the request."""
    scheme, _, token = request.headers.get(hdrs.AUTHORIZATION, "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise Unauthenticated("an access token is required (Authorization: Bearer …)")
    verified = verifier.known(token.strip()) or await verifier.verified(token.strip())
    request[VERIFIED] = verified
    return verified.actor


_unasked: dict[type[BaseModel], BaseModel] = {}
"""What it comes to where nothing is asked for: the same each time, and no handler changes it."""


def _query(route: Route, request: web.Request) -> Any:
    if route.query is None:
        if request.query_string and request.query:
            raise Malformed("this route takes no query parameters")
        return None
    if not request.query_string and (usual := _unasked.get(route.query)):
        return usual
    if "\x00" in request.query_string:
        raise Malformed("the query has a NUL")  # which no text of PostgreSQL can have
    values = {}
    for name in request.query:
        if len(request.query.getall(name)) > 1:
            raise Malformed("a query parameter is given twice")
        values[name] = request.query[name]
    try:
        asked = route.query.model_validate(values)
    except ValidationError as error:
        problem = invalid(error, "query")
        raise Malformed(problem.message, **problem.details) from None
    if not values:
        _unasked[route.query] = asked
    return asked


def _expected_version(route: Route, request: web.Request) -> int | None:
    given = request.headers.get(hdrs.IF_MATCH)
    if given is None and not route.if_match:
        return None
    if given is None:
        raise PreconditionRequired('say which version you change: If-Match: "<version>"')
    match = ENTITY_TAG.fullmatch(given.strip())
    if match is None:
        raise Malformed('If-Match is one strong entity tag, as ETag gave it: "<version>"')
    return int(match[1])


def _idempotency_key(request: web.Request) -> str | None:
    given = request.headers.get("Idempotency-Key")
    if given is not None and not IDEMPOTENCY_KEY.fullmatch(given):
        raise Malformed("Idempotency-Key is 1 to 255 printable ASCII characters without spaces")
    return given


async def _body(model: type[BaseModel], request: web.Request, limit: int) -> Any:
    if request.headers.get(hdrs.CONTENT_TYPE) != JSON and request.content_type != JSON:
        raise UnsupportedMediaType("the body must be application/json")
    raw = body_at_hand(request, limit)
    if raw is None:
        too_large = BodyTooLarge(f"the body exceeds {limit} bytes", limit_bytes=limit)
        raw = await read_body(request, limit, too_large)
    try:
        value = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise Malformed("the body is not JSON", line=error.lineno, column=error.colno) from None
    if not isinstance(value, dict):
        raise Malformed("the body is not a JSON object")
    try:
        return model.model_validate(value)
    except ValidationError as error:
        raise invalid(error, "body") from None


def json_response(
    value: Any, *, status: int = 200, headers: dict[str, str] | None = None
) -> web.Response:
    """A JSON response by orjson; models by their JSON form."""
    if isinstance(value, BaseModel):
        value = value.model_dump(mode="json")
    return web.Response(
        status=status, body=orjson.dumps(value, default=str), content_type=JSON, headers=headers
    )

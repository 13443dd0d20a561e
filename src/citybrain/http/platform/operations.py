"""For whoever runs the server: health, readiness, metrics, projections, development tokens."""

import asyncio
from typing import Annotated, Any

import structlog
from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, Gauge, generate_latest
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints

from citybrain import __version__
from citybrain.domain.actor import Role
from citybrain.errors import CitybrainError, Forbidden, NotFound, Unavailable
from citybrain.eventstore import measuring
from citybrain.faults import AGAIN_LATER
from citybrain.http.addresses import comes_from
from citybrain.http.own_url import is_called_by_address
from citybrain.http.paging import Query
from citybrain.http.routing import Answer, Call, Route, json_response
from citybrain.http.runtime import Runtime
from citybrain.http.sharing import shared
from citybrain.http.tokens import DEVICES, LONGEST_LIFE_SECONDS, PLACE
from commands.loud_devices import loud_devices
from commands.processes import parked
from commands.services import Services
from projections import lag
from projections.status import projection_status

log = structlog.get_logger(__name__)

MEASURE_SECONDS = 2.0
READY_SECONDS = 2.0
PHOTOS_SECONDS = 0.5
BEHIND_SECONDS = 30.0  # after which nobody keeps a read model up, as a rule
REASONS = {
    "database": "PostgreSQL does not answer a read in time",
    "read_models": "the database that the read models are read from does not answer in time",
    "log": "the log lacks what this process has seen of it: a standby took over without the newest "
    "commits, or the database was restored; say `citybrain incarnation begin`, then start it anew",
    "log_listener": "there is no connection that says when the log grows",
    "appends": "no connection to append on can be had",
    "clock": "the clocks of this machine and of PostgreSQL are minutes apart: nothing is "
    "taken in, and deadlines wait",
    "append_queue": "too many appends wait",
    "issuer_keys": "the issuer has not said which its keys are: no token can be verified",
    "kafka": "no Kafka broker answers: read models follow the log alone, devices wait",
    "connections": "nearly as many connections are open as there may be",
    "not_closing": "the process was asked to stop",
    "photos": "no photo can be kept or shown: the store does not answer, or has no room",
    "faces": "no face is looked at: who is enrolled is still being read, too many pictures wait, "
    "or the models fail",
}
OF_ALL = frozenset({"read_models"})
"""What makes no process unready: others lack it as well, and commands go on without."""
OF_SOME = frozenset({"photos", "faces"})
"""Nor does this: who needs it is told to come again, and all the rest goes on.

Banks and departments are not among the checks. No request waits for them: what is for them stands
in the log, and is sent when they answer.
"""
WAITING = Gauge("citybrain_appends_waiting", "Appends queued and not yet in a commit")
BEARER = "Bearer"
TOKEN_ROLES = tuple(role for role in Role if role is not Role.SYSTEM)

Place = Annotated[str, StringConstraints(pattern=rf"^{PLACE.pattern}$")]
DeviceIds = Annotated[str, StringConstraints(pattern=rf"^{DEVICES.pattern}$")]


class NotFromHere(Forbidden):
    """This is shown to other networks only."""

    code = "not-from-here"


class Health(BaseModel):
    """Whether the process lives."""

    status: str
    version: str


class Readiness(BaseModel):
    """Whether the process can take requests, and why not."""

    ready: bool
    checks: dict[str, bool]
    reasons: list[str] = Field(description="what is not as it should be")
    remarks: list[str] = Field(
        default_factory=list,
        description="what somebody should see to although it serves: holidays that are not known",
    )
    standby: bool | None = Field(
        description="whether the standby answers that lists are read from; null where there is "
        "none. While it does not they are read where they are kept"
    )
    lag_seconds: float | None = Field(
        description="age of the oldest event that some read model lacks; null where the database "
        "does not say. It makes no process unready: others would be as late"
    )
    behind: list[str] = Field(description="read models that lack an event older than 30 seconds")
    faces: dict[str, str] | None = Field(
        None, description="the model pack and what runs it; null where no faces are served"
    )


class ProjectionRow(BaseModel):
    """How far a read model has come."""

    projection: str
    version: int
    position: int
    lag: int = Field(description="events between it and the end of the log")
    parked: int = Field(description="events set aside because they could not be applied")
    running: bool


class ProjectionRows(BaseModel):
    """All read models."""

    head: int
    projections: list[ProjectionRow]


class LoudDeviceRow(BaseModel):
    """A device that sends more through Kafka than is usual."""

    topic: str
    device: str
    first_at: AwareDatetime
    last_at: AwareDatetime
    messages: int = Field(description="beyond what is usual in a second; about")


class LoudDevices(BaseModel):
    """Those that were loud last, the newest first."""

    devices: list[LoudDeviceRow]


class TokenRequest(BaseModel):
    """For whom a development token is."""

    model_config = ConfigDict(extra="forbid")
    subject: str = Field(min_length=1, max_length=100, pattern=r"^[A-Za-z0-9_.:@-]+$")
    roles: list[Role] = Field(min_length=1, max_length=5)
    department: Place | None = Field(None, description="of an official")
    counter: Place | None = Field(None, description="of a clerk")
    acts_for: list[DeviceIds] = Field(
        default_factory=list, max_length=100, description="ids that a device speaks for"
    )


class Token(BaseModel):
    """An access token."""

    access_token: str
    token_type: str
    expires_in: int


async def healthz(_: Call) -> web.Response:
    """The process answers."""
    return json_response(Health(status="ok", version=__version__))


async def readyz(call: Call) -> web.Response:
    """The process can take requests."""
    readiness = await shared(call, _readiness)
    return json_response(readiness, status=200 if readiness.ready else 503)


async def _readiness(runtime: Runtime) -> Readiness:
    store = runtime.store
    checks = {
        "database": await _database_answers(runtime),
        "read_models": await _read_models_answer(runtime),
        "log": store.witness.gone is None,
        "log_listener": store.listener.alive,
        "appends": not store.appender.cut_off,
        "clock": not store.clock_is_off,
        "append_queue": store.appender.waiting < runtime.settings.append_queue_limit,
        "connections": runtime.door is None or not runtime.door.nearly_full,
        "not_closing": not runtime.closing.is_set(),
        **{name: fine() for name, fine in runtime.checks.items()},
        **await _capabilities(runtime.services),
    }
    seconds, behind = await _lag(runtime)
    return Readiness(
        lag_seconds=seconds,
        behind=behind,
        ready=all(fine for name, fine in checks.items() if name not in OF_ALL | OF_SOME),
        checks=checks,
        standby=None if store.standby is None else not store.standby.away,
        reasons=[REASONS[name] for name, fine in checks.items() if not fine],
        remarks=list(runtime.remarks()),
        faces=_faces(runtime),
    )


async def _capabilities(services: Services) -> dict[str, bool]:
    """Those that this process has, and whether they answer."""
    found = {}
    if services.photos is not None:
        found["photos"] = await services.photos.kept_now(PHOTOS_SECONDS)
    if services.faces is not None:
        found["faces"] = services.faces.answer
    return found


async def _database_answers(runtime: Runtime) -> bool:
    try:
        async with asyncio.timeout(READY_SECONDS):
            await runtime.store.head()
    except (CitybrainError, *AGAIN_LATER):
        return False
    return True


async def _read_models_answer(runtime: Runtime) -> bool:
    """Where they are read: it may be another database, or a standby."""
    try:
        async with asyncio.timeout(READY_SECONDS):
            await runtime.store.models.fetchval("SELECT 1")
    except (CitybrainError, *AGAIN_LATER):
        return False
    return True


async def _lag(runtime: Runtime) -> tuple[float | None, list[str]]:
    try:
        async with asyncio.timeout(READY_SECONDS):
            return await lag.behind(runtime.store, BEHIND_SECONDS)
    except (CitybrainError, *AGAIN_LATER):
        return None, []


def _faces(runtime: Runtime) -> dict[str, str] | None:
    faces = runtime.services.faces
    if faces is None:
        return None
    pack = faces.engine.pack
    return {
        "pack": pack.pack_id,
        "template_version": pack.template_version,
        **faces.engine.models.runtime,
    }


async def metrics(call: Call) -> web.Response:
    """Prometheus metrics, to whoever is near."""
    if not comes_from(call.request, tuple(call.runtime.settings.metrics_networks)):
        raise NotFromHere("metrics are not shown to this network (CITYBRAIN_METRICS_NETWORKS)")
    body = await shared(call, _metrics)
    return web.Response(body=body, headers={"Content-Type": CONTENT_TYPE_LATEST})


async def _metrics(runtime: Runtime) -> bytes:
    WAITING.set(runtime.store.appender.waiting)
    await _measure(runtime)
    await lag.measure(runtime.store)
    await parked.measure(runtime.store.pool)
    await measuring.measure(runtime.store.pool)
    return await asyncio.to_thread(generate_latest)  # some tens of milliseconds


async def _measure(runtime: Runtime) -> None:
    """What the systems count; what cannot be counted now stays as it was."""
    try:
        async with asyncio.timeout(MEASURE_SECONDS):
            for part in runtime.board_parts:
                if part.measure is not None:
                    await part.measure(runtime)
    except (Unavailable, *AGAIN_LATER):
        log.warning("not_measured")


async def projections(call: Call) -> web.Response:
    """How far the read models have come."""
    rows = await projection_status(call.runtime.store, call.runtime.projections)
    head = await call.runtime.store.head()
    found = [
        ProjectionRow(**{name: row[name] for name in ProjectionRow.model_fields}) for row in rows
    ]
    return json_response(ProjectionRows(head=head, projections=found))


async def list_loud_devices(call: Call) -> web.Response:
    """Devices that send more than is usual."""
    rows = await loud_devices(call.runtime.store)
    return json_response(LoudDevices(devices=[LoudDeviceRow(**row) for row in rows]))


def check_caller(request: web.Request) -> None:
    """Raise `NotFromHere` unless the development issuer is called by address or at localhost."""
    if not is_called_by_address(request):
        raise NotFromHere("development tokens are given by address or at localhost only")


async def development_token(call: Call) -> web.Response:
    """A token for anybody; the route exists in development only."""
    request: TokenRequest = call.body
    issuer = call.runtime.development
    if issuer is None:
        raise NotFound("there is no development issuer here")
    check_caller(call.request)
    roles = [role.value for role in request.roles if role in TOKEN_ROLES]
    token = issuer.token(
        request.subject,
        roles,
        request.department,
        counter=request.counter,
        acts_for=request.acts_for,
    )
    answer = Token(access_token=token, token_type=BEARER, expires_in=LONGEST_LIFE_SECONDS)
    return json_response(answer)


async def jwks(call: Call) -> web.Response:
    """The keys of the development issuer."""
    if call.runtime.development is None:
        raise NotFound("there is no development issuer here")
    keys: dict[str, Any] = call.runtime.development.jwks
    return json_response(keys)


WATCHED = (
    Route(
        method="GET",
        path="/healthz",
        summary="Liveness",
        tag="operations",
        handler=healthz,
        query=Query,
        counted=False,
        answers={200: Answer("alive", Health)},
    ),
    Route(
        method="GET",
        path="/readyz",
        summary="Readiness",
        tag="operations",
        handler=readyz,
        query=Query,
        counted=False,
        answers={200: Answer("ready", Readiness), 503: Answer("not ready", Readiness)},
    ),
    Route(
        method="GET",
        path="/metrics",
        summary="Prometheus metrics",
        tag="operations",
        handler=metrics,
        query=Query,
        counted=False,
        answers={
            200: Answer("Prometheus text"),
            403: Answer("not-from-here: not one of CITYBRAIN_METRICS_NETWORKS"),
        },
    ),
)
"""What whoever operates a process asks it for, also where it serves nothing else."""

ROUTES = (
    *WATCHED,
    Route(
        method="GET",
        path="/v1/projections",
        summary="Read models and their lag",
        tag="operations",
        handler=projections,
        roles=(Role.AUDITOR, Role.OPERATOR),
        query=Query,
        answers={200: Answer("all read models", ProjectionRows)},
    ),
    Route(
        method="GET",
        path="/v1/devices/loud",
        summary="Devices that send more than is usual, the newest first; a week is kept",
        tag="operations",
        handler=list_loud_devices,
        roles=(Role.OFFICIAL, Role.OPERATOR, Role.SUPERVISOR, Role.AUDITOR),
        query=Query,
        answers={200: Answer("500 at most", LoudDevices)},
    ),
)

DEVELOPMENT_ROUTES = (
    Route(
        method="POST",
        path="/dev/token",
        summary="A development token",
        tag="development",
        handler=development_token,
        body=TokenRequest,
        may_be_missing=True,
        answers={
            200: Answer("a token", Token),
            403: Answer("not-from-here: Host is a name that is not ours"),
        },
    ),
    Route(
        method="GET",
        path="/.well-known/jwks.json",
        summary="The development issuer's keys",
        tag="development",
        handler=jwks,
        query=Query,
        may_be_missing=True,
        answers={200: Answer("a JWKS")},
    ),
)

"""Open311 GeoReport v2: any of its clients reports street problems and follows them.

XML and JSON, form-encoded POST with `api_key`, and the specification's own error format.
https://wiki.open311.org/GeoReport_v2/  Beside it the extensions that its large clients use: pages,
`updated_after`, `extensions`, and `servicerequestupdates`
(https://github.com/mysociety/fixmystreet/wiki/Open311-FMS---Proposed-differences-to-Open311).

Contact details and comments are sealed in the vault, for a time; no answer repeats them. Places are
latitude and longitude: there is no geocoder here.
"""

import hashlib
import re
from collections.abc import Awaitable, Callable, Collection
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import orjson
import structlog
from aiohttp import web
from pydantic import ValidationError

from citybrain.definitions.calendars import BusinessCalendar, TimeKind
from citybrain.definitions.inspection.cases import Attribute, CaseClass, cases_at
from citybrain.domain.actor import Actor, Role
from citybrain.domain.inspection.case import InspectionCase
from citybrain.domain.inspection.case_events import CaseSource
from citybrain.domain.inspection.deadlines import Stage
from citybrain.domain.times import TimeOutOfOrder
from citybrain.errors import CitybrainError, InvalidInput, NotFound, TooOften, Unavailable
from citybrain.http.inspection.open311_reading import (
    FOREVER,
    Fields,
    Form,
    Open311Error,
    between,
    check_jurisdiction,
    listed,
    moment,
    page,
    read_form,
    read_query,
    span,
)
from citybrain.http.inspection.open311_rendering import FORMATS, error, rendered
from citybrain.http.limits import LIMITER, RateLimiter
from citybrain.http.problems import status_of
from citybrain.http.runtime import RUNTIME, Runtime
from citybrain.http.telemetry import CORRELATION
from commands.handling import CommandContext
from commands.inspection.case import ReportCase, checked_attributes, report_case
from commands.inspection.comments import CommentCase, comment_case
from projections.inspection import service_requests
from projections.reading import wait_until

log = structlog.get_logger(__name__)

PREFIX = "/open311/v2"
CHANGED = "2026-11-23T00:00:00+08:00"
CASE_ID = re.compile(r"case-[0-9a-f]{32}")
CONTACT = "open311-contact"
CONTACT_KEPT = timedelta(days=180)
CONTACT_FIELDS = {
    "email": 254, "device_id": 200, "account_id": 200, "first_name": 100, "last_name": 100,
    "phone": 40, "media_url": 2000,
}  # fmt: skip
REPORT_FIELDS = {
    "api_key", "jurisdiction_id", "service_code", "lat", "long", "address_string", "address_id",
    "description", *CONTACT_FIELDS,
}  # fmt: skip
UPDATE_CONTACT_FIELDS = CONTACT_FIELDS | {"title": 40}
UPDATE_FIELDS = {
    "api_key", "jurisdiction_id", "service_request_id", "service_request_id_ext", "service_code",
    "update_id", "updated_datetime", "status", "description", "public_anonymity_required",
    "email_alerts_requested", *UPDATE_CONTACT_FIELDS,
}  # fmt: skip
UPDATE_STATUSES = (
    "OPEN", "CLOSED", "FIXED", "IN_PROGRESS", "ACTION_SCHEDULED", "PLANNED", "INVESTIGATING",
    "DUPLICATE", "NO_FURTHER_ACTION", "NOT_COUNCILS_RESPONSIBILITY", "INTERNAL_REFERRAL", "REOPEN",
    "FOR_TRIAGE", "UNABLE_TO_FIX",
)  # fmt: skip
NAMES = {
    "latitude": "lat", "longitude": "long", "address": "address_string",
    "external_ref": "address_id", "text": "description", "written_at": "updated_datetime",
}  # fmt: skip
UNITS = {
    TimeKind.HOURS: "hours", TimeKind.WORKING_HOURS: "working hours",
    TimeKind.WORKING_DAYS: "working days",
}  # fmt: skip
CATCH_UP_SECONDS = 5.0
READING = ("GET", "HEAD")

ASKED: web.RequestKey[Fields] = web.RequestKey("open311_asked", dict)
# Of who reports with a key; everybody else has their share by address.
KEYS: web.AppKey[RateLimiter] = web.AppKey("open311_keys", RateLimiter)

Work = Callable[[web.Request], Awaitable[tuple[str, Any]]]
"""Answers a request: the name of the root element, and rows or a document."""


# --- questions and answers ----------------------------------------------------------------


async def discovery(request: web.Request) -> tuple[str, Any]:
    """Where everything is."""
    return "discovery", {
        "changeset": CHANGED,
        "contact": "the operator of this installation",
        "key_service": "keys are given by the operator of this installation",
        "endpoints": [
            {
                "specification": "http://wiki.open311.org/GeoReport_v2",
                "url": f"{request.url.origin()}{PREFIX}",
                "changeset": CHANGED,
                "type": "production" if not request.app[RUNTIME].development else "test",
                "formats": list(FORMATS.values()),
            }
        ],
    }


async def services(request: web.Request) -> tuple[str, Any]:
    """The classes of problems that can be reported."""
    classes = _definitions(request).classes.values()
    return "services", [_service(each) for each in sorted(classes, key=lambda each: each.code)]


async def service(request: web.Request) -> tuple[str, Any]:
    """One service, and what it asks beside what every report has."""
    case_class = _definitions(request).classes.get(request.match_info["service_code"])
    if case_class is None:
        raise Open311Error(404, "service_code not found")
    attributes = sorted(case_class.attributes, key=lambda each: each.order)
    return "service_definition", {
        "service_code": case_class.code,
        "attributes": [_attribute(each) for each in attributes],
    }


async def report(request: web.Request) -> tuple[str, Any]:
    """Report a problem; answers its id at once."""
    runtime, form = request.app[RUNTIME], await _form(request, REPORT_FIELDS)
    context = _context(request, form.fields)
    classes = _definitions(request).classes
    command = _report_of(form, classes)
    contact = _contact(form.fields, CONTACT_FIELDS)
    checked_attributes(command, context, runtime.services, runtime.services.clock())
    case_id = InspectionCase.new_id()
    await _keep_contact(runtime, case_id, contact)
    await report_case(command, context, runtime.services, case_id=case_id)
    notice = _notice(classes[command.class_code])
    return "service_requests", [
        {"service_request_id": case_id, "service_notice": notice, "account_id": None}
    ]


async def requests(request: web.Request) -> tuple[str, Any]:
    """Service requests: by id, or by class, status and time (90 days, the first 1 000)."""
    pool, asked = request.app[RUNTIME].store.pool, request[ASKED]
    if (ids := listed(asked, "service_request_id")) is not None:  # overrides all else
        wanted = [each for each in ids if CASE_ID.fullmatch(each)]
        rows = await service_requests.by_id(pool, wanted)
    else:
        by_update = {"updated_after", "updated_before"} & asked.keys()
        by_request = {"start_date", "end_date"} & asked.keys() or not by_update
        limit, offset = page(asked)
        rows = await service_requests.page(
            pool,
            requested=span(asked, "start_date", "end_date") if by_request else FOREVER,
            updated=between(asked, "updated_after", "updated_before"),
            classes=listed(asked, "service_code"),
            statuses=listed(asked, "status", ("open", "closed")),
            limit=limit,
            offset=offset,
        )
    return "service_requests", [_request(request, row, asked) for row in rows]


async def one_request(request: web.Request) -> tuple[str, Any]:
    """One service request, as fresh as its last acknowledged step."""
    case_id, runtime = request.match_info["service_request_id"], request.app[RUNTIME]
    asked = request[ASKED]
    events = await runtime.store.read(case_id) if CASE_ID.fullmatch(case_id) else []
    if not events:
        raise Open311Error(404, "service_request_id not found")
    pool = runtime.store.pool
    await wait_until(pool, "service_requests", events[-1].position, CATCH_UP_SECONDS)
    rows = await service_requests.by_id(pool, [case_id])
    return "service_requests", [_request(request, row, asked) for row in rows]


async def token(request: web.Request) -> tuple[str, Any]:
    """The id behind a token: ours are the same."""
    wanted = request.match_info["token"]
    if not CASE_ID.fullmatch(wanted) or not await request.app[RUNTIME].store.read(wanted, limit=1):
        raise Open311Error(404, "token not found")
    return "service_requests", [{"service_request_id": wanted, "token": wanted}]


async def updates(request: web.Request) -> tuple[str, Any]:
    """What reporters are told, oldest first: of the last day where no time is asked for."""
    pool, asked = request.app[RUNTIME].store.pool, request[ASKED]
    since, until = span(asked, "start_date", "end_date", days=1)
    limit, offset = page(asked)
    rows = await service_requests.updates(
        pool,
        since=since,
        until=until,
        case_ids=listed(asked, "service_request_id"),
        limit=limit,
        offset=offset,
    )
    return "service_request_updates", [
        {
            "update_id": _update_id(row["case_id"], row["version"]),
            "service_request_id": row["case_id"],
            "status": row["status"],
            "updated_datetime": _local(request, row["updated_at"]),
            "description": row["description"],
            "media_url": None,
        }
        for row in rows
    ]


async def update(request: web.Request) -> tuple[str, Any]:
    """Say something of a service request; the same `update_id` says it once."""
    runtime, form = request.app[RUNTIME], await _form(request, UPDATE_FIELDS)
    fields = form.fields
    context = _context(request, fields, fields.get("update_id"))
    if form.attributes:
        raise Open311Error(400, "an update has no attributes")
    for name in ("service_request_id", "description"):
        if name not in fields:
            raise Open311Error(400, f"{name} was not provided")
    case_id, command = fields["service_request_id"], _comment_of(fields)
    if not CASE_ID.fullmatch(case_id):
        raise Open311Error(404, "service_request_id not found")
    try:
        result = await comment_case(case_id, command, context, runtime.services)
    except NotFound as missing:
        raise Open311Error(404, "service_request_id not found") from missing
    except TimeOutOfOrder as wrong:
        raise Open311Error(400, "updated_datetime lies before the report or to come") from wrong
    update_id = _update_id(case_id, result.version)
    return "service_request_updates", [{"update_id": update_id, "service_request_id": case_id}]


# --- what is sent -------------------------------------------------------------------------


async def _form(request: web.Request, known: Collection[str]) -> Form:
    """The form in the body; what is none is paid for by the address that it comes from."""
    try:
        return await read_form(request, known)
    except Open311Error:
        request.app[LIMITER].spend(request.remote or "unknown")
        raise


def _context(request: web.Request, fields: Fields, once: str | None = None) -> CommandContext:
    """Who sends a form, by its api_key; raises 403 as the specification says.

    A client with a key spends of its own share, whoever guesses keys of their address's.
    """
    runtime = request.app[RUNTIME]
    try:
        actor = _client(runtime, fields.get("api_key"))
    except Open311Error:
        request.app[LIMITER].spend(request.remote or "unknown")
        raise
    request.app[KEYS].spend(actor.subject)
    check_jurisdiction(fields)
    if once is not None and len(once) > 200:
        raise Open311Error(400, "update_id is too long")
    key = None if once is None else f"open311-update:{once}"
    return CommandContext(actor, "open311", uuid4(), request[CORRELATION], idempotency_key=key)


def _client(runtime: Runtime, key: str | None) -> Actor:
    if not key:
        raise Open311Error(403, "api_key was not provided")
    client = runtime.settings.open311_clients.get(hashlib.sha256(key.encode()).hexdigest())
    if client is None and runtime.development is not None and key == "development":
        client = "development"
    if client is None:
        raise Open311Error(403, "api_key is not valid")
    return Actor(f"open311-{client}", frozenset({Role.CITIZEN}))


def _report_of(form: Form, classes: dict[str, CaseClass]) -> ReportCase:
    """The report; raises `Open311Error` in the order in which people read a form."""
    fields = form.fields
    if "service_code" not in fields:
        raise Open311Error(400, "service_code was not provided")
    if fields["service_code"] not in classes:
        raise Open311Error(404, "service_code not found")
    if "lat" not in fields or "long" not in fields:
        raise Open311Error(400, "lat and long are required; there is no geocoder here")
    try:
        return ReportCase(
            source=CaseSource.CITIZEN,
            class_code=fields["service_code"],
            description=fields.get("description", ""),
            latitude=_degrees(fields, "lat"),
            longitude=_degrees(fields, "long"),
            address=fields.get("address_string"),
            external_ref=fields.get("address_id"),
            attributes=form.attributes or None,
        )
    except ValidationError as wrong:
        raise _not_valid(wrong) from wrong


def _comment_of(fields: Fields) -> CommentCase:
    stated = fields.get("status", "").upper() or None
    if stated is not None and stated not in UPDATE_STATUSES:
        raise Open311Error(400, f"status is one of {', '.join(UPDATE_STATUSES)}")
    try:
        return CommentCase(
            text=fields["description"],
            stated=stated,
            contact=_contact(fields, UPDATE_CONTACT_FIELDS),
            written_at=moment(fields, "updated_datetime"),
        )
    except ValidationError as wrong:
        raise _not_valid(wrong) from wrong


def _not_valid(wrong: ValidationError) -> Open311Error:
    place = wrong.errors()[0]["loc"]
    name = NAMES.get(str(place[0]), str(place[0]))
    if name == "attributes":
        name = f"attribute[{place[1]}]" if len(place) > 1 else "the number of attributes"
    return Open311Error(400, f"{name} is not valid")


def _degrees(fields: Fields, name: str) -> float:
    try:
        return float(fields[name])
    except ValueError as wrong:
        raise Open311Error(400, f"{name} is not a number") from wrong


def _contact(fields: Fields, limits: dict[str, int]) -> dict[str, str]:
    """How to reach whoever sends the form."""
    contact = {name: fields[name] for name in limits if name in fields}
    for name, value in contact.items():
        if len(value) > limits[name]:
            raise Open311Error(400, f"{name} is too long")
    return contact


async def _keep_contact(runtime: Runtime, case_id: str, contact: dict[str, str]) -> None:
    """Seal how to reach whoever reports; before the report, so that none is lost."""
    if not contact:
        return
    vault = runtime.services.vault
    await vault.create_key(case_id)
    kept_until = runtime.services.clock() + CONTACT_KEPT
    await vault.keep(case_id, CONTACT, orjson.dumps(contact), kept_until)


# --- what is answered ---------------------------------------------------------------------


def _definitions(request: web.Request) -> Any:
    services = request.app[RUNTIME].services
    return cases_at(services.definitions, services.clock())


def _service(each: CaseClass) -> dict[str, Any]:
    return {
        "service_code": each.code,
        "service_name": each.name_en,
        "description": each.name,
        "metadata": bool(each.attributes),
        "type": "realtime",
        "keywords": "",
        "group": each.route.lead,
    }


def _attribute(each: Attribute) -> dict[str, Any]:
    """An attribute in the specification's form; only lists have values."""
    values = [{"key": value.key, "name": value.name} for value in each.values]
    return {
        "variable": each.variable,
        "code": each.code,
        "datatype": each.datatype.value,
        "required": each.required,
        "datatype_description": each.datatype_description or None,
        "order": each.order,
        "description": each.description,
    } | ({"values": values} if values else {})


def _notice(case_class: CaseClass) -> str | None:
    """What the city promises for a class."""
    for rule in case_class.deadlines or ():
        if rule.stage is Stage.CLOSING:
            return f"To be solved, checked and closed within {rule.within:g} {UNITS[rule.unit]}."
    return None


def _request(request: web.Request, row: dict[str, Any], asked: Fields) -> dict[str, Any]:
    """A row in the specification's names; times with the city's offset."""
    definitions = _definitions(request)
    known = definitions.classes.get(row["class_code"])
    lead = definitions.departments.get(row["lead"])
    is_open = row["status"] == "open"
    found = {
        "service_request_id": row["case_id"],
        "status": row["status"],
        "status_notes": row["status_notes"],
        "service_name": known.name_en if known else row["class_code"],
        "service_code": row["class_code"],
        "description": row["description"],
        "agency_responsible": lead.name_en if lead else None,
        "service_notice": _notice(known) if known and is_open else None,
        "requested_datetime": _local(request, row["requested_at"]),
        "updated_datetime": _local(request, row["updated_at"]),
        "expected_datetime": row["expected_at"] and _local(request, row["expected_at"]),
        "address": row["address"],
        "address_id": row["address_id"],
        "zipcode": None,
        "lat": row["latitude"],
        "long": row["longitude"],
        "media_url": None,
    }
    if asked.get("extensions") == "true":
        given = [{"code": code, "values": each} for code, each in row["attributes"].items()]
        found["extended_attributes"] = {"attributes": given}
    return found


def _update_id(case_id: str, version: int) -> str:
    return f"{case_id}-{version}"


def _local(request: web.Request, at: datetime) -> str:
    zone = request.app[RUNTIME].services.definitions.of(BusinessCalendar).zone
    return at.astimezone(zone).isoformat(timespec="seconds")


# --- routes -------------------------------------------------------------------------------


def _answering(work: Work) -> Callable[[web.Request], Awaitable[web.Response]]:
    """The aiohttp handler: limits, the format in the path, and the specification's errors."""

    async def handle(request: web.Request) -> web.Response:
        response = await answer(request)
        if request.content.exception() is not None:
            response.force_close()  # nobody knows where the next request begins
        return response

    async def answer(request: web.Request) -> web.Response:
        kind = request.match_info.get("format") or _format_of(request.path)
        try:
            if work not in (report, update):  # a form says in its body whose share it spends
                request.app[LIMITER].spend(request.remote or "unknown")
            if request.method in READING:
                request[ASKED] = read_query(request)
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
        except Exception:
            log.exception("request_failed", route=request.path)
            return error(kind, 500, "something failed here")

    return handle


def _format_of(path: str) -> str:
    """The format of an answer to a path that names none that is served; XML is required."""
    return "json" if path.endswith(".json") else "xml"


def _wrong_method(*allowed: str) -> Work:
    async def refuse(request: web.Request) -> tuple[str, Any]:
        raise web.HTTPMethodNotAllowed(request.method, allowed)

    return refuse


async def _unknown(request: web.Request) -> tuple[str, Any]:
    raise Open311Error(404, "there is no such resource, or not in this format: .xml or .json")


def mount(app: web.Application) -> None:
    """The specification's paths, each in both formats; whatever else is asked is an error."""
    settings = app[RUNTIME].settings
    app[KEYS] = RateLimiter(settings.open311_rate_per_second, settings.open311_rate_burst)
    kinds = "{format:" + "|".join(FORMATS) + "}"
    for path, get, post in (
        ("/discovery", discovery, None),
        ("/services", services, None),
        ("/services/{service_code:[^/]+}", service, None),
        ("/requests", requests, report),
        ("/requests/{service_request_id:[^/]+}", one_request, None),
        ("/tokens/{token:[^/]+}", token, None),
        ("/servicerequestupdates", updates, update),
    ):
        resource = app.router.add_resource(f"{PREFIX}{path}.{kinds}")
        for method in READING:
            resource.add_route(method, _answering(get))
        if post is not None:
            resource.add_route("POST", _answering(post))
        allowed = READING if post is None else (*READING, "POST")
        resource.add_route("*", _answering(_wrong_method(*allowed)))
    app.router.add_route("*", PREFIX, _answering(_unknown))
    app.router.add_route("*", PREFIX + "{rest:[/.].*}", _answering(_unknown))

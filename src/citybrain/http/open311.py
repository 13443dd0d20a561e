"""Open311 GeoReport v2: any of its clients reports street problems and follows them.

XML and JSON, form-encoded POST with `api_key`, and the specification's own error format.
https://wiki.open311.org/GeoReport_v2/  Contact details are sealed in the vault, for a time;
no answer repeats them. Places are latitude and longitude: there is no geocoder here.
"""

import hashlib
import re
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl
from uuid import uuid4
from xml.etree import ElementTree

import orjson
import structlog
from aiohttp import web
from pydantic import ValidationError

from citybrain.definitions.cases import CaseClass
from citybrain.domain.actor import Actor, Role
from citybrain.domain.case import InspectionCase
from citybrain.domain.case_events import CaseSource
from citybrain.errors import CitybrainError, InvalidInput
from citybrain.http.limits import LIMITER
from citybrain.http.problems import RateLimited, status_of
from citybrain.http.runtime import RUNTIME, Runtime
from citybrain.http.telemetry import CORRELATION
from commands.case import ReportCase, report_case
from commands.handling import CommandContext
from projections import queries

log = structlog.get_logger(__name__)

PREFIX = "/open311/v2"
FORMATS = {"json": "application/json", "xml": "text/xml"}
CASE_ID = re.compile(r"case-[0-9a-f]{32}")
JURISDICTION = "zhengzhou.gov.cn"
BODY_BYTES = 64 * 1024
FIELDS, IDS = 100, 500
MOST, DAYS = 1000, 90
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
CATCH_UP_SECONDS = 5.0
XML_WORDS = {"requests": "request", "services": "service", "errors": "error"}
NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")

Fields = dict[str, str]
Work = Callable[[web.Request], Awaitable[tuple[str, Any]]]
"""Answers a request: the name of the root element, and rows or a document."""


class Open311Error(CitybrainError):
    """An error in the specification's terms: a status and a description."""

    code = "open311"

    def __init__(self, status: int, description: str) -> None:
        super().__init__(description)
        self.status = status


# --- questions and answers ----------------------------------------------------------------


async def discovery(request: web.Request) -> tuple[str, Any]:
    """Where everything is."""
    base = f"{request.url.origin()}{PREFIX}"
    return "discovery", {
        "changeset": "2026-11-23T00:00:00+08:00",
        "contact": "the operator of this installation",
        "key_service": "keys are given by the operator of this installation",
        "endpoints": [
            {
                "specification": "http://wiki.open311.org/GeoReport_v2",
                "url": base,
                "changeset": "2026-11-23T00:00:00+08:00",
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
    """One service; it asks for nothing beside what every report has."""
    code = request.match_info["service_code"]
    if code not in _definitions(request).classes:
        raise Open311Error(404, "service_code not found")
    return "service_definition", {"service_code": code, "attributes": []}


async def report(request: web.Request) -> tuple[str, Any]:
    """Report a problem; answers its id at once."""
    runtime, fields = request.app[RUNTIME], await _form(request)
    actor = _reporter(runtime, fields.get("api_key"))
    request.app[LIMITER].spend(actor.subject)
    _check_jurisdiction(fields)
    command = _command(fields, _definitions(request).classes)
    case_id = InspectionCase.new_id()
    await _keep_contact(runtime, case_id, fields)
    context = CommandContext(actor, "open311", uuid4(), request[CORRELATION])
    await report_case(command, context, runtime.services, case_id=case_id)
    return "service_requests", [
        {
            "service_request_id": case_id,
            "service_notice": "Thank you. Follow it by its service_request_id.",
            "account_id": None,
        }
    ]


async def requests(request: web.Request) -> tuple[str, Any]:
    """Service requests: by id, or by class, status and days (90 days, the first 1 000)."""
    pool, asked = request.app[RUNTIME].store.pool, _query(request)
    if ids := asked.get("service_request_id"):
        wanted = [each for each in _listed(ids) if CASE_ID.fullmatch(each)]
        rows = await queries.service_requests_by_id(pool, wanted)
    else:
        since, until = _days(asked)
        rows = await queries.service_requests(
            pool, since=since, until=until, limit=MOST,
            classes=_listed(asked["service_code"]) if asked.get("service_code") else None,
            statuses=_statuses(asked.get("status")),
        )  # fmt: skip
    return "service_requests", [_request(request, row) for row in rows]


async def one_request(request: web.Request) -> tuple[str, Any]:
    """One service request, as fresh as its last acknowledged step."""
    case_id, runtime = request.match_info["service_request_id"], request.app[RUNTIME]
    _query(request)
    if not CASE_ID.fullmatch(case_id):
        raise Open311Error(404, "service_request_id not found")
    events = await runtime.store.read(case_id)
    if not events:
        raise Open311Error(404, "service_request_id not found")
    pool = runtime.store.pool
    await queries.wait_until(pool, "service_requests", events[-1].position, CATCH_UP_SECONDS)
    rows = await queries.service_requests_by_id(pool, [case_id])
    return "service_requests", [_request(request, row) for row in rows]


async def token(request: web.Request) -> tuple[str, Any]:
    """The id behind a token: ours are the same."""
    wanted = request.match_info["token"]
    if not CASE_ID.fullmatch(wanted) or not await request.app[RUNTIME].store.read(wanted, limit=1):
        raise Open311Error(404, "token not found")
    return "service_requests", [{"service_request_id": wanted, "token": wanted}]


# --- what is asked ------------------------------------------------------------------------


async def _form(request: web.Request) -> Fields:
    """The fields of a form-encoded body; raises `Open311Error`."""
    if request.content_type != "application/x-www-form-urlencoded":
        raise Open311Error(415, "the body must be application/x-www-form-urlencoded")
    body = await request.content.read(BODY_BYTES + 1)
    while not request.content.at_eof() and len(body) <= BODY_BYTES:
        body += await request.content.read(BODY_BYTES + 1 - len(body))
    if len(body) > BODY_BYTES:
        raise Open311Error(413, f"the body exceeds {BODY_BYTES} bytes")
    try:
        pairs = parse_qsl(
            body.decode("utf-8"), keep_blank_values=True, errors="strict", max_num_fields=FIELDS
        )
    except (ValueError, UnicodeDecodeError) as error:
        raise Open311Error(400, "the body is not a form in UTF-8") from error
    fields: Fields = {}
    for name, value in pairs:
        if name.startswith("attribute["):
            raise Open311Error(400, "this service has no attributes")
        if name not in REPORT_FIELDS:
            raise Open311Error(400, "the form has a field that is not known")
        if name in fields:
            raise Open311Error(400, f"{name} is given twice")
        if value.strip():
            fields[name] = value.strip()
    return fields


def _reporter(runtime: Runtime, key: str | None) -> Actor:
    """Who an api_key belongs to; raises 403 as the specification says."""
    if not key:
        raise Open311Error(403, "api_key was not provided")
    client = runtime.settings.open311_clients.get(hashlib.sha256(key.encode()).hexdigest())
    if client is None and runtime.development is not None and key == "development":
        client = "development"
    if client is None:
        raise Open311Error(403, "api_key is not valid")
    return Actor(f"open311-{client}", frozenset({Role.CITIZEN}))


def _check_jurisdiction(asked: Fields) -> None:
    if asked.get("jurisdiction_id", JURISDICTION) != JURISDICTION:
        raise Open311Error(404, "jurisdiction_id provided was not found")


def _command(fields: Fields, classes: dict[str, CaseClass]) -> ReportCase:
    """The report; raises `Open311Error` in the order in which people read a form."""
    if "service_code" not in fields:
        raise Open311Error(400, "service_code was not provided")
    if fields["service_code"] not in classes:
        raise Open311Error(404, "service_code not found")
    if "lat" not in fields or "long" not in fields:
        raise Open311Error(400, "lat and long are required; there is no geocoder here")
    try:
        return ReportCase(
            source=CaseSource.CITIZEN, class_code=fields["service_code"],
            description=fields.get("description", ""), latitude=_degrees(fields, "lat"),
            longitude=_degrees(fields, "long"), address=fields.get("address_string"),
            external_ref=fields.get("address_id"),
        )  # fmt: skip
    except ValidationError as error:
        names = {"latitude": "lat", "longitude": "long", "address": "address_string"}
        member = str(error.errors()[0]["loc"][0])
        raise Open311Error(400, f"{names.get(member, member)} is not valid") from error


def _degrees(fields: Fields, name: str) -> float:
    try:
        return float(fields[name])
    except ValueError as error:
        raise Open311Error(400, f"{name} is not a number") from error


async def _keep_contact(runtime: Runtime, case_id: str, fields: Fields) -> None:
    """Seal how to reach whoever reports; before the report, so that none is lost."""
    contact = {name: fields[name] for name in CONTACT_FIELDS if name in fields}
    for name, value in contact.items():
        if len(value) > CONTACT_FIELDS[name]:
            raise Open311Error(400, f"{name} is too long")
    if not contact:
        return
    vault = runtime.services.vault
    await vault.create_key(case_id)
    kept_until = runtime.services.clock() + CONTACT_KEPT
    await vault.keep(case_id, CONTACT, orjson.dumps(contact), kept_until)


def _query(request: web.Request) -> Fields:
    """The query's fields; raises where one is given twice or the jurisdiction is another."""
    asked: Fields = {}
    for name, value in request.query.items():
        if name in asked:
            raise Open311Error(400, "a parameter is given twice")
        if "\x00" in value:
            raise Open311Error(400, "a parameter is not valid")
        asked[name] = value
    _check_jurisdiction(asked)
    return asked


def _listed(value: str) -> list[str]:
    found = [each.strip() for each in value.split(",") if each.strip()]
    if len(found) > IDS:
        raise Open311Error(400, f"at most {IDS} at once")
    return found


def _statuses(value: str | None) -> list[str] | None:
    if not value:
        return None
    found = _listed(value)
    if set(found) - {"open", "closed"}:
        raise Open311Error(400, "status is open or closed")
    return found


def _days(asked: Fields) -> tuple[datetime, datetime]:
    """The span that is asked for, 90 days at most; the last 90 where it is not said."""
    until = _moment(asked, "end_date")
    since = _moment(asked, "start_date")
    until = until or (since + timedelta(days=DAYS) if since else datetime.now(UTC))
    since = since or until - timedelta(days=DAYS)
    if since > until or until - since > timedelta(days=DAYS):
        raise Open311Error(400, f"start_date to end_date spans {DAYS} days at most")
    return since, until


def _moment(asked: Fields, name: str) -> datetime | None:
    if not asked.get(name):
        return None
    try:
        moment = datetime.fromisoformat(asked[name].replace(" ", "+"))
        if moment.tzinfo is None or not 1900 <= moment.year <= 9000:
            raise ValueError(name)
    except ValueError as error:
        raise Open311Error(400, f"{name} is a W3C date and time with offset") from error
    return moment


# --- what is answered ---------------------------------------------------------------------


def _definitions(request: web.Request) -> Any:
    services = request.app[RUNTIME].services
    return services.definitions.case_at(services.clock())


def _service(each: CaseClass) -> dict[str, Any]:
    return {
        "service_code": each.code, "service_name": each.name_en, "description": each.name,
        "metadata": False, "type": "realtime", "keywords": "", "group": each.route.lead,
    }  # fmt: skip


def _request(request: web.Request, row: dict[str, Any]) -> dict[str, Any]:
    """A row in the specification's names; times with the city's offset."""
    definitions = _definitions(request)
    known = definitions.classes.get(row["class_code"])
    lead = definitions.departments.get(row["lead"])
    return {
        "service_request_id": row["case_id"], "status": row["status"],
        "status_notes": row["status_notes"],
        "service_name": known.name_en if known else row["class_code"],
        "service_code": row["class_code"], "description": row["description"],
        "agency_responsible": lead.name_en if lead else None, "service_notice": None,
        "requested_datetime": _local(request, row["requested_at"]),
        "updated_datetime": _local(request, row["updated_at"]), "expected_datetime": None,
        "address": row["address"], "address_id": None, "zipcode": None,
        "lat": row["latitude"], "long": row["longitude"], "media_url": None,
    }  # fmt: skip


def _local(request: web.Request, moment: datetime) -> str:
    zone = request.app[RUNTIME].services.definitions.calendar.zone
    return moment.astimezone(zone).isoformat(timespec="seconds")


def _rendered(kind: str, root: str, value: Any, status: int = 200) -> web.Response:
    if kind == "json":
        body = orjson.dumps(value)
    else:
        element = _element(root, value)
        body = ElementTree.tostring(element, encoding="utf-8", xml_declaration=True)
    return web.Response(status=status, body=body, content_type=FORMATS[kind], charset="utf-8")


def _element(name: str, value: Any) -> ElementTree.Element:
    """Lists as elements of their singular, objects as children, nothing as an empty element."""
    element = ElementTree.Element(name)
    if isinstance(value, dict):
        element.extend(_element(key, each) for key, each in value.items())
    elif isinstance(value, Sequence) and not isinstance(value, str):
        singular = _singular(name)
        element.extend(_element(singular, each) for each in value)
    elif value is not None:
        text = str(value).lower() if isinstance(value, bool) else str(value)
        element.text = NOT_XML.sub("\ufffd", text)
    return element


def _singular(name: str) -> str:
    """The name of a list's items: `service_requests` has `request`, as in the specification."""
    return XML_WORDS.get(name.rpartition("_")[2], name.removesuffix("s"))


def _answering(work: Work) -> Callable[[web.Request], Awaitable[web.Response]]:
    """The aiohttp handler: limits, the format in the path, and the specification's errors."""

    async def handle(request: web.Request) -> web.Response:
        kind = request.match_info["format"]
        try:
            request.app[LIMITER].spend(request.remote or "unknown")
            root, value = await work(request)
            created = 201 if request.method == "POST" else 200
            return _rendered(kind, root, value, created)
        except Open311Error as error:
            return _error(kind, error.status, error.message)
        except (InvalidInput, RateLimited) as error:
            return _error(kind, int(status_of(error)), error.message)

    return handle


def _error(kind: str, status: int, description: str) -> web.Response:
    return _rendered(kind, "errors", [{"code": status, "description": description}], status)


def add_open311(app: web.Application) -> None:
    """The specification's paths, each in both formats."""
    kinds = "{format:" + "|".join(FORMATS) + "}"
    for path, work in (
        ("/discovery", discovery),
        ("/services", services),
        ("/services/{service_code:[^/]+}", service),
        ("/requests", requests),
        ("/requests/{service_request_id:[^/]+}", one_request),
        ("/tokens/{token:[^/]+}", token),
    ):
        app.router.add_get(f"{PREFIX}{path}.{kinds}", _answering(work))
    app.router.add_post(f"{PREFIX}/requests.{kinds}", _answering(report))

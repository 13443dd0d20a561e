"""Service requests: reported, listed, and looked at one by one."""

from datetime import timedelta
from typing import Any

import orjson
from aiohttp import web
from pydantic import ValidationError

from citybrain.definitions.inspection.cases import CaseClass
from citybrain.domain.inspection import telling
from citybrain.domain.inspection.case import InspectionCase
from citybrain.domain.inspection.case_events import CaseSource
from citybrain.http.inspection.open311.clients import (
    ASKED,
    CASE_ID,
    CONTACT_FIELDS,
    contact_of,
    context_of,
    definitions_of,
    form_of,
    local_time,
    not_valid,
)
from citybrain.http.inspection.open311.reading import (
    FOREVER,
    Fields,
    Form,
    Open311Error,
    between,
    listed,
    page,
    span,
)
from citybrain.http.inspection.open311.services import notice_of
from citybrain.http.paging import caught_up
from citybrain.http.runtime import RUNTIME, Runtime
from commands.inspection.case import ReportCase, checked_attributes, report_case
from projections.inspection import service_requests

CONTACT = "open311-contact"
CONTACT_KEPT = timedelta(days=180)
REPORT_FIELDS = {
    "api_key",
    "jurisdiction_id",
    "service_code",
    "lat",
    "long",
    "address_string",
    "address_id",
    "description",
    *CONTACT_FIELDS,
}


async def report(request: web.Request) -> tuple[str, Any]:
    """Report a problem; answers its id at once."""
    runtime, form = request.app[RUNTIME], await form_of(request, REPORT_FIELDS)
    context = await context_of(request, form.fields)
    classes = definitions_of(request).offered
    command = _report_of(form, classes)
    contact = contact_of(form.fields, CONTACT_FIELDS)
    checked_attributes(command, context, runtime.services, runtime.services.clock())
    case_id = InspectionCase.new_id()
    await _keep_contact(runtime, case_id, contact)
    await report_case(command, context, runtime.services, case_id=case_id)
    notice = notice_of(classes[command.class_code])
    return "service_requests", [
        {"service_request_id": case_id, "service_notice": notice, "account_id": None}
    ]


async def requests(request: web.Request) -> tuple[str, Any]:
    """Service requests: by id, or by class, status and time (90 days, the first 1 000)."""
    pool, asked = request.app[RUNTIME].store.models, request[ASKED]
    if (ids := listed(asked, "service_request_id")) is not None:  # overrides all else
        wanted = [case_id for case_id in ids if CASE_ID.fullmatch(case_id)]
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
            statuses=listed(asked, "status", (telling.OPEN, telling.CLOSED)),
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
    pool = runtime.store.models
    await caught_up(pool, "service_requests", events[-1].position)
    rows = await service_requests.by_id(pool, [case_id])
    return "service_requests", [_request(request, row, asked) for row in rows]


async def token(request: web.Request) -> tuple[str, Any]:
    """The id behind a token: ours are the same."""
    wanted = request.match_info["token"]
    if not CASE_ID.fullmatch(wanted) or not await request.app[RUNTIME].store.read(wanted, limit=1):
        raise Open311Error(404, "token not found")
    return "service_requests", [{"service_request_id": wanted, "token": wanted}]


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
        raise not_valid(wrong) from wrong


def _degrees(fields: Fields, name: str) -> float:
    try:
        return float(fields[name])
    except ValueError as wrong:
        raise Open311Error(400, f"{name} is not a number") from wrong


async def _keep_contact(runtime: Runtime, case_id: str, contact: dict[str, str]) -> None:
    """Seal how to reach whoever reports; before the report, so that none is lost."""
    if not contact:
        return
    vault = runtime.services.vault
    await vault.create_key(case_id)
    kept_until = runtime.services.clock() + CONTACT_KEPT
    await vault.keep(case_id, CONTACT, orjson.dumps(contact), kept_until)


def _request(request: web.Request, row: dict[str, Any], asked: Fields) -> dict[str, Any]:
    """A row in the specification's names; times with the city's offset."""
    definitions = definitions_of(request)
    known = definitions.classes.get(row["class_code"])
    lead = definitions.departments.get(row["lead"])
    is_open = row["status"] == telling.OPEN
    found = {
        "service_request_id": row["case_id"],
        "status": row["status"],
        "status_notes": row["status_notes"],
        "service_name": known.name_en if known else row["class_code"],
        "service_code": row["class_code"],
        "description": row["description"],
        "agency_responsible": lead.name_en if lead else None,
        "service_notice": notice_of(known) if known and is_open else None,
        "requested_datetime": local_time(request, row["requested_at"]),
        "updated_datetime": local_time(request, row["updated_at"]),
        "expected_datetime": row["expected_at"] and local_time(request, row["expected_at"]),
        "address": row["address"],
        "address_id": row["address_id"],
        "zipcode": None,
        "lat": row["latitude"],
        "long": row["longitude"],
        "media_url": None,
    }
    if asked.get("extensions") == "true":
        given = [{"code": code, "values": some} for code, some in row["attributes"].items()]
        found["extended_attributes"] = {"attributes": given}
    return found

"""What reporters are told of service requests, and what they say of them."""

import re
from typing import Any

from aiohttp import web
from pydantic import ValidationError

from citybrain.domain.times import TimeOutOfOrder
from citybrain.errors import NotFound
from citybrain.http.anonymous import anonymous_place
from citybrain.http.inspection.open311.clients import (
    ASKED,
    CASE_ID,
    CONTACT_FIELDS,
    contact_of,
    context_of,
    form_of,
    local_time,
    not_valid,
    once_of,
)
from citybrain.http.inspection.open311.reading import Form, Open311Error, listed, moment, page, span
from citybrain.http.inspection.open311.reporting import keep_photos
from citybrain.http.paging import caught_up
from citybrain.http.runtime import RUNTIME
from commands.inspection.comments import CommentCase, comment_case
from projections.inspection import service_requests

UPDATE_CONTACT_FIELDS = CONTACT_FIELDS | {"title": 40}
UPDATE_FIELDS = {
    "api_key",
    "jurisdiction_id",
    "service_request_id",
    "service_request_id_ext",
    "service_code",
    "update_id",
    "updated_datetime",
    "status",
    "description",
    "public_anonymity_required",
    "email_alerts_requested",
    *UPDATE_CONTACT_FIELDS,
}
STATED = re.compile(r"[A-Z][A-Z_ -]{0,39}")  # no client's list of words is the last one


async def updates(request: web.Request) -> tuple[str, Any]:
    """What reporters are told, oldest first: of the last day where no time is asked for."""
    store, asked = request.app[RUNTIME].store, request[ASKED]
    await caught_up(store.models, "service_requests", await store.head())
    since, until = span(asked, "start_date", "end_date", days=1)
    limit, offset = page(asked)
    async with anonymous_place(request):
        rows = await service_requests.updates(
            store.models,
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
            "updated_datetime": local_time(row["updated_at"]),
            "description": row["description"],
            "media_url": None,
        }
        for row in rows
    ]


async def update(request: web.Request) -> tuple[str, Any]:
    """Say something of a service request; the same `update_id` says it once."""
    runtime, form = request.app[RUNTIME], await form_of(request, UPDATE_FIELDS)
    fields = form.fields
    context = await context_of(request, fields, once_of(request, "update", fields.get("update_id")))
    if "service_request_id" not in fields:
        raise Open311Error(400, "service_request_id was not provided")
    if not (form.photos or fields.keys() & {"description", "status", "media_url"}):
        raise Open311Error(400, "description was not provided, nor a status or a photo")
    case_id, command = fields["service_request_id"], _comment_of(form)
    if not CASE_ID.fullmatch(case_id):
        raise Open311Error(404, "service_request_id not found")
    if form.photos:
        digests = await keep_photos(runtime, context, form.photos)
        seen = command.contact | {"media": "\n".join(digests)}
        command = command.model_copy(update={"contact": seen})
    try:
        result = await comment_case(case_id, command, context, runtime.services)
    except NotFound as missing:
        raise Open311Error(404, "service_request_id not found") from missing
    except TimeOutOfOrder as wrong:
        raise Open311Error(400, "updated_datetime lies before the report or to come") from wrong
    update_id = _update_id(case_id, result.version)
    return "service_request_updates", [{"update_id": update_id, "service_request_id": case_id}]


def _comment_of(form: Form) -> CommentCase:
    fields = form.fields
    stated = fields.get("status", "").upper()
    contact = contact_of(form, UPDATE_CONTACT_FIELDS, form.attributes)
    if stated and not STATED.fullmatch(stated):
        contact["other:status"] = fields["status"]
        stated = ""
    try:
        return CommentCase(
            text=fields.get("description", ""),
            stated=stated or None,
            contact=contact,
            written_at=moment(fields, "updated_datetime"),
        )
    except ValidationError as wrong:
        raise not_valid(wrong) from wrong


def _update_id(case_id: str, version: int) -> str:
    return f"{case_id}-{version}"

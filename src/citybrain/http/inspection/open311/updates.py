"""What reporters are told of service requests, and what they say of them."""

from typing import Any

from aiohttp import web
from pydantic import ValidationError

from citybrain.domain.times import TimeOutOfOrder
from citybrain.errors import NotFound
from citybrain.http.inspection.open311.clients import (
    ASKED,
    CASE_ID,
    CONTACT_FIELDS,
    contact_of,
    context_of,
    form_of,
    local_time,
    not_valid,
)
from citybrain.http.inspection.open311.reading import (
    Fields,
    Open311Error,
    listed,
    moment,
    page,
    span,
)
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
UPDATE_STATUSES = (
    "OPEN",
    "CLOSED",
    "FIXED",
    "IN_PROGRESS",
    "ACTION_SCHEDULED",
    "PLANNED",
    "INVESTIGATING",
    "DUPLICATE",
    "NO_FURTHER_ACTION",
    "NOT_COUNCILS_RESPONSIBILITY",
    "INTERNAL_REFERRAL",
    "REOPEN",
    "FOR_TRIAGE",
    "UNABLE_TO_FIX",
)


async def updates(request: web.Request) -> tuple[str, Any]:
    """What reporters are told, oldest first: of the last day where no time is asked for."""
    pool, asked = request.app[RUNTIME].store.models, request[ASKED]
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
            "updated_datetime": local_time(request, row["updated_at"]),
            "description": row["description"],
            "media_url": None,
        }
        for row in rows
    ]


async def update(request: web.Request) -> tuple[str, Any]:
    """Say something of a service request; the same `update_id` says it once."""
    runtime, form = request.app[RUNTIME], await form_of(request, UPDATE_FIELDS)
    fields = form.fields
    context = await context_of(request, fields, fields.get("update_id"))
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


def _comment_of(fields: Fields) -> CommentCase:
    stated = fields.get("status", "").upper() or None
    if stated is not None and stated not in UPDATE_STATUSES:
        raise Open311Error(400, f"status is one of {', '.join(UPDATE_STATUSES)}")
    try:
        return CommentCase(
            text=fields["description"],
            stated=stated,
            contact=contact_of(fields, UPDATE_CONTACT_FIELDS),
            written_at=moment(fields, "updated_datetime"),
        )
    except ValidationError as wrong:
        raise not_valid(wrong) from wrong


def _update_id(case_id: str, version: int) -> str:
    return f"{case_id}-{version}"

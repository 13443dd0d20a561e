"""Applications as read: one's own with live steps, and what waits for an officer.

Everything here comes from read models, which hold nothing that is sealed.
"""

import re
from collections.abc import AsyncGenerator, Sequence
from datetime import datetime
from typing import Any

import orjson
from aiohttp import web
from pydantic import BaseModel, Field

from citybrain.city_day import city_day
from citybrain.definitions.yaml_file import Code
from citybrain.domain.applications.reading_rights import (
    APPLICANTS_AND_OFFICE,
    NOBODYS,
    OFFICE,
    READERS,
    Whose,
    applicant_listed,
    department_listed,
    may_read,
    may_read_explanation,
    step_shown,
)
from citybrain.domain.applications.refusals import NotYourApplication
from citybrain.domain.applications.statuses import Status, has_ended
from citybrain.eventstore import StreamNotFound
from citybrain.http.accessing import opened
from citybrain.http.applications.application import application_id_of
from citybrain.http.looking import Looking
from citybrain.http.paging import (
    PagedQuery,
    ReadModelQuery,
    caught_up,
    decode_time_cursor,
    page,
    wait_for_position,
)
from citybrain.http.routing import Answer, Call, Opens, Route, json_response
from citybrain.http.sse import last_seen, message, stream_events
from commands.citizens import check_served
from projections.applications import applications
from projections.applications.applications import ApplicationRow, QueueRow, StepRow, Undelivered

MODEL = "applications"
ENDED = "-end"
STEP_SEEN = re.compile(r"[0-9]{1,9}(-end)?")


class ApplicationsQuery(PagedQuery):
    """Which applications; citizens see their own only, officials their department's."""

    status: Status | None = None
    service: Code | None = None
    department: Code | None = None
    citizen_id: str | None = Field(None, pattern=r"^citizen-[0-9a-f]{32}$")


class QueueQuery(PagedQuery):
    """Of which department; officials see their own."""

    department: Code | None = None


class ApplicationDetails(BaseModel):
    """An application with its steps."""

    application: ApplicationRow
    steps: list[StepRow]


class Applications(BaseModel):
    """A page, newest first."""

    applications: list[ApplicationRow]
    next: str | None = Field(description="send as `after` for the next page")


class Queue(BaseModel):
    """A page, most urgent first: by the legal day to decide, then by the submission."""

    applications: list[QueueRow]
    next: str | None = Field(description="send as `after` for the next page")


def _may_read(call: Call, row: dict[str, Any] | None) -> bool:
    return may_read(call.authenticated, NOBODYS if row is None else _whose(row))


def _whose(row: dict[str, Any]) -> Whose:
    return Whose(row["citizen_id"], row["held_by"], row["department"], row["guardian"])


async def _readable(call: Call) -> dict[str, Any]:
    """The row, for whoever may read it; strangers are not told whether it is there."""
    application_id = application_id_of(call)
    row = await applications.one(call.runtime.store.models, application_id)
    if row is None:  # it may have been submitted a moment ago
        position = await call.runtime.store.head()
        pool = call.runtime.store.models
        await caught_up(pool, MODEL, position)
        row = await applications.one(pool, application_id)
    if not _may_read(call, row):
        raise NotYourApplication(
            "this application is not yours, not before you, nor your department's"
        )
    if row is None:
        raise StreamNotFound("there is no such application")
    actor, services = call.authenticated, call.runtime.services
    if not may_read_explanation(actor, _whose(row)):  # before them, at a kiosk or a counter
        await check_served(row["citizen_id"], row["service"], actor, services)
    return row


def _owned(rows: Sequence[dict[str, Any]]) -> list[tuple[str, str]]:
    """The applications that are shown, each with whose it is."""
    return [(row["application_id"], row["citizen_id"]) for row in rows]


async def show_all(call: Call) -> web.Response:
    """A page of applications."""
    query: ApplicationsQuery = call.query
    citizen_id = applicant_listed(call.authenticated, query.citizen_id)
    office = call.authenticated.has(*OFFICE)
    department = department_listed(call.authenticated, query.department)
    await wait_for_position(call.runtime, MODEL, query.min_position)
    rows = await applications.page(
        call.runtime.store.models,
        citizen_id=citizen_id,
        guardian=None if office else citizen_id,
        status=query.status and query.status.value,
        service=query.service,
        department=department,
        after=decode_time_cursor(query.after),
        limit=query.limit + 1,
    )
    shown, following = page(rows, query.limit, "submitted_at", "application_id")
    await opened(call, [*_owned(shown), *([(citizen_id, citizen_id)] if citizen_id else [])])
    return json_response(
        Applications(
            applications=[ApplicationRow.model_validate(row) for row in shown], next=following
        )
    )


async def queue(call: Call) -> web.Response:
    """What waits for an officer."""
    query: QueueQuery = call.query
    department = department_listed(call.authenticated, query.department)
    await wait_for_position(call.runtime, MODEL, query.min_position)
    rows = await applications.queue(
        call.runtime.store.models,
        department=department,
        after=decode_time_cursor(query.after),
        limit=query.limit + 1,
    )
    shown, following = page(rows, query.limit, "submitted_at", "application_id")
    await opened(call, _owned(shown))
    now, ids = call.runtime.services.clock(), [row["application_id"] for row in shown]
    missing = await applications.undelivered(call.runtime.store.models, ids)
    queued = [_queued(row, missing.get(row["application_id"], []), now) for row in shown]
    return json_response(Queue(applications=queued, next=following))


def _queued(row: dict[str, Any], missing: Sequence[Undelivered], now: datetime) -> QueueRow:
    """One that waits, as it is now: a claim that is over is none."""
    today = city_day(now)
    row = row | {"overdue": row["legal_due_on"] < today, "undelivered": missing}
    if row["claimed_until"] is not None and row["claimed_until"] <= now:
        row |= {"claimed_by": None, "claimed_until": None}
    return QueueRow.model_validate(row)


async def show(call: Call) -> web.Response:
    """One application with its steps."""
    query: ReadModelQuery = call.query
    await wait_for_position(call.runtime, MODEL, query.min_position)
    row = await _readable(call)
    await opened(call, _owned([row]))
    steps = await applications.steps(call.runtime.store.models, row["application_id"])
    details = ApplicationDetails(
        application=ApplicationRow.model_validate(row), steps=_shown(call, row, steps)
    )
    return json_response(details, headers={"ETag": f'"{row["version"]}"'})


async def live(call: Call) -> web.StreamResponse:
    """The steps so far and each new one, until the application has ended.

    Who connects again has those behind `Last-Event-ID`; 204 tells who has seen the end that there
    is no more.
    """
    row = await _readable(call)
    await opened(call, _owned([row]))
    last = last_seen(call.request, STEP_SEEN, "the id of a message of this stream") or "0"
    if last.endswith(ENDED):
        return web.Response(status=204)
    steps = _steps(call, row["application_id"], int(last))
    return await stream_events(call.request, call.runtime, steps)


async def _steps(call: Call, application_id: str, seen: int) -> AsyncGenerator[bytes, None]:
    """Looks again when the log has grown, until it has ended or is not theirs any more."""
    first, looking, pool = True, Looking(call.runtime.store, MODEL), call.runtime.store.models
    while True:
        await looking.begin()
        steps = await applications.steps(pool, application_id, seen)
        look_closer, first = bool(steps) or first, False
        if look_closer:
            row = await applications.one(pool, application_id)
            if row is None or not _may_read(call, row):
                return  # it was taken over from this kiosk
            for step in _shown(call, row, steps):
                yield _step(step)
            seen = steps[-1]["version"] if steps else seen
            if row["version"] <= seen and has_ended(row["status"], pays=row["pays"]):
                end = orjson.dumps({"status": row["status"]})
                yield message("end", end, identity=f"{seen}{ENDED}")
                return
        await looking.rest(found=look_closer)


def _shown(call: Call, row: dict[str, Any], steps: Sequence[dict[str, Any]]) -> list[StepRow]:
    """The steps, as whoever asks sees them."""
    found = (step_shown(call.authenticated, _whose(row), step) for step in steps)
    return [StepRow.model_validate(step) for step in found if step is not None]


def _step(step: StepRow) -> bytes:
    data = orjson.dumps(step.model_dump(mode="json"))
    return message("step", data, identity=step.version)


ROUTES = (
    Route(
        method="GET",
        path="/v1/applications",
        summary="Applications, newest first",
        tag="applications",
        handler=show_all,
        roles=APPLICANTS_AND_OFFICE,
        query=ApplicationsQuery,
        answers={200: Answer("a page", Applications)},
        opens=Opens(what="list", purpose="application"),
    ),
    Route(
        method="GET",
        path="/v1/applications/queue",
        summary="What waits for an officer",
        tag="applications",
        handler=queue,
        roles=OFFICE,
        query=QueueQuery,
        answers={200: Answer("a page, most urgent first", Queue)},
        opens=Opens(what="queue", purpose="application"),
    ),
    Route(
        method="GET",
        path="/v1/applications/{application_id}",
        tag="applications",
        summary="One application with its steps",
        handler=show,
        roles=READERS,
        query=ReadModelQuery,
        answers={200: Answer("the application", ApplicationDetails)},
        opens=Opens(what="application", purpose="application"),
    ),
    Route(
        method="GET",
        path="/v1/applications/{application_id}/live",
        tag="applications",
        summary="Its steps as they come (server-sent events)",
        handler=live,
        roles=READERS,
        answers={200: Answer("text/event-stream of `step` events, then `end`")},
        streaming=True,
        opens=Opens(what="application", purpose="application"),
    ),
)

"""The deadline board over HTTP: what is due next, and whose it is."""

from datetime import datetime, timedelta
from typing import Annotated

from aiohttp import web
from pydantic import AwareDatetime, BaseModel, Field, StringConstraints

from citybrain.domain.inspection import reading_rights as rights
from citybrain.http.paging import PagedQuery, ReadModelQuery, decode_cursor, page, wait_for_position
from citybrain.http.routing import Answer, Call, Route, json_response
from commands.fields import Code
from projections.inspection import case_desk_questions as desk
from projections.inspection.case_desk import DeadlineRow
from projections.inspection.case_desk_questions import DeadlineCount

District = Annotated[str, StringConstraints(pattern=r"^\d{6}$")]


class DeadlineBoard(BaseModel):
    """A page, the next deadline first."""

    deadlines: list[DeadlineRow]
    next: str | None = Field(description="send as `after` for the next page")


class DeadlineQuery(PagedQuery):
    """Which deadlines. Those of deferred cases stand still and are not shown."""

    responsible: Code | None = None
    stage: Code | None = None
    district: District | None = None
    within_hours: float | None = Field(
        None, ge=0, le=10_000, description="due within so many hours, or overdue; 0: overdue"
    )


class DeadlineSummary(BaseModel):
    """All of them."""

    at: AwareDatetime
    counts: list[DeadlineCount]


async def deadlines(call: Call) -> web.Response:
    """A page of the deadline board."""
    query: DeadlineQuery = call.query
    responsible = rights.department_to_read(call.authenticated, query.responsible)
    await wait_for_position(call.runtime, "case_desk", query.min_position)
    now = call.runtime.services.clock()
    hours = query.within_hours
    rows = await desk.deadlines(
        call.runtime.store.models,
        responsible=responsible,
        stage=query.stage,
        district=query.district,
        after=_after(query.after),
        limit=query.limit + 1,
        due_before=None if hours is None else now + timedelta(hours=hours),
    )
    shown, following = page(rows, query.limit, "due_at", "case_id", "code")
    found = [DeadlineRow(**row) for row in shown]
    return json_response(DeadlineBoard(deadlines=found, next=following))


def _after(cursor: str | None) -> tuple[datetime, str, str] | None:
    if cursor is None:
        return None
    due_at, case_id, code = decode_cursor(cursor, 3)
    return due_at, case_id, code


async def deadline_summary(call: Call) -> web.Response:
    """How many are overdue or near, by who is responsible."""
    await wait_for_position(call.runtime, "case_desk", call.query.min_position)
    now = call.runtime.services.clock()
    counts = await desk.deadline_counts(call.runtime.store.models, now)
    return json_response(
        DeadlineSummary(at=now, counts=[DeadlineCount(**count) for count in counts])
    )


ROUTES = (
    Route(
        method="GET",
        path="/v1/deadlines",
        summary="The deadline board, next deadline first",
        tag="cases",
        handler=deadlines,
        roles=rights.DESK,
        query=DeadlineQuery,
        answers={200: Answer("a page", DeadlineBoard)},
    ),
    Route(
        method="GET",
        path="/v1/deadlines/summary",
        summary="Overdue and near, by department",
        tag="cases",
        handler=deadline_summary,
        roles=rights.DESK,
        query=ReadModelQuery,
        answers={200: Answer("the counts", DeadlineSummary)},
    ),
)

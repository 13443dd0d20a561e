"""The case desk over HTTP: which cases there are, what is near, how many are open."""

from collections.abc import Sequence
from typing import Annotated

from aiohttp import web
from pydantic import BaseModel, Field, StringConstraints

from citybrain.domain.inspection import reading_rights as rights
from citybrain.domain.inspection.case_events import CaseSource
from citybrain.domain.inspection.daily_events import Priority
from citybrain.domain.inspection.publication_events import Visibility
from citybrain.geo.gcj02 import Crs, from_wgs84, to_wgs84
from citybrain.http.paging import (
    CrsQuery,
    PagedQuery,
    ReadModelQuery,
    decode_time_cursor,
    page,
    wait_for_position,
)
from citybrain.http.routing import Answer, Call, Route, json_response
from commands.fields import Code, Moment
from commands.inspection.asset import AssetCode
from commands.inspection.daily import Subject
from commands.inspection.words import opened_words
from projections.inspection import case_desk_questions as desk
from projections.inspection.case_desk import CaseRow
from projections.inspection.case_desk_questions import NearRow, OpenCount, Wanted
from projections.reading import Row


class CasePage(BaseModel):
    """A page of cases, oldest first."""

    cases: list[CaseRow]
    next: str | None = Field(description="cursor of the next page; null on the last one")


class Near(BaseModel):
    """Open cases, nearest first."""

    cases: list[NearRow]


class OpenCounts(BaseModel):
    """All counts of open cases."""

    counts: list[OpenCount]


class CaseFilter(ReadModelQuery):
    """Which cases; open ones where nothing else is said."""

    open: bool | None = Field(None, description="true where neither this nor a status is given")
    department: Code | None = None
    class_code: Code | None = Field(None, alias="class")
    status: Annotated[str, StringConstraints(pattern=r"^[a-z]{1,16}$")] | None = None
    source: CaseSource | None = None
    area: Annotated[str, StringConstraints(pattern=r"^\d{6}(\d{3}){0,3}$")] | None = Field(
        None, description="code of a district, street, community or cell"
    )
    overdue: bool | None = None
    waiting: bool | None = Field(None, description="with changes that a supervisor has to settle")
    since: Moment | None = Field(None, description="reported then or later")
    until: Moment | None = Field(None, description="reported before")
    priority: Priority | None = None
    assignee: Subject | None = Field(None, description="the subject of who does it")
    asset: AssetCode | None = Field(None, description="the code of what it is about")
    placed: bool | None = Field(None, description="false: those that wait for a place")
    q: Annotated[str, StringConstraints(min_length=2, max_length=100)] | None = Field(
        None, description="a part of its address, its id, or what it is called elsewhere"
    )
    visibility: Visibility | None = Field(
        None, description="what of it is public; flagged: a person has to look at its words"
    )


class CaseListQuery(CaseFilter, PagedQuery, CrsQuery):
    """A page of which cases."""


class NearQuery(ReadModelQuery, CrsQuery):
    """Around which point."""

    latitude: float = Field(ge=-90, le=90, allow_inf_nan=False)
    longitude: float = Field(ge=-180, le=180, allow_inf_nan=False)
    radius_m: float = Field(500.0, gt=0, le=5000, allow_inf_nan=False)
    department: Code | None = None
    limit: int = Field(50, ge=1, le=200)


async def list_cases(call: Call) -> web.Response:
    """A page of cases."""
    query: CaseListQuery = call.query
    department = rights.department_to_read(call.authenticated, query.department)
    await wait_for_position(call.runtime, "case_desk", query.min_position)
    wanted = wanted_of(query, department)
    after = decode_time_cursor(query.after)
    rows = await desk.cases(call.runtime.store.models, wanted, after=after, limit=query.limit + 1)
    shown, following = page(rows, query.limit, "reported_at", "case_id")
    cases = [CaseRow(**row) for row in await with_words(call, shown, query.crs)]
    return json_response(CasePage(cases=cases, next=following))


def wanted_of(query: CaseFilter, department: str | None) -> Wanted:
    """What the filters want, of a department's cases or of all."""
    return Wanted(
        is_open=True if query.open is None and query.status is None else query.open,
        department=department,
        class_code=query.class_code,
        status=query.status,
        source=query.source,
        area=query.area,
        overdue=query.overdue,
        waiting=query.waiting,
        since=query.since,
        until=query.until,
        visibility=query.visibility and query.visibility.value,
        priority=query.priority and query.priority.value,
        assignee=query.assignee,
        said=query.q,
        asset_code=query.asset,
        placed=query.placed,
    )


async def near(call: Call) -> web.Response:
    """Open cases around a point."""
    query: NearQuery = call.query
    department = rights.department_to_read(call.authenticated, query.department)
    await wait_for_position(call.runtime, "case_desk", query.min_position)
    latitude, longitude = to_wgs84(query.latitude, query.longitude, query.crs)
    rows = await desk.near(
        call.runtime.store.models,
        latitude,
        longitude,
        radius_m=query.radius_m,
        department=department,
        limit=query.limit,
    )
    near = [NearRow(**row) for row in await with_words(call, rows, query.crs)]
    return json_response(Near(cases=near))


async def with_words(call: Call, rows: Sequence[Row], crs: Crs) -> Sequence[Row]:
    """Rows with their words, in the client's coordinates."""
    words = await opened_words(call.runtime.services.vault, rows)
    for row, said in zip(rows, words, strict=True):
        row["description"] = said
        if row["latitude"] is not None:
            row["latitude"], row["longitude"] = from_wgs84(row["latitude"], row["longitude"], crs)
    return rows


async def open_counts(call: Call) -> web.Response:
    """Open cases by department and class."""
    await wait_for_position(call.runtime, "case_desk", call.query.min_position)
    rows = await desk.open_counts(call.runtime.store.models)
    return json_response(OpenCounts(counts=[OpenCount(**row) for row in rows]))


ROUTES = (
    Route(
        method="GET",
        path="/v1/cases",
        summary="The case desk, oldest first",
        tag="cases",
        handler=list_cases,
        roles=rights.DESK,
        query=CaseListQuery,
        answers={200: Answer("a page", CasePage)},
    ),
    Route(
        method="GET",
        path="/v1/cases/near",
        summary="Open cases around a point, nearest first",
        tag="cases",
        handler=near,
        roles=rights.DESK,
        query=NearQuery,
        answers={200: Answer("the cases", Near)},
    ),
    Route(
        method="GET",
        path="/v1/statistics/open",
        summary="Open cases by department and class",
        tag="statistics",
        handler=open_counts,
        roles=rights.STATISTICS,
        query=ReadModelQuery,
        answers={200: Answer("the counts", OpenCounts)},
    ),
)

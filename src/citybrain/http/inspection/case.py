"""Inspection cases over HTTP: report, each step, and the read models."""

from operator import itemgetter
from typing import Annotated, Any

from aiohttp import web
from pydantic import AwareDatetime, BaseModel, Field, StringConstraints

from citybrain.city_day import city_day
from citybrain.definitions.inspection.cases import cases_at
from citybrain.domain.actor import Actor, Role
from citybrain.domain.inspection.case import InspectionCase
from citybrain.domain.inspection.case_events import CaseSource
from citybrain.errors import Forbidden
from citybrain.eventstore import StreamNotFound
from citybrain.geo.gcj02 import Crs, from_wgs84, to_wgs84
from citybrain.http.commanding import Handler, context, created, id_in_path, on
from citybrain.http.paging import (
    MAX_POSITION,
    CrsQuery,
    DatedQuery,
    PagedQuery,
    Query,
    ReadModelQuery,
    decode_time_cursor,
    in_wgs84,
    page,
    page_by,
    wait_for_position,
)
from citybrain.http.routing import Answer, Call, Route, json_response
from commands.fields import Code, Moment
from commands.inspection import case as commands
from projections.inspection import case_days, case_timeline
from projections.inspection import case_desk_questions as desk
from projections.inspection.case_days import DayRow
from projections.inspection.case_desk import CaseRow
from projections.inspection.case_desk_questions import NearRow, OpenCount, Wanted
from projections.inspection.case_timeline import TimelineEntry

STAFF = (Role.OFFICIAL, Role.OPERATOR, Role.SUPERVISOR, Role.AUDITOR)
READERS = (*STAFF, Role.CITIZEN, Role.DEVICE)
MOST_DETECTIONS = 100

case_id_of = id_in_path("case_id", r"case-[A-Za-z0-9_.:-]{1,155}", "case")


class CaseAnswer(BaseModel):
    """What a command on a case answers."""

    case_id: str
    status: str
    version: int


class MergedDetection(BaseModel):
    """A detection that is evidence of a case."""

    detection_id: str
    camera_id: str
    case_id: str = Field(description="the case that it first belonged to")
    with_case_id: str | None = Field(description="the merged case that it came with")


class CaseState(BaseModel):
    """A case as its events make it."""

    case_id: str
    version: int
    status: str
    source: str
    class_code: str
    description: str
    latitude: float
    longitude: float
    address: str | None
    confidence: int | None
    evidence_sha256: list[str]
    simulated: bool
    external_ref: str | None
    departments: list[str]
    lead: str | None
    accepted_by: list[str]
    tasks: list[dict[str, Any]] = Field(description="of the joint decision, finished or not")
    times_returned: int
    times_reopened: int
    times_extended: int
    reported_at: AwareDatetime
    last_occurred_at: AwareDatetime
    handled_at: AwareDatetime | None
    recheck_at: AwareDatetime | None = Field(description="when its cameras may verify it")
    deferred_until: AwareDatetime | None
    place: dict[str, str | None] | None = Field(description="codes of its areas and grid cell")
    attributes: dict[str, list[str]] | None
    deadlines: list[dict[str, Any]] = Field(description="that run now")
    requests: list[dict[str, Any]] = Field(description="for a supervisor to settle")
    detections: list[MergedDetection] = Field(
        description=f"the {MOST_DETECTIONS} that were merged last, oldest first"
    )
    detections_total: int
    absorbed: list[str] = Field(description="cases merged into this one")
    merged_into: str | None


class CasePage(BaseModel):
    """A page of cases, oldest first."""

    cases: list[CaseRow]
    next: str | None = Field(description="cursor of the next page; null on the last one")


class Near(BaseModel):
    """Open cases, nearest first."""

    cases: list[NearRow]


class Timeline(BaseModel):
    """The history of a case."""

    case_id: str
    entries: list[TimelineEntry]
    next: int | None = Field(description="`after` of the next page; null on the last one")


class Days(BaseModel):
    """Statistics by city day and class."""

    days: list[DayRow]


class OpenCounts(BaseModel):
    """All counts of open cases."""

    counts: list[OpenCount]


class ClassRow(BaseModel):
    """A class of street problem and where its cases go."""

    code: str
    name: str
    name_en: str
    departments: list[str]
    lead: str


class Classes(BaseModel):
    """The classes in force."""

    version: str
    classes: list[ClassRow]


class DepartmentRow(BaseModel):
    """A department."""

    code: str
    name: str
    name_en: str


class Departments(BaseModel):
    """The departments in force."""

    version: str
    departments: list[DepartmentRow]


class CaseListQuery(PagedQuery, CrsQuery):
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


class NearQuery(ReadModelQuery, CrsQuery):
    """Around which point."""

    latitude: float = Field(ge=-90, le=90, allow_inf_nan=False)
    longitude: float = Field(ge=-180, le=180, allow_inf_nan=False)
    radius_m: float = Field(500.0, gt=0, le=5000, allow_inf_nan=False)
    department: Code | None = None
    limit: int = Field(50, ge=1, le=200)


class HistoryQuery(ReadModelQuery):
    """A page of what happened to a case, the oldest first."""

    after: int = Field(0, ge=0, le=MAX_POSITION, description="`next` of the page before")
    limit: int = Field(200, ge=1, le=1000, description="rows in the page, at most")


class TimelineQuery(HistoryQuery):
    """How much of the history."""

    merged: bool = Field(False, description="also that of the cases merged into this one")


class DaysQuery(DatedQuery):
    """Which days, of which class."""

    class_code: str | None = Field(
        None, alias="class", max_length=64, pattern=r"^[a-z][a-z0-9_-]*$"
    )


async def report(call: Call) -> web.Response:
    """Report a problem."""
    body = in_wgs84(call.body, call.query.crs)
    result = await commands.report_case(body, context(call), call.runtime.services)
    return created(result, "/v1/cases")


async def show(call: Call) -> web.Response:
    """The state of a case, from its stream."""
    case_id = case_id_of(call)
    await check_may_read(call, case_id)
    case = await call.runtime.store.load(InspectionCase, case_id)
    fields = {name: value for name, value in vars(case).items() if not name.startswith("_")}
    shown = from_wgs84(case.latitude, case.longitude, call.query.crs)
    fields["latitude"], fields["longitude"] = shown
    newest = list(case.detections.items())[-MOST_DETECTIONS:]
    fields["detections"] = [{"detection_id": each, **seen} for each, seen in newest]
    fields["detections_total"] = len(case.detections)
    state = CaseState(case_id=case.id, version=case.version, **fields)
    return json_response(state, headers={"ETag": f'"{case.version}"'})


async def check_may_read(call: Call, case_id: str) -> None:
    """The centre reads any case, an official their department's; all read what they reported."""
    actor = call.authenticated
    if actor.has(Role.OPERATOR, Role.SUPERVISOR, Role.AUDITOR):
        return
    if actor.has(Role.OFFICIAL):
        case = await call.runtime.store.load(InspectionCase, case_id)
        if actor.department in case.departments:
            return
    first = await call.runtime.store.read(case_id, limit=1)
    if not first or first[0].metadata.get("actor") != actor.subject:
        raise StreamNotFound("there is no such case")


async def list_cases(call: Call) -> web.Response:
    """A page of cases."""
    query: CaseListQuery = call.query
    department = department_for(call.authenticated, query.department)
    await wait_for_position(call.runtime, "case_desk", query.min_position)
    wanted = Wanted(
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
    )
    after = decode_time_cursor(query.after)
    rows = await desk.cases(call.runtime.store.pool, wanted, after=after, limit=query.limit + 1)
    shown, following = page(rows, query.limit, "reported_at", "case_id")
    cases = [CaseRow(**_shown(row, query.crs)) for row in shown]
    return json_response(CasePage(cases=cases, next=following))


async def near(call: Call) -> web.Response:
    """Open cases around a point."""
    query: NearQuery = call.query
    department = department_for(call.authenticated, query.department)
    await wait_for_position(call.runtime, "case_desk", query.min_position)
    latitude, longitude = to_wgs84(query.latitude, query.longitude, query.crs)
    rows = await desk.near(
        call.runtime.store.pool,
        latitude,
        longitude,
        radius_m=query.radius_m,
        department=department,
        limit=query.limit,
    )
    return json_response(Near(cases=[NearRow(**_shown(row, query.crs)) for row in rows]))


def _shown(row: dict[str, Any], crs: Crs) -> dict[str, Any]:
    """A row in the client's coordinates."""
    latitude, longitude = from_wgs84(row["latitude"], row["longitude"], crs)
    return row | {"latitude": latitude, "longitude": longitude}


def department_for(actor: Actor, asked: str | None) -> str | None:
    """An official sees the cases of their own department; operators and auditors see all."""
    if actor.has(Role.OPERATOR, Role.SUPERVISOR, Role.AUDITOR):
        return asked
    if actor.department is None or asked not in (None, actor.department):
        raise Forbidden("an official sees the cases of their own department")
    return actor.department


async def timeline(call: Call) -> web.Response:
    """The timeline of a case."""
    case_id, query = case_id_of(call), call.query
    await check_may_read(call, case_id)
    await wait_for_position(call.runtime, "case_timeline", query.min_position)
    staff = call.authenticated.has(*STAFF)  # who reports sees nothing of other people's reports
    others = await _merged_into(call, case_id, {case_id}) if query.merged and staff else []
    rows = await case_timeline.history(
        call.runtime.store.pool, [case_id, *others], after=query.after, limit=query.limit + 1
    )
    if not rows and not query.after:
        raise StreamNotFound("there is no such case, or it is not in the timeline yet")
    shown, following = page_by(rows, query.limit, itemgetter("position"))
    entries = [TimelineEntry(**each) for each in shown]
    return json_response(Timeline(case_id=case_id, entries=entries, next=following))


async def _merged_into(call: Call, case_id: str, seen: set[str]) -> list[str]:
    """The cases that are part of this one, and those that are part of them."""
    case = await call.runtime.store.load(InspectionCase, case_id)
    found: list[str] = []
    for other in case.absorbed:
        if other not in seen:
            seen.add(other)
            found += [other, *await _merged_into(call, other, seen)]
    return found


async def days(call: Call) -> web.Response:
    """Counts and times by day."""
    query: DaysQuery = call.query
    since, until = query.days(city_day(call.runtime.services.clock()))
    await wait_for_position(call.runtime, "case_days", query.min_position)
    rows = await case_days.days(
        call.runtime.store.pool, since=since, until=until, class_code=query.class_code
    )
    return json_response(Days(days=[DayRow(**row) for row in rows]))


async def open_counts(call: Call) -> web.Response:
    """Open cases by department and class."""
    await wait_for_position(call.runtime, "case_desk", call.query.min_position)
    rows = await desk.open_counts(call.runtime.store.pool)
    return json_response(OpenCounts(counts=[OpenCount(**row) for row in rows]))


async def classes(call: Call) -> web.Response:
    """The classes of problems."""
    services = call.runtime.services
    in_force = cases_at(services.definitions, services.clock())
    rows = [
        ClassRow(
            code=c.code,
            name=c.name,
            name_en=c.name_en,
            departments=list(c.route.departments),
            lead=c.route.lead,
        )
        for c in in_force.classes.values()
    ]
    return json_response(Classes(version=in_force.version, classes=rows))


async def departments(call: Call) -> web.Response:
    """The departments."""
    services = call.runtime.services
    in_force = cases_at(services.definitions, services.clock())
    rows = [DepartmentRow(**d.model_dump()) for d in in_force.departments.values()]
    return json_response(Departments(version=in_force.version, departments=rows))


def step_route(
    name: str, model: type[BaseModel], handler: Handler, summary: str, *roles: Role
) -> Route:
    """The route of a step of a case."""
    return Route(
        method="POST",
        path=f"/v1/cases/{{case_id}}/{name}",
        summary=summary,
        tag="cases",
        handler=on(case_id_of, handler),
        roles=roles,
        body=model,
        if_match=True,
        idempotent=True,
        answers={200: Answer("done; ETag and X-Position say where", CaseAnswer)},
    )


ROUTES = (
    Route(
        method="POST",
        path="/v1/cases",
        summary="Report a street problem",
        tag="cases",
        handler=report,
        roles=(Role.DEVICE, Role.CITIZEN, Role.OFFICIAL, Role.OPERATOR),
        body=commands.ReportCase,
        idempotent=True,
        query=CrsQuery,
        answers={201: Answer("reported; Location is the case", CaseAnswer)},
    ),
    Route(
        method="GET",
        path="/v1/cases",
        summary="The case desk, oldest first",
        tag="cases",
        handler=list_cases,
        roles=STAFF,
        query=CaseListQuery,
        answers={200: Answer("a page", CasePage)},
    ),
    Route(
        method="GET",
        path="/v1/cases/near",
        summary="Open cases around a point, nearest first",
        tag="cases",
        handler=near,
        roles=STAFF,
        query=NearQuery,
        answers={200: Answer("the cases", Near)},
    ),
    Route(
        method="GET",
        path="/v1/cases/{case_id}",
        summary="A case as its events make it",
        tag="cases",
        handler=show,
        roles=READERS,
        query=CrsQuery,
        answers={200: Answer("the state; ETag is its version", CaseState)},
    ),
    Route(
        method="GET",
        path="/v1/cases/{case_id}/timeline",
        summary="The history of a case",
        tag="cases",
        handler=timeline,
        roles=READERS,
        query=TimelineQuery,
        answers={200: Answer("all entries", Timeline)},
    ),
    step_route("file", commands.FileCase, commands.file_case, "File the report", Role.OPERATOR),
    step_route(
        "dispatch",
        commands.DispatchCase,
        commands.dispatch_case,
        "Dispatch to departments, by routing where none are given",
        Role.OPERATOR,
    ),
    step_route(
        "accept",
        commands.AcceptCase,
        commands.accept_case,
        "Accept for a department",
        Role.OFFICIAL,
    ),
    step_route(
        "handle",
        commands.HandleCase,
        commands.handle_case,
        "Report the problem solved, with evidence",
        Role.OFFICIAL,
    ),
    step_route(
        "return", commands.ReturnCase, commands.return_case, "Return for rework", Role.OPERATOR
    ),
    step_route(
        "verify",
        commands.VerifyCase,
        commands.verify_case,
        "Verify that it is solved",
        Role.OPERATOR,
    ),
    step_route(
        "close", commands.CloseCase, commands.close_case, "Close a verified case", Role.OPERATOR
    ),
    Route(
        method="GET",
        path="/v1/statistics/days",
        summary="Counts and mean times by city day",
        tag="statistics",
        handler=days,
        roles=STAFF,
        query=DaysQuery,
        answers={200: Answer("the days", Days)},
    ),
    Route(
        method="GET",
        path="/v1/statistics/open",
        summary="Open cases by department and class",
        tag="statistics",
        handler=open_counts,
        roles=STAFF,
        query=ReadModelQuery,
        answers={200: Answer("the counts", OpenCounts)},
    ),
    Route(
        method="GET",
        path="/v1/classes",
        summary="Classes of problems and their routing",
        tag="definitions",
        handler=classes,
        query=Query,
        answers={200: Answer("the classes in force", Classes)},
    ),
    Route(
        method="GET",
        path="/v1/departments",
        summary="Departments",
        tag="definitions",
        handler=departments,
        query=Query,
        answers={200: Answer("the departments in force", Departments)},
    ),
)

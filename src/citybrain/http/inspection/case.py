"""Inspection cases over HTTP: the report, the state, and each step of their way."""

from collections.abc import Sequence
from typing import Any

from aiohttp import web
from pydantic import AwareDatetime, BaseModel, Field

from citybrain.domain.actor import WATCHERS, Role
from citybrain.domain.inspection import reading_rights as rights
from citybrain.domain.inspection.case import InspectionCase
from citybrain.domain.inspection.views import View, followers_of, seen, sees_words, view_of
from citybrain.eventstore import EventStore, StreamNotFound
from citybrain.geo.gcj02 import from_wgs84
from citybrain.http.commanding import Handler, context, created, id_in_path, on
from citybrain.http.paging import CrsQuery, in_wgs84
from citybrain.http.routing import Answer, Call, Route, json_response
from commands.inspection import case as commands
from commands.inspection.words import opened_words

MOST_DETECTIONS = 100
MOST_MERGED = 100

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
    """A case as its events make it; what is not for whoever asks is null."""

    case_id: str
    version: int
    status: str
    source: str
    class_code: str
    description: str
    visibility: str = Field(description="what is public: public, flagged, hidden or private")
    latitude: float | None = Field(description="null: it waits for a place")
    longitude: float | None
    address: str | None
    confidence: int | None
    evidence_sha256: list[str] | None
    public_photos: list[str] = Field(
        description="photos that a person lets everybody see, while its case is public"
    )
    simulated: bool
    external_ref: str | None
    departments: list[str]
    lead: str | None
    accepted_by: list[str] | None
    tasks: list[dict[str, Any]] | None = Field(description="of the joint decision, finished or not")
    times_returned: int
    times_reopened: int
    times_extended: int
    rating: int | None = Field(description="stars of five, by its reporter")
    priority: str | None = Field(description="normal, high or urgent")
    asset_code: str | None = Field(description="the thing in the street that it is about")
    assignees: dict[str, str] | None = Field(description="who does it, by department")
    field_check: dict[str, Any] | None = Field(description="who looks, and whether it is solved")
    reported_at: AwareDatetime
    last_occurred_at: AwareDatetime
    handled_at: AwareDatetime | None
    recheck_at: AwareDatetime | None = Field(description="when its cameras may verify it")
    deferred_until: AwareDatetime | None
    place: dict[str, str | None] | None = Field(description="codes of its areas and grid cell")
    attributes: dict[str, list[str]] | None
    deadlines: list[dict[str, Any]] | None = Field(description="that run now")
    requests: list[dict[str, Any]] | None = Field(description="for a supervisor to settle")
    detections: list[MergedDetection] | None = Field(
        description=f"the {MOST_DETECTIONS} that were merged last, oldest first"
    )
    detections_total: int | None
    absorbed: list[str] | None = Field(description="cases merged into this one")
    merged_into: str | None


async def report(call: Call) -> web.Response:
    """Report a problem."""
    body = in_wgs84(call.body, call.query.crs)
    result = await commands.report_case(body, context(call), call.runtime.services)
    return created(result, "/v1/cases")


async def show(call: Call) -> web.Response:
    """The state of a case, from its stream, as whoever asks may see it."""
    case_id = case_id_of(call)
    view = await view_of_case(call, case_id)
    case = await call.runtime.store.load(InspectionCase, case_id)
    fields = {name: value for name, value in vars(case).items() if not name.startswith("_")}
    fields |= {"case_id": case.id, "version": case.version}
    (words,) = await opened_words(call.runtime.services.vault, [fields])
    fields["description"] = words
    if not sees_words(view, case.visibility):
        fields |= {"description": "", "address": None}
    if case.latitude is not None and case.longitude is not None:
        shown = from_wgs84(case.latitude, case.longitude, call.query.crs)
        fields["latitude"], fields["longitude"] = shown
    newest = list(case.detections.items())[-MOST_DETECTIONS:]
    fields["detections"] = [{"detection_id": each, **found} for each, found in newest]
    fields["detections_total"] = len(case.detections)
    state = CaseState(**seen(fields, view))
    return json_response(state, headers={"ETag": f'"{case.version}"'})


async def view_of_case(call: Call, case_id: str) -> View:
    """With whose eyes they see it; raises `StreamNotFound` for whoever may not read the case."""
    actor, store = call.authenticated, call.runtime.store
    departments: Sequence[str] = ()
    if actor.has(Role.OFFICIAL):
        departments = (await store.load(InspectionCase, case_id)).departments
    if rights.may_read_case(actor, departments=departments):
        return view_of(actor, departments, None)
    first = await store.read(case_id, limit=1)
    reporter = first[0].metadata.get("actor") if first else None
    if rights.may_read_case(actor, reporter=reporter):
        return view_of(actor, departments, reporter)
    case = await store.load(InspectionCase, case_id)
    merged = await reporters_of(case.absorbed[:MOST_MERGED], store)
    followers = [*merged, *followers_of(case)]
    if actor.subject not in followers:
        raise StreamNotFound("there is no such case")
    return view_of(actor, departments, reporter, followers)


async def reporters_of(case_ids: Sequence[str], store: EventStore) -> list[str]:
    """Who reported these cases."""
    firsts = [await store.read(case_id, limit=1) for case_id in case_ids]
    return [str(first[0].metadata.get("actor")) for first in firsts if first]


def step_route(
    name: str,
    model: type[BaseModel],
    handler: Handler,
    summary: str,
    *roles: Role,
    answer: type[BaseModel] = CaseAnswer,
    if_match: bool = True,
    of_its_own: bool = True,
) -> Route:
    """The route of a step of a case; `if_match`: whoever takes it names the version they saw.

    Elsewhere they may, unless the step is recorded on another case than the one in the path.
    """
    return Route(
        method="POST",
        path=f"/v1/cases/{{case_id}}/{name}",
        summary=summary,
        tag="cases",
        handler=on(case_id_of, handler),
        roles=roles,
        body=model,
        if_match=if_match,
        if_match_where_sent=not if_match and of_its_own,
        idempotent=True,
        answers={200: Answer("done; ETag and X-Position say where", answer)},
    )


ROUTES = (
    Route(
        method="POST",
        path="/v1/cases",
        summary="Report a street problem",
        tag="cases",
        handler=report,
        roles=(*WATCHERS, Role.CITIZEN, Role.OFFICIAL, Role.OPERATOR),
        body=commands.ReportCase,
        idempotent=True,
        query=CrsQuery,
        answers={201: Answer("reported; Location is the case", CaseAnswer)},
    ),
    Route(
        method="GET",
        path="/v1/cases/{case_id}",
        summary="A case as its events make it",
        tag="cases",
        handler=show,
        roles=rights.ONE_CASE,
        query=CrsQuery,
        answers={200: Answer("the state; ETag is its version", CaseState)},
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
    step_route(
        "reopen",
        commands.ReopenCase,
        commands.reopen_case,
        "The problem is there again",
        Role.OPERATOR,
    ),
)

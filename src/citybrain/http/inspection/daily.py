"""The centre's daily work over HTTP: corrections, who does it, checks in the field, duplicates."""

from datetime import timedelta

from aiohttp import web
from pydantic import BaseModel

from citybrain.definitions.inspection.cases import cases_at
from citybrain.domain.actor import Role
from citybrain.domain.inspection import reading_rights as rights
from citybrain.domain.inspection.case import InspectionCase
from citybrain.http.inspection.case import case_id_of, step_route, view_of_case
from citybrain.http.inspection.desk import with_words
from citybrain.http.paging import CrsQuery
from citybrain.http.routing import Answer, Call, Route, json_response
from commands.inspection import daily as commands
from projections.inspection import case_desk_questions as desk
from projections.inspection.case_desk_questions import NearRow

WIDER = 3
"""Suggestions are for a person: so many times as far as what is merged by itself."""
FARTHEST_M = 500.0
MOST_NEAR = 200
MOST_SUGGESTED = 20


class Suggested(BaseModel):
    """Open cases that may be the same problem, the nearest first."""

    cases: list[NearRow]


async def duplicates(call: Call) -> web.Response:
    """What lies near, is of the same class and was reported at about the same time."""
    case_id, services = case_id_of(call), call.runtime.services
    await view_of_case(call, case_id)
    case = await services.store.load(InspectionCase, case_id)
    if case.latitude is None or case.longitude is None:  # nobody knows what lies near
        return json_response(Suggested(cases=[]))
    rule = cases_at(services.definitions, services.clock()).merge_rule(case.class_code)
    rows = await desk.near(
        services.store.models,
        case.latitude,
        case.longitude,
        radius_m=min(rule.radius_m * WIDER, FARTHEST_M),
        department=rights.department_to_read(call.authenticated, None),
        limit=MOST_NEAR,
    )
    longest = max(rule.window, timedelta(days=1)) * WIDER
    found = [
        row
        for row in rows
        if row["case_id"] != case_id
        and row["class_code"] == case.class_code
        and abs(row["reported_at"] - case.reported_at) <= longest
    ]
    shown = await with_words(call, found[:MOST_SUGGESTED], call.query.crs)
    return json_response(Suggested(cases=[NearRow(**row) for row in shown]))


ROUTES = (
    step_route(
        "reclassify",
        commands.ReclassifyCase,
        commands.reclassify_case,
        "It is of another class: what runs goes on as that class's deadlines",
        Role.OPERATOR,
    ),
    step_route(
        "relocate",
        commands.RelocateCase,
        commands.relocate_case,
        "It is at another place",
        Role.OPERATOR,
    ),
    step_route(
        "prioritise",
        commands.PrioritiseCase,
        commands.prioritise_case,
        "Say how soon it is to be done",
        Role.OPERATOR,
        Role.SUPERVISOR,
        if_match=False,
    ),
    step_route(
        "assign",
        commands.AssignCase,
        commands.assign_case,
        "Give it to a person of the department",
        Role.OFFICIAL,
        if_match=False,
    ),
    step_route(
        "check-orders",
        commands.OrderCheck,
        commands.order_check,
        "Send somebody to look whether it is solved",
        Role.OPERATOR,
        if_match=False,
    ),
    step_route(
        "checks",
        commands.CheckCase,
        commands.check_case,
        "Whoever was sent says what they found",
        Role.OFFICIAL,
        Role.OPERATOR,
        if_match=False,
    ),
    Route(
        method="GET",
        path="/v1/cases/{case_id}/duplicates",
        summary="Open cases that may be the same problem: for a person to merge",
        tag="cases",
        handler=duplicates,
        roles=rights.STAFF,
        query=CrsQuery,
        answers={200: Answer("the cases, nearest first", Suggested)},
    ),
)

"""Whom a department may give a case to, over HTTP: who has lately acted for it."""

from datetime import timedelta

from aiohttp import web
from pydantic import BaseModel

from citybrain.definitions.inspection.cases import cases_at
from citybrain.domain.inspection import reading_rights as rights
from citybrain.http.inspection.evaluation import NoSuchDepartment
from citybrain.http.paging import ReadModelQuery, wait_for_position
from citybrain.http.routing import Answer, Call, Route, json_response
from projections.inspection import case_officials
from projections.inspection.case_officials import OfficialRow

MODEL = "case_officials"
LATELY = timedelta(days=180)
MOST = 200


class Officials(BaseModel):
    """Who has acted for the department in the last 180 days, whoever did so last first."""

    officials: list[OfficialRow]


async def show_officials(call: Call) -> web.Response:
    """Those of one's own department; the centre sees those of any."""
    asked = call.request.match_info["department"]
    department = rights.department_to_read(call.authenticated, asked) or asked
    services = call.runtime.services
    now = services.clock()
    if department not in cases_at(services.definitions, now).departments:
        raise NoSuchDepartment("there is no such department")
    await wait_for_position(call.runtime, MODEL, call.query.min_position)
    rows = await case_officials.of_department(
        call.runtime.store.models, department, now - LATELY, limit=MOST
    )
    return json_response(Officials(officials=[OfficialRow(**row) for row in rows]))


ROUTES = (
    Route(
        method="GET",
        path="/v1/departments/{department}/officials",
        summary="Who has lately taken steps in cases for a department: whom to give one to",
        tag="cases",
        handler=show_officials,
        roles=rights.DESK,
        query=ReadModelQuery,
        answers={200: Answer("the last to act first, 200 at most", Officials)},
    ),
)

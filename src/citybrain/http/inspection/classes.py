"""What is defined of cases, over HTTP: classes of problems, and departments."""

from aiohttp import web
from pydantic import BaseModel

from citybrain.definitions.inspection.cases import cases_at
from citybrain.http.paging import Query
from citybrain.http.routing import Answer, Call, Route, json_response


class ClassRow(BaseModel):
    """A class of street problem and where its cases go."""

    code: str
    name: str
    name_en: str
    departments: list[str]
    lead: str


class Classes(BaseModel):
    """The classes in force that can be reported."""

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
        for c in in_force.offered.values()
    ]
    return json_response(Classes(version=in_force.version, classes=rows))


async def departments(call: Call) -> web.Response:
    """The departments."""
    services = call.runtime.services
    in_force = cases_at(services.definitions, services.clock())
    rows = [
        DepartmentRow(**d.model_dump())
        for d in in_force.departments.values()
        if d.code not in in_force.retired_departments
    ]
    return json_response(Departments(version=in_force.version, departments=rows))


ROUTES = (
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

"""What of a case is public, as people of the centre settle it; and texts to answer with."""

from aiohttp import web
from pydantic import BaseModel

from citybrain.definitions.inspection.cases import cases_at
from citybrain.domain.actor import Role
from citybrain.domain.inspection import reading_rights as rights
from citybrain.http.inspection.case import step_route
from citybrain.http.paging import Query
from citybrain.http.routing import Answer, Call, Route, json_response
from commands.inspection import publication as commands


class AnswerRow(BaseModel):
    """A text to answer with."""

    code: str
    of: str
    public: str
    public_en: str
    internal: str


class Answers(BaseModel):
    """The texts in force."""

    version: str
    answers: list[AnswerRow]


async def answers(call: Call) -> web.Response:
    """The texts to answer with."""
    services = call.runtime.services
    in_force = cases_at(services.definitions, services.clock())
    rows = [AnswerRow(**vars(each)) for each in in_force.answers.values()]
    return json_response(Answers(version=in_force.version, answers=rows))


ROUTES = (
    step_route(
        "moderate",
        commands.ModerateCase,
        commands.moderate_case,
        "Settle what everybody may read of it, in other words where need be",
        Role.OPERATOR,
        Role.SUPERVISOR,
        if_match=False,
    ),
    step_route(
        "erase",
        commands.EraseCase,
        commands.erase_case,
        "Erase what people wrote of it, for ever",
        Role.SUPERVISOR,
        if_match=False,
    ),
    Route(
        method="GET",
        path="/v1/answers",
        summary="Texts to answer with: what the public reads, and what stays within",
        tag="definitions",
        handler=answers,
        roles=rights.STAFF,
        query=Query,
        answers={200: Answer("the texts in force", Answers)},
    ),
)

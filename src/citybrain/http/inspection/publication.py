"""What of a case is public, as people of the centre settle it; and texts to answer with."""

from aiohttp import web
from pydantic import BaseModel

from citybrain.definitions.inspection.cases import cases_at
from citybrain.domain.actor import Role
from citybrain.domain.inspection import reading_rights as rights
from citybrain.domain.inspection.case import InspectionCase
from citybrain.domain.inspection.publication import shows
from citybrain.eventstore import StreamNotFound
from citybrain.http.inspection.case import case_id_of, step_route
from citybrain.http.paging import Query
from citybrain.http.photo_showing import SHOWN, PhotoQuery, photo_response
from citybrain.http.routing import Answer, Call, Route, json_response
from citybrain.photos.store import PhotoNotFound
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


async def public_photo(call: Call) -> web.Response:
    """A photo that a person lets everybody see; it is asked anew each time whether that stands."""
    digest, store = call.request.match_info["sha256"], call.runtime.store
    try:
        case = await store.load(InspectionCase, case_id_of(call))
    except StreamNotFound:
        raise PhotoNotFound("there is no such photo") from None
    if not shows(case, digest):
        raise PhotoNotFound("there is no such photo")
    return await photo_response(call, digest)


ROUTES = (
    step_route(
        "public-photos",
        commands.PublishPhoto,
        commands.publish_photo,
        "Let everybody see a photo of it, having looked at it",
        Role.OPERATOR,
        Role.SUPERVISOR,
        if_match=False,
    ),
    step_route(
        "public-photos/withdrawal",
        commands.WithdrawPhoto,
        commands.withdraw_photo,
        "Let nobody see that photo any more but those within",
        Role.OPERATOR,
        Role.SUPERVISOR,
        if_match=False,
    ),
    Route(
        method="GET",
        path="/v1/cases/{case_id}/public-photos/{sha256}",
        summary="A photo of a case that a person lets everybody see",
        tag="cases",
        handler=public_photo,
        roles=None,
        query=PhotoQuery,
        answers=SHOWN,
    ),
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

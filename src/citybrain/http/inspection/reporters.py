"""What whoever reported a case does with it over HTTP, and how those who work on it reach them."""

from operator import itemgetter
from typing import Any, Literal

from aiohttp import web
from pydantic import AwareDatetime, BaseModel, Field

from citybrain.domain.actor import Role
from citybrain.domain.citizens import Citizen
from citybrain.domain.inspection import reading_rights as rights
from citybrain.domain.inspection.case import InspectionCase
from citybrain.errors import Forbidden
from citybrain.geo.gcj02 import Crs
from citybrain.http.accessing import opened
from citybrain.http.inspection.case import case_id_of, step_route
from citybrain.http.inspection.desk import with_words
from citybrain.http.paging import MAX_POSITION, Query, ReadModelQuery, page_by, wait_for_position
from citybrain.http.routing import Answer, Call, Opens, Route, json_response
from commands.inspection import reporters as commands
from commands.inspection.contacts import contacts_of
from projections.inspection import case_desk_questions as desk

OTHER = "other:"
READERS = (Role.OFFICIAL, Role.OPERATOR, Role.SUPERVISOR, Role.AUDITOR)


class MineQuery(ReadModelQuery):
    """A page of one's own cases, what changed last first."""

    seen: int = Field(0, ge=0, le=MAX_POSITION, description="`newest` of when one looked last")
    before: int | None = Field(None, ge=0, le=MAX_POSITION, description="`next` of the page before")
    limit: int = Field(50, ge=1, le=200)


class MineRow(BaseModel):
    """A case that one has reported."""

    case_id: str
    class_code: str
    status: str
    description: str
    reported_at: AwareDatetime
    updated_at: AwareDatetime
    merged_into: str | None
    rating: int | None
    news: bool = Field(description="whether something happened since one looked last")


class Mine(BaseModel):
    """One's own cases."""

    cases: list[MineRow]
    newest: int = Field(description="to give as `seen` the next time")
    next: int | None = Field(description="`before` of the next page; null on the last one")


class ReporterQuery(Query):
    """For what it is read."""

    purpose: Literal["street-case", "complaint", "support", "audit"]


class Contact(BaseModel):
    """How a reporter said they can be reached, and what they sent along."""

    email: str | None = None
    phone: str | None = None
    first_name: str | None = None
    last_name: str | None = None
    account_id: str | None = None
    device_id: str | None = None
    media_url: str | None = Field(None, description="one a line")
    others: dict[str, str] = Field(
        default_factory=dict, description="what else they sent that nothing asks for"
    )


class Reporter(BaseModel):
    """Whoever reported a case: nothing is left where it is not kept any more."""

    case_id: str
    contacts: list[Contact]


async def mine(call: Call) -> web.Response:
    """What one has reported, with what came in since one looked."""
    query: MineQuery = call.query
    await wait_for_position(call.runtime, "case_desk", query.min_position)
    rows = await desk.reported_by(
        call.runtime.store.models,
        call.authenticated.subject,
        before=query.before or MAX_POSITION,
        limit=query.limit + 1,
    )
    shown, following = page_by(rows, query.limit, itemgetter("position"))
    cases = [
        MineRow(**_row(row), news=row["position"] > query.seen)
        for row in await with_words(call, shown, Crs.WGS84)
    ]
    newest = max([query.seen, *(row["position"] for row in shown)])
    return json_response(Mine(cases=cases, newest=newest, next=following))


def _row(row: dict[str, Any]) -> dict[str, Any]:
    return {name: row[name] for name in MineRow.model_fields if name in row}


async def reporter(call: Call) -> web.Response:
    """Open how a reporter can be reached: on the record, for those who work on the case."""
    case_id, services, actor = case_id_of(call), call.runtime.services, call.authenticated
    case = await services.store.load(InspectionCase, case_id)
    if not rights.may_read_comments(actor, case.departments):
        raise Forbidden("an official reaches the reporters of their own department's cases")
    (first,) = await services.store.read(case_id, limit=1)
    owner = str(first.metadata.get("actor"))
    about = owner if owner.startswith(f"{Citizen.category}-") else case_id
    await opened(call, [(about, None)])
    contacts = [_contact(each) for each in await contacts_of(case_id, owner, services)]
    return json_response(
        Reporter(case_id=case_id, contacts=contacts), headers={"Cache-Control": "no-store"}
    )


def _contact(said: dict[str, str]) -> Contact:
    others = {name.removeprefix(OTHER): said[name] for name in said if name.startswith(OTHER)}
    return Contact.model_validate({**said, "others": others})


ROUTES = (
    Route(
        method="GET",
        path="/v1/cases/mine",
        summary="What one has reported, and what is new of it",
        tag="cases",
        handler=mine,
        roles=(Role.CITIZEN,),
        query=MineQuery,
        answers={200: Answer("a page, what changed last first", Mine)},
    ),
    step_route(
        "comments",
        commands.SayOfCase,
        commands.say_of_case,
        "Its reporter adds something",
        Role.CITIZEN,
        if_match=False,
    ),
    step_route(
        "not-solved",
        commands.NotSolvedYet,
        commands.not_solved_yet,
        "Its reporter says within 15 days of its closing that it is not solved: it is reopened",
        Role.CITIZEN,
        if_match=False,
    ),
    step_route(
        "rating",
        commands.RateCase,
        commands.rate_case,
        "Its reporter says how well it was solved",
        Role.CITIZEN,
        if_match=False,
    ),
    step_route(
        "subscription",
        commands.SubscribeCase,
        commands.subscribe_case,
        "Be told what becomes of a case that is public, or no more",
        Role.CITIZEN,
        if_match=False,
    ),
    Route(
        method="GET",
        path="/v1/cases/{case_id}/reporter",
        summary="How its reporter can be reached, opened for a purpose",
        tag="cases",
        handler=reporter,
        roles=READERS,
        query=ReporterQuery,
        answers={200: Answer("opened for this answer only", Reporter)},
        opens=Opens(what="reporter-contact"),
    ),
)

"""Arrears over HTTP: by age and district, exact for the office, for everybody without small groups.

A moment that is asked for lies in the past, so its answer never changes. What everybody sees is
of the beginning of a day: two moments side by side would show the debt of one vehicle.
"""

from datetime import datetime, time

from aiohttp import web
from pydantic import AwareDatetime, BaseModel, Field

from citybrain.city_day import CITY_ZONE, city_day
from citybrain.definitions.parking.rules import parking_rules_at
from citybrain.domain.actor import Role
from citybrain.domain.parking.looking import DECIDERS
from citybrain.domain.parking.rules import ParkingRules
from citybrain.http.paging import ReadModelQuery, wait_for_position
from citybrain.http.parking.office import of_the_office
from citybrain.http.problems import Malformed
from citybrain.http.routing import Answer, Call, Route, json_response
from commands.fields import Moment
from projections.parking.arrears import ArrearsRow, arrears

MODEL = "parking_claims"


class Arrears(BaseModel):
    """What was due and open at a moment; every debt is in exactly one group."""

    at: AwareDatetime
    rules_version: str = Field(description="whose ages divide it")
    groups: list[ArrearsRow]
    claims: int
    open_fen: int
    suspended_fen: int


class PublicGroup(BaseModel):
    """What was open of one age in one district."""

    area_id: str | None
    age_days: str
    debtors: int
    open_fen: int


class PublicArrears(BaseModel):
    """What was due and open when a day began; groups of few debtors are left out."""

    at: AwareDatetime
    rules_version: str
    least_debtors: int = Field(description="of fewer no group is shown")
    groups: list[PublicGroup]


class ArrearsQuery(ReadModelQuery):
    """As of when."""

    at: Moment | None = Field(None, description="now where left out; not in the future")


async def show_desk(call: Call) -> web.Response:
    """All of it, for the office."""
    of_the_office(call)
    at, rules = await _asked(call)
    rows = await arrears(call.runtime.store.models, at, rules.arrears_edges)
    return json_response(
        Arrears(
            at=at,
            rules_version=rules.version,
            groups=rows,
            claims=sum(row.claims for row in rows),
            open_fen=sum(row.open_fen for row in rows),
            suspended_fen=sum(row.suspended_fen for row in rows),
        )
    )


async def show_public(call: Call) -> web.Response:
    """Totals at the beginning of a day, and none over what is left out: small groups."""
    asked, _ = await _asked(call)
    at = datetime.combine(city_day(asked), time(), CITY_ZONE)
    rules = parking_rules_at(call.runtime.services.definitions, at)
    least = rules.arrears_least_debtors
    rows = await arrears(call.runtime.store.models, at, rules.arrears_edges)
    groups = [
        PublicGroup.model_validate(row.model_dump(include=set(PublicGroup.model_fields)))
        for row in rows
        if row.debtors >= least
    ]
    return json_response(
        PublicArrears(at=at, rules_version=rules.version, least_debtors=least, groups=groups)
    )


async def _asked(call: Call) -> tuple[datetime, ParkingRules]:
    """The moment asked for, once all before it is read, and the rules of that day."""
    query: ArrearsQuery = call.query
    services = call.runtime.services
    now = services.clock()
    at = query.at or now
    if at > now:
        raise Malformed("at lies in the future")
    await wait_for_position(call.runtime, MODEL, await call.runtime.store.head())
    return at, parking_rules_at(services.definitions, at)


ROUTES = (
    Route(
        method="GET",
        path="/v1/parking/arrears",
        tag="parking",
        summary="What is owed for parking by age and district, without small groups",
        handler=show_public,
        roles=None,
        query=ArrearsQuery,
        answers={200: Answer("when the day began", PublicArrears)},
    ),
    Route(
        method="GET",
        path="/v1/parking/arrears/desk",
        tag="parking",
        summary="What is owed for parking by age and district, as of any moment",
        handler=show_desk,
        roles=(*DECIDERS, Role.AUDITOR),
        query=ArrearsQuery,
        answers={200: Answer("all of it", Arrears)},
    ),
)

"""The catalogue of services over HTTP: what can be applied for, from what, by which rules."""

from datetime import UTC, date, datetime

from aiohttp import web
from pydantic import BaseModel, Field

from citybrain.city_day import city_day
from citybrain.definitions import Definitions
from citybrain.definitions.applications.catalogue import Catalogue, ServiceItem
from citybrain.definitions.applications.officer_reasons import OfficerReason, OfficerReasons
from citybrain.http.access_texts import Words
from citybrain.http.paging import Query
from citybrain.http.routing import Answer, Call, Route, json_response
from commands.fields import Day


class ServicesQuery(Query):
    """On which day."""

    on: Day | None = Field(None, description="the city's today where absent")


class ServiceRow(BaseModel):
    """A service item in force."""

    code: str
    name: str
    name_en: str
    kind: str
    department: str
    channels: list[str]
    version: str


class Services(BaseModel):
    """The service items in force."""

    services: list[ServiceRow]


class ServiceDetails(BaseModel):
    """One version of a service item, as its definition says it."""

    version: str = Field(description="the day it begins and a digest of its contents")
    item: ServiceItem
    parameters: dict[str, int] = Field(description="those in force")
    officer_reasons: list[OfficerReason] = Field(
        description="what officers may give as a reason beside the rules, today"
    )


async def list_services(call: Call) -> web.Response:
    """The items in force on a day."""
    items = call.runtime.services.definitions.of(Catalogue).on(_day(call))
    rows = [
        ServiceRow(
            code=item.code,
            name=item.name,
            name_en=item.name_en,
            kind=item.kind,
            department=item.department,
            channels=list(item.channels),
            version=item.version,
        )
        for item in items
    ]
    return json_response(Services(services=rows))


async def show(call: Call) -> web.Response:
    """One item: its form, materials, rules and parameters."""
    day = _day(call)
    item = call.runtime.services.definitions.of(Catalogue).item(
        call.request.match_info["code"], day
    )
    services = call.runtime.services
    details = ServiceDetails(
        version=item.version,
        item=item,
        parameters=item.parameters_on(day),
        officer_reasons=list(services.definitions.of(OfficerReasons).at(services.clock()).reasons),
    )
    return json_response(details)


def words(definitions: Definitions) -> Words:
    """What services and departments' records are called, in their last version."""
    items = definitions.of(Catalogue).all_versions()
    return {
        "purposes": {item.code: {"zh": item.name, "en": item.name_en} for item in items},
        "records": {
            material.record: {"zh": material.label, "en": material.label_en}
            for item in items
            for material in item.materials
        },
    }


def _day(call: Call) -> date:
    query: ServicesQuery = call.query
    return query.on or city_day(datetime.now(UTC))


ROUTES = (
    Route(
        method="GET",
        path="/v1/services",
        summary="What can be applied for",
        tag="services",
        handler=list_services,
        roles=None,
        query=ServicesQuery,
        answers={200: Answer("the items in force", Services)},
    ),
    Route(
        method="GET",
        path="/v1/services/{code}",
        summary="A service item with its rules",
        tag="services",
        handler=show,
        roles=None,
        query=ServicesQuery,
        answers={200: Answer("the item", ServiceDetails)},
    ),
)

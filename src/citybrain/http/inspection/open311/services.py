"""What can be reported, as Open311 tells it: the classes of problems and what they ask."""

from datetime import datetime, time
from typing import Any

from aiohttp import web

from citybrain.city_day import CITY_ZONE
from citybrain.definitions.calendars import TimeKind
from citybrain.definitions.inspection.attributes import Attribute
from citybrain.definitions.inspection.cases import CaseClass, CaseDefinitions, Department
from citybrain.domain.inspection.deadlines import Stage
from citybrain.http.inspection.open311.clients import (
    ASKED,
    PREFIX,
    definitions_of,
    local_time,
    locale_of,
)
from citybrain.http.inspection.open311.reading import Open311Error
from citybrain.http.inspection.open311.rendering import FORMATS
from citybrain.http.own_url import own_url
from citybrain.http.runtime import RUNTIME

UNITS = {
    TimeKind.HOURS: {"en": "hours", "zh": "小時"},
    TimeKind.WORKING_HOURS: {"en": "working hours", "zh": "工作小時"},
    TimeKind.WORKING_DAYS: {"en": "working days", "zh": "個工作日"},
}
PROMISE = {
    "en": "To be solved, checked and closed within {amount:g} {unit}.",
    "zh": "將在{amount:g}{unit}內解決、核查並結案。",
}


async def discovery(request: web.Request) -> tuple[str, Any]:
    """Where everything is; it changed last when what can be reported did."""
    settings = request.app[RUNTIME].settings
    begun = datetime.combine(definitions_of(request).valid_from, time(), CITY_ZONE)
    changed = local_time(begun)
    return "discovery", {
        "changeset": changed,
        "contact": settings.open311_contact,
        "key_service": settings.open311_key_service,
        "endpoints": [
            {
                "specification": "http://wiki.open311.org/GeoReport_v2",
                "url": f"{own_url(request)}{PREFIX}",
                "changeset": changed,
                "type": "production" if not request.app[RUNTIME].development else "test",
                "formats": list(FORMATS.values()),
            }
        ],
    }


async def services(request: web.Request) -> tuple[str, Any]:
    """The classes of problems that can be reported."""
    definitions, locale = definitions_of(request), locale_of(request[ASKED])
    by_code = sorted(definitions.offered.values(), key=lambda case_class: case_class.code)
    return "services", [_service(case_class, definitions, locale) for case_class in by_code]


async def service(request: web.Request) -> tuple[str, Any]:
    """One service, and what it asks beside what every report has."""
    code, classes = request.match_info["service_code"], definitions_of(request).offered
    case_class = classes.get(code) or classes.get(code.lower())
    if case_class is None:
        raise Open311Error(404, "service_code not found")
    attributes = sorted(case_class.attributes, key=lambda attribute: attribute.order)
    return "service_definition", {
        "service_code": case_class.code,
        "attributes": [_attribute(attribute) for attribute in attributes],
    }


def named(something: CaseClass | Department | None, locale: str) -> str | None:
    """What a class or a department is called; None for none."""
    if something is None:
        return None
    return something.name if locale == "zh" else something.name_en


def _service(case_class: CaseClass, definitions: CaseDefinitions, locale: str) -> dict[str, Any]:
    lead = definitions.departments.get(case_class.route.lead)
    return {
        "service_code": case_class.code,
        "service_name": named(case_class, locale),
        "description": case_class.name_en if locale == "zh" else case_class.name,
        "metadata": bool(case_class.attributes),
        "type": "realtime",
        "keywords": "",
        "group": named(lead, locale) or case_class.route.lead,
    }


def _attribute(attribute: Attribute) -> dict[str, Any]:
    """An attribute in the specification's form; only lists have values."""
    values = [{"key": value.key, "name": value.name} for value in attribute.values]
    return {
        "variable": attribute.variable,
        "code": attribute.code,
        "datatype": attribute.datatype.value,
        "required": attribute.required,
        "datatype_description": attribute.datatype_description or None,
        "order": attribute.order,
        "description": attribute.description,
    } | ({"values": values} if values else {})


def notice_of(case_class: CaseClass, locale: str) -> str | None:
    """What the city promises for a class."""
    for rule in case_class.deadlines or ():
        if rule.stage is Stage.CLOSING:
            return PROMISE[locale].format(amount=rule.within, unit=UNITS[rule.unit][locale])
    return None

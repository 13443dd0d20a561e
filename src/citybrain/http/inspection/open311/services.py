"""What can be reported, as Open311 tells it: the classes of problems and what they ask."""

from typing import Any

from aiohttp import web

from citybrain.definitions.calendars import TimeKind
from citybrain.definitions.inspection.attributes import Attribute
from citybrain.definitions.inspection.cases import CaseClass
from citybrain.domain.inspection.deadlines import Stage
from citybrain.http.inspection.open311.clients import PREFIX, definitions_of
from citybrain.http.inspection.open311.reading import Open311Error
from citybrain.http.inspection.open311.rendering import FORMATS
from citybrain.http.own_url import own_url
from citybrain.http.runtime import RUNTIME

CHANGED = "2026-11-23T00:00:00+08:00"
UNITS = {
    TimeKind.HOURS: "hours",
    TimeKind.WORKING_HOURS: "working hours",
    TimeKind.WORKING_DAYS: "working days",
}


async def discovery(request: web.Request) -> tuple[str, Any]:
    """Where everything is."""
    return "discovery", {
        "changeset": CHANGED,
        "contact": "the operator of this installation",
        "key_service": "keys are given by the operator of this installation",
        "endpoints": [
            {
                "specification": "http://wiki.open311.org/GeoReport_v2",
                "url": f"{own_url(request)}{PREFIX}",
                "changeset": CHANGED,
                "type": "production" if not request.app[RUNTIME].development else "test",
                "formats": list(FORMATS.values()),
            }
        ],
    }


async def services(request: web.Request) -> tuple[str, Any]:
    """The classes of problems that can be reported."""
    classes = definitions_of(request).offered.values()
    by_code = sorted(classes, key=lambda case_class: case_class.code)
    return "services", [_service(case_class) for case_class in by_code]


async def service(request: web.Request) -> tuple[str, Any]:
    """One service, and what it asks beside what every report has."""
    case_class = definitions_of(request).offered.get(request.match_info["service_code"])
    if case_class is None:
        raise Open311Error(404, "service_code not found")
    attributes = sorted(case_class.attributes, key=lambda attribute: attribute.order)
    return "service_definition", {
        "service_code": case_class.code,
        "attributes": [_attribute(attribute) for attribute in attributes],
    }


def _service(case_class: CaseClass) -> dict[str, Any]:
    return {
        "service_code": case_class.code,
        "service_name": case_class.name_en,
        "description": case_class.name,
        "metadata": bool(case_class.attributes),
        "type": "realtime",
        "keywords": "",
        "group": case_class.route.lead,
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


def notice_of(case_class: CaseClass) -> str | None:
    """What the city promises for a class."""
    for rule in case_class.deadlines or ():
        if rule.stage is Stage.CLOSING:
            return f"To be solved, checked and closed within {rule.within:g} {UNITS[rule.unit]}."
    return None

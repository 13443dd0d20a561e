"""The API's description, as tools of others read it."""

import re
from collections.abc import Iterator
from typing import Any

from aiohttp import web
from pydantic import BaseModel

from citybrain.domain.actor import Role
from citybrain.http.openapi import openapi, page
from citybrain.http.routing import Answer, Call, Route
from citybrain.systems import SYSTEMS


def references(part: Any) -> Iterator[str]:
    """Every `$ref` of a document."""
    if isinstance(part, dict):
        if "$ref" in part:
            yield part["$ref"]
        for value in part.values():
            yield from references(value)
    elif isinstance(part, list):
        for value in part:
            yield from references(value)


def test_every_reference_leads_to_a_schema() -> None:
    document = openapi([route for system in SYSTEMS for route in system.routes])
    schemas = document["components"]["schemas"]
    found = set(references(document))
    assert {reference.rpartition("/")[2] for reference in found} <= set(schemas)
    assert all(reference.startswith("#/components/schemas/") for reference in found)


OF_PYDANTIC = {"ge", "le", "gt", "lt", "strict", "allow_inf_nan", "multiple_of"}
"""What stands in a schema where a bound was put around a validator: no other program reads it."""


def members(part: Any) -> Iterator[str]:
    """Every name of a document."""
    if isinstance(part, dict):
        yield from part
        part = list(part.values())
    if isinstance(part, list):
        for value in part:
            yield from members(value)


def test_bounds_are_said_as_others_read_them_and_what_is_public_is_said() -> None:
    document = openapi([route for system in SYSTEMS for route in system.routes])
    assert OF_PYDANTIC.isdisjoint(members(document))
    place = document["components"]["schemas"]["ReportCase"]["properties"]["latitude"]
    assert (place["minimum"], place["maximum"]) == (-90, 90)
    operations = [each for path in document["paths"].values() for each in path.values()]
    assert {str(each["security"]) for each in operations} == {"[]", "[{'token': []}]"}


LOOKED_UP = {
    *("AddDocument.number", "AddDocument.country", "FindCitizen.id_number", "FindCitizen.country"),
    *("NameHirer.number", "NameHirer.country", "ProposeCorrection.number"),
    *("ProposeCorrection.country", "RegisterCitizen.id_number", "RegisterCitizen.country"),
    "ProveIdentity.document_ending",  # by the rules of each document
    *("PlaceDeclared.tariff_zone", "PlaceDeclared.time_zone", "ProposeRepricing.version_id"),
}
"""Texts that are taken only where they are one of those that there are."""


def texts_without_form(document: dict[str, Any]) -> Iterator[str]:
    """Members of bodies that may be any text, that of PostgreSQL or not."""
    schemas = document["components"]["schemas"]
    for path in document["paths"].values():
        for operation in path.values():
            content = operation.get("requestBody", {}).get("content", {}).values()
            names = {each["schema"].get("$ref", "").rpartition("/")[2] for each in content}
            for name in names & schemas.keys():
                reached = {name, *(each.rpartition("/")[2] for each in references(schemas[name]))}
                yield from (found for each in reached for found in free_texts(each, schemas[each]))


def free_texts(name: str, schema: dict[str, Any]) -> Iterator[str]:
    for member, of_member in schema.get("properties", {}).items():
        for each in (of_member, *of_member.get("anyOf", ()), of_member.get("items", {})):
            if each.get("type") == "string" and not each.keys() & {
                "pattern",
                "enum",
                "format",
                "const",
            }:
                yield f"{name}.{member}"


def test_no_body_takes_a_text_that_cannot_be_stored() -> None:
    """One with a NUL would be in an event, and in no read model."""
    document = openapi([route for system in SYSTEMS for route in system.routes])
    assert set(texts_without_form(document)) == LOOKED_UP


def model(module: str) -> type[BaseModel]:
    """A model that is called as another one is."""
    return type("Row", (BaseModel,), {"__module__": module, "__annotations__": {module: int}})


async def nothing(_: Call) -> web.Response:
    return web.Response()


def test_two_systems_may_have_a_model_of_one_name() -> None:
    routes = [
        Route(
            method="GET",
            path=f"/v1/{name}",
            summary=name,
            tag=name,
            handler=nothing,
            roles=(Role.OPERATOR,),
            answers={200: Answer("a row", model(name))},
        )
        for name in ("berths", "lamps")
    ]
    document = openapi(routes)
    members: set[str] = set()
    for name in ("berths", "lamps"):
        answer = document["paths"][f"/v1/{name}"]["get"]["responses"]["200"]
        reference = answer["content"]["application/json"]["schema"]["$ref"]
        schema = document["components"]["schemas"][reference.rpartition("/")[2]]
        members.update(schema["properties"])
    assert members == {"berths", "lamps"}
    schemas = document["components"]["schemas"]
    titles = [schema["title"] for schema in schemas.values() if "title" in schema]
    assert len(titles) == len(set(titles)), "a generator makes one class of what is called alike"


def asked() -> set[type[BaseModel]]:
    """The models of all bodies and queries."""
    return {
        model
        for system in SYSTEMS
        for route in system.routes
        for model in (route.body, route.query)
        if model is not None
    }


def times(schema: Any) -> Iterator[dict[str, Any]]:
    """Every time and day in a schema of pydantic's."""
    if isinstance(schema, dict):
        if schema.get("type") in ("datetime", "date"):
            yield schema
        for part in schema.values():
            yield from times(part)
    elif isinstance(schema, list | tuple):
        for part in schema:
            yield from times(part)


def test_every_time_that_is_taken_can_be_counted_with() -> None:
    """At the ends of the calendar neither UTC nor a sum has it (`commands.fields`)."""
    boundless, found = set(), 0
    for model in asked():
        model.model_rebuild(force=True)  # pydantic puts it off, and has no schema before
        for each in times(model.__pydantic_core_schema__):
            found += 1
            if not {"ge", "le"} <= each.keys():
                boundless.add(model.__name__)
    assert boundless == set()
    assert found > 90


def test_every_body_and_query_refuses_what_it_does_not_know() -> None:
    """Where a member is left unread without a word, a slip of a name goes unseen."""
    models = asked()
    assert models
    lax = {model.__name__ for model in models if model.model_config.get("extra") != "forbid"}
    assert lax == set()


def test_a_document_says_which_headers_and_problems_come() -> None:
    paths = openapi([route for system in SYSTEMS for route in system.routes])["paths"]
    reported = paths["/v1/cases"]["post"]["responses"]
    assert {"ETag", "X-Position", "Location", "Idempotency-Replayed"} <= set(
        reported["201"]["headers"]
    )
    assert "Retry-After" in reported["503"]["headers"]
    assert "Retry-After" in reported["409"]["headers"]
    assert {"malformed-request"} <= set(reported["400"]["x-problem-codes"])
    assert {"idempotency-key-in-flight"} <= set(reported["409"]["x-problem-codes"])
    assert {"idempotency-key-reused", "unknown-class"} <= set(reported["422"]["x-problem-codes"])
    assert "application-not-found" not in str(reported)
    live = paths["/v1/applications/{application_id}/live"]["get"]["responses"]["200"]
    assert "text/event-stream" in live["content"]
    photo = paths["/v1/photos"]["post"]["requestBody"]["content"]
    assert set(photo) == {"image/*", "application/octet-stream"}


def test_what_has_a_default_may_be_left_out() -> None:
    """A generator for TypeScript requires what has a default."""
    document = openapi([route for system in SYSTEMS for route in system.routes])
    report = document["components"]["schemas"]["ReportCase"]
    assert "simulated" not in report["required"]
    assert "default" not in report["properties"]["simulated"]


def test_the_page_for_people_has_a_section_for_each_kind_of_operation() -> None:
    routes = [route for system in SYSTEMS for route in system.routes]
    shown = page(openapi(routes))
    headings, links = re.findall(r"<h2 id='(.+?)'>", shown), re.findall(r"href='#(.+?)'", shown)
    assert headings == links == sorted({route.tag for route in routes})
    assert shown.count("<details>") == len(routes)


def test_what_linters_of_openapi_ask_for_is_there() -> None:
    """As `spectral:oas` of Stoplight does: no array without items, no tag that is not told of."""
    document = openapi([route for system in SYSTEMS for route in system.routes])
    assert list(_arrays_without_items(document)) == []
    told = {tag["name"] for tag in document["tags"]}
    used = {
        tag
        for operations in document["paths"].values()
        for operation in operations.values()
        for tag in operation["tags"]
    }
    assert told == used
    assert len(document["tags"]) == len(told)


def _arrays_without_items(schema: Any) -> Iterator[Any]:
    if isinstance(schema, dict):
        if schema.get("type") == "array" and "items" not in schema:
            yield schema
        for member in schema.values():
            yield from _arrays_without_items(member)
    elif isinstance(schema, list):
        for each in schema:
            yield from _arrays_without_items(each)

"""Times and days at the ends of the calendar, wherever an operation takes one."""

from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from citybrain.domain.actor import Role
from citybrain.http.reach import ANY, TOKEN_ROLES, Rows, reaches
from citybrain.http.routing import Route
from citybrain.settings import Settings
from citybrain.systems import SYSTEMS
from tests.given.api import Answer
from tests.given.applying import applying
from tests.given.calling import call
from tests.given.parking.hostile import Document, malformed
from tests.given.world import OWN, World, built

ROWS: Rows = {name: row for system in SYSTEMS for name, row in system.reach.items()}
BEYOND = {
    "date-time": ("0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"),
    "date": ("0001-01-01", "9999-12-31"),
}
"""Those that no `datetime` has in UTC, or that leave no room for a sum."""
WITHIN = {
    "date-time": ("1970-01-01T00:00:00Z", "9998-12-31T23:59:59-14:00", "9999-01-01T00:00:00Z"),
    "date": ("1900-01-01", "9998-12-31", "9999-01-01"),
}


@pytest.fixture
async def world(settings: Settings) -> AsyncIterator[World]:
    async with applying(settings, at_work=SYSTEMS) as (api, _):
        yield await built(api)


def somebody(route: Route) -> Role:
    """Who reaches farthest."""
    far = {role: reaches(route, ROWS[route.operation_id], role) for role in TOKEN_ROLES}
    return max(far, key=lambda role: (far[role] == ANY, far[role] == OWN))


def kind(schema: dict[str, Any]) -> str | None:
    """`date-time`, `date`, or None where a member is none of them."""
    formats = [each.get("format") for each in (schema, *schema.get("anyOf", ()))]
    return next((each for each in formats if each in BEYOND), None)


def members(document: Document, route: Route) -> Iterator[tuple[str, str, str]]:
    """Each time and day that a route takes: where, its name, its kind."""
    places = {"query": document.query(route)}
    if route.body is not None:
        places["body"] = document.body(route).get("properties", {})
    for where, schemas in places.items():
        for name, schema in schemas.items():
            if (found := kind(schema)) is not None:
                yield where, name, found


async def test_no_time_at_the_ends_of_the_calendar_breaks_anything(world: World) -> None:
    """What cannot be counted with is refused by name; what can is answered or refused."""
    document, wrong, asked = await Document.of(world.api), [], 0
    for route in world.api.runtime.routes:
        for where, name, found in members(document, route):
            for value in (*BEYOND[found], *WITHIN[found]):
                answer = await call(world, route, somebody(route), OWN, **{where: {name: value}})
                asked += 1
                if said := broken(answer, where, name, value in BEYOND[found]):
                    wrong.append(f"{route.method} {route.path} {name}={value}: {said}")
    assert wrong == [], "\n".join(wrong)
    assert asked > 400


def broken(answer: Answer, where: str, name: str, beyond: bool) -> str | None:
    """What is wrong with an answer."""
    if not beyond:
        return None if answer.status < 500 else f"{answer.status} {answer.body[:200]!r}"
    if said := malformed(answer, (400 if where == "query" else 422,)):
        return said
    named = any(name in str(error) for error in answer.json.get("errors", ()))
    return None if named else f"does not name it: {answer.body[:300]!r}"

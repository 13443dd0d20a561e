"""Every operation as every role, on own and on others' data, or without a token: as said."""

import asyncio
import re
import time
from collections.abc import AsyncIterator

import pytest

from citybrain.domain.actor import Role
from citybrain.eventstore import EventStore
from citybrain.http.reach import ANY, TOKEN_ROLES, Reach, Rows, reaches
from citybrain.http.routing import Route
from citybrain.settings import Settings
from citybrain.systems import PROJECTIONS, SYSTEMS
from projections.rebuild import compare
from tests.given.api import Answer, Api
from tests.given.applying import applying
from tests.given.calling import call, path_of
from tests.given.described_events import require_described
from tests.given.read_models import caught_up
from tests.given.world import FOREIGN, OWN, World, built

ROUTES = [route for system in SYSTEMS for route in system.routes]
ROWS: Rows = {name: row for system in SYSTEMS for name, row in system.reach.items()}
AT_ONCE = 32
NOT_TOLD = "the case"  # whose it is not, is not told whether it is there
USED_UP = {  # they reach so far, though not alone, or not after what another call has done
    "second-person-needed",
    "parking-separation-of-duties",
}
MADE_UP = ("{repricing_id}", "{anomaly_id}")  # nobody's: the office of parking has them, or nobody
REALLY_CALLED = "/v1/parking"
"""Where each call that is allowed is one that can be done: its body is valid, its id is there."""
NOT_THEIRS = {
    "identification-needed",  # of who changes a record
    "department-not-assigned",
    "no-parking-dispute",  # strangers are not told whether there is one
}


@pytest.fixture
async def world(settings: Settings) -> AsyncIterator[World]:
    async with applying(settings, at_work=SYSTEMS) as (api, _):
        yield await built(api)


def cells() -> list[tuple[Route, Role, str, bool]]:
    """Each call, and whether it is allowed; what is refused changes nothing and comes first."""
    found = []
    for route in ROUTES:
        row = ROWS[route.operation_id]
        for role in TOKEN_ROLES:
            far = reaches(route, row, role)
            for owner in (OWN, FOREIGN) if row.owner else (OWN,):
                found.append((route, role, owner, far == ANY or (far == OWN and owner == OWN)))
    return sorted(found, key=lambda cell: cell[3])


def refused(row: Reach, answer: Answer) -> bool:
    """Whether an answer says no to whoever asks, rather than to what they ask."""
    code = answer.json.get("code") if answer.status in (403, 404, 409) else None
    if answer.status in (401, 403):
        return code not in USED_UP
    hidden = row.owner == NOT_TOLD and code == "stream-not-found"
    return hidden or code in NOT_THEIRS


def hollow(route: Route, answer: Answer) -> bool:
    """Whether a call is one of parking that could not be done whoever asks."""
    if not route.path.startswith(REALLY_CALLED) or route.media is not None:
        return False  # what others sign is let in for its signature
    named = answer.status == 404 and not any(name in route.path for name in MADE_UP)
    missing = named and answer.json["code"] in ("stream-not-found", "not-found")
    return missing or answer.status in (400, 405, 413, 415, 422)


async def test_every_operation_reaches_as_far_as_the_table_says(world: World) -> None:
    limit = asyncio.Semaphore(AT_ONCE)
    wrong: list[str] = []

    async def look(route: Route, role: Role, owner: str, allowed: bool) -> None:
        async with limit:
            answer = await call(world, route, role, owner)
        if refused(ROWS[route.operation_id], answer) == allowed:
            said = "refused" if allowed else "let in"
            asked = f"{route.method} {route.path} {role.value} {owner}"
            wrong.append(f"{asked} was {said}: {answer.body[:200]!r}")
        elif allowed and hollow(route, answer):
            asked = f"{route.method} {route.path} {role.value} {owner}"
            wrong.append(f"{asked} did not get as far as rights: {answer.body[:300]!r}")

    began, every = time.monotonic(), cells()
    for allowed in (False, True):
        await asyncio.gather(*(look(*cell) for cell in every if cell[3] is allowed))
    print(f"{len(every)} calls in {time.monotonic() - began:.1f} s")
    assert wrong == [], "\n".join(wrong)
    assert len(every) > 2000
    await require_described(world.api)
    await require_equal(world.api.runtime.store)


async def require_equal(store: EventStore) -> None:
    """After all that can be called each read model is as one that is rebuilt, and has rows."""
    await caught_up(store)
    empty = set()
    for projection in PROJECTIONS:
        compared = await compare(store, projection)
        assert compared.equal, [each for each in compared.tables if each.samples]
        if not any(each.rows for each in compared.tables):
            empty.add(projection.name)
    assert empty == set()
    parked = "SELECT DISTINCT projection || ' ' || topic FROM parked_events"
    assert await store.keeping.fetch(parked) == []


async def test_without_a_token_only_what_is_public_answers(world: World) -> None:
    for route in ROUTES:
        path = path_of(world, route, Role.CITIZEN, OWN)
        async with world.api.session.request(route.method, world.api.url + path) as answer:
            public = ROWS[route.operation_id].public
            assert (answer.status == 401) is not public, (route.path, answer.status)


@pytest.mark.parametrize("role", [Role.OFFICIAL, Role.CLERK])
async def test_a_role_without_its_place_reaches_nothing(api: Api, role: Role) -> None:
    assert api.runtime.development is not None
    token = api.runtime.development.token("somebody", [role.value])
    for route in ROUTES:
        if route.roles is None or role not in route.roles:
            continue
        path = re.sub(r"{(\w+)}", "x", route.path)
        answer = await api.call(route.method, path, headers={"Authorization": f"Bearer {token}"})
        assert answer.is_problem(403, "role-missing"), route.path

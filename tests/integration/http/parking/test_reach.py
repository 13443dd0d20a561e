"""Who reaches what of parking, beside the table: other departments, own lists, and `/cds`."""

import re
from typing import Any

import pytest

from citybrain.domain.actor import Role
from citybrain.domain.parking.looking import DECIDERS
from citybrain.http.parking.cds.mount import ENDPOINTS, PREFIX
from citybrain.http.parking.cds.versions import Version
from citybrain.http.reach import TOKEN_ROLES
from citybrain.systems.parking import PARKING
from tests.given.api import Answer, Api
from tests.given.at_work import FOR_PARKING, models
from tests.given.parking.cds.schemas import ERROR
from tests.given.read_models import caught_up
from tests.given.valid_bodies import FILTERS, body_of
from tests.given.world import FOREIGN, OWN, SANITATION, World, parking_world

EVERY_OFFICIALS = {"get_v1_parking_places_place_id_metrics"}  # hours of places: nobody is in them
SCOPE = "insufficient_scope"
LISTS = ("sessions", "claims", "permits", "plates", "reservations")
KINDS = ("session_id", "claim_id", "permit_id", "binding_id", "reservation_id")


@pytest.fixture
async def world(api: Api) -> World:
    """Two citizens with what is theirs."""
    world = await parking_world(api)
    await caught_up(api.runtime.store, *models(FOR_PARKING))
    return world


async def test_officers_of_other_departments_reach_nothing_of_parking(world: World) -> None:
    """Also where the role is right, on every path that they have in the department of parking."""
    called = 0
    before = await world.api.runtime.store.head()
    for route in PARKING.routes:
        if route.operation_id in EVERY_OFFICIALS:
            continue
        for role in set(DECIDERS) & set(route.roles or ()):
            path = route.path
            for name in world.ids:
                path = path.replace(f"{{{name}}}", world.id_of(name, role, FOREIGN))
            path, made_up = re.subn(r"{\w+}", "made-up", path)
            sent: dict[str, Any] = {}
            if query := FILTERS.get(route.operation_id):
                sent["params"] = query(world, role, FOREIGN)
            if route.body is not None:
                sent["json"] = body_of(route.operation_id, world, role, FOREIGN)
            answer = await world.api.call(
                route.method, path, role.value, department=SANITATION, **sent
            )
            refused = (403, 404) if made_up else (403,)
            assert answer.status in refused, (route.method, route.path, role, answer.body)
            called += 1
    assert called > 50
    assert await world.api.runtime.store.head() == before


async def test_a_citizen_is_shown_their_own_and_nobody_elses(world: World) -> None:
    for name, kind in zip(LISTS, KINDS, strict=True):
        for whose, others in ((world.mine, FOREIGN), (world.theirs, OWN)):
            path = f"/v1/parking/{name}?limit=500" if name != "plates" else "/v1/parking/plates"
            answer = await world.api.call("GET", path, "citizen", subject=whose)
            assert answer.status == 200, answer.body
            own = OWN if others == FOREIGN else FOREIGN
            shown = answer.body.decode()
            assert world.ids[kind][own][Role.CITIZEN] in shown, name
            assert world.ids[kind][others][Role.CITIZEN] not in shown, name


@pytest.mark.parametrize("version", list(Version))
async def test_every_endpoint_of_cds_as_every_role(world: World, version: Version) -> None:
    """Open, or for whom it says; all others learn nothing, not even whether there is something."""
    for endpoint in ENDPOINTS:
        path = PREFIX + endpoint.path.replace("{id}", "0" * 8 + "-0000-4000-8000-" + "0" * 12)
        for role in (None, *TOKEN_ROLES):
            answer = await as_client(world.api, endpoint.methods[0], path, role, version)
            allowed = endpoint.roles is None or role in endpoint.roles
            if allowed:
                assert answer.status in (200, 400, 404), (path, role, answer.body)
                continue
            assert answer.status == 401, (path, role, answer.body)
            assert answer.json["error"] == ("unauthorized" if role is None else SCOPE)
            assert ERROR.is_valid(answer.json)
            assert answer.headers["WWW-Authenticate"].startswith("Bearer")


async def as_client(
    api: Api, method: str, path: str, role: Role | None, version: Version
) -> Answer:
    """One request in a version; a push of nothing."""
    kind = "csv" if "/metrics/" in path else "json"
    headers = {"Accept": f"application/vnd.cds+{kind};version={version.value}"}
    sent: dict[str, Any] = {"json": []} if method == "POST" else {}
    who = None if role is None else role.value
    department = "parking" if role in DECIDERS else None
    return await api.call(method, path, who, department=department, headers=headers, **sent)

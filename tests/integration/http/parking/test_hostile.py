"""Parking under hostile input: the right status in the right form, and nothing is stored."""

import asyncio
import re
from collections.abc import AsyncIterator
from typing import Any

import pytest

from citybrain.domain.actor import Role
from citybrain.http.routing import Route
from citybrain.systems.parking import PARKING
from tests.given.api import Api
from tests.given.at_work import FOR_PARKING, models
from tests.given.parking.cds.city import happened
from tests.given.parking.hostile import (
    PATHS,
    Attacker,
    Document,
    written,
    wrong_bodies,
    wrong_queries,
    wrong_texts,
)
from tests.given.read_models import caught_up
from tests.given.valid_bodies import body_of
from tests.given.world import OWN, World, parking_world

ROUTES = PARKING.routes
BODIES = tuple(route for route in ROUTES if route.body is not None)
EXTREMES = (
    "0001-01-01",
    "9999-12-31",
    "1970-01-01T00:00:00Z",
    "9998-12-31T23:59:59Z",
    "0",
    "1e308",
)
COUNTED = "parking.counter_read"
MADE_UP = re.compile(r"{\w+}")
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "TRACE", "PROPFIND")


@pytest.fixture
def with_workers() -> bool:
    return False


@pytest.fixture
async def world(api: Api) -> AsyncIterator[World]:
    """What there is before; whatever is refused adds nothing to it."""
    world = await parking_world(api)
    before = await api.runtime.store.head()
    yield world
    assert await api.runtime.store.head() == before, "what was refused was stored"


def path_of(world: World, route: Route, role: Role | None, **named: str) -> str:
    """The path with ids that there are, but for those that are named."""
    path = route.path
    for name in world.ids:
        found = named.get(name) or world.id_of(name, role or Role.CITIZEN, OWN)
        path = path.replace(f"{{{name}}}", found)
    return MADE_UP.sub("made-up", path)


def somebody(route: Route) -> Role | None:
    """One of those who may."""
    return None if route.roles is None else route.roles[0]


async def test_no_body_with_one_thing_wrong_is_taken(world: World) -> None:
    document, wrong, sent = await Document.of(world.api), [], 0
    for route in BODIES:
        role = somebody(route)
        attacker = Attacker(world, role)
        path = path_of(world, route, role)
        valid = body_of(route.operation_id, world, role or Role.CITIZEN, OWN)
        for body in wrong_bodies(document, route, valid):
            await attacker.refused(route.method, path, written(body))
        wrong += attacker.wrong
        sent += attacker.sent
    print(f"{sent} bodies")
    assert wrong == [], "\n".join(wrong)
    assert sent > 1000


async def test_no_body_that_is_no_object_is_taken(world: World) -> None:
    for route in BODIES:
        role = somebody(route)
        attacker = Attacker(world, role)
        path = path_of(world, route, role)
        valid = body_of(route.operation_id, world, role or Role.CITIZEN, OWN)
        for text in wrong_texts(valid):
            await attacker.refused(route.method, path, text, statuses=(400, 422))
        for media in ("text/plain", "application/xml", "multipart/form-data", "", "json"):
            await attacker.refused(route.method, path, written(valid), media, statuses=(415,))
        gzip = {"Content-Encoding": "gzip"}
        await attacker.refused(route.method, path, b"no gzip", headers=gzip, statuses=(415,))
        assert attacker.wrong == [], "\n".join(attacker.wrong)


async def test_no_path_of_unseen_or_foreign_signs_leads_anywhere(world: World) -> None:
    """Nor does an id of another kind: a claim's where a session's stands."""
    kinds = [each[OWN][Role.CITIZEN] for each in world.ids.values()]
    for route in ROUTES:
        names = [
            name for name in (*world.ids, "place_id", "berth_id") if f"{{{name}}}" in route.path
        ]
        role = somebody(route)
        attacker = Attacker(world, role)
        for name in names:
            own = world.ids.get(name, {}).get(OWN, {}).values()
            for made_up in (*PATHS, *(each for each in kinds if each not in own)):
                path = route.path.replace(f"{{{name}}}", made_up)
                valid = body_of(route.operation_id, world, role or Role.CITIZEN, OWN)
                body = None if route.body is None else written(valid)
                await attacker.refused(route.method, path, body, statuses=(400, 403, 404, 422))
        assert attacker.wrong == [], "\n".join(attacker.wrong)


async def test_what_is_too_large_is_refused_before_it_comes(world: World) -> None:
    """No byte of the body is sent."""
    for route in BODIES:
        role = somebody(route)
        path = path_of(world, route, role)
        most = route.body_limit_bytes or world.api.runtime.settings.body_limit_bytes
        port = int(world.api.url.rpartition(":")[2])
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        token = "" if role is None else world.token(role, path)
        writer.write(
            f"POST {path} HTTP/1.1\r\nHost: here\r\nAuthorization: Bearer {token}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {most + 1}\r\n\r\n".encode()
        )
        assert (await reader.readline()).split()[1] == b"413", path
        writer.close()


async def test_only_the_methods_that_there_are_are_taken(world: World) -> None:
    attacker = Attacker(world, None)
    for path in {path_of(world, route, Role.CITIZEN) for route in ROUTES}:
        served = {route.method for route in ROUTES if leads(route, path)}
        for method in set(METHODS) - served:
            answer = await attacker.send(method, path)
            assert answer.is_problem(405, "method-not-allowed"), (method, path)
            assert set(answer.headers["Allow"].replace(" ", "").split(",")) & served


def leads(route: Route, path: str) -> bool:
    """Whether a path is one of a route; `sessions/search` looks like a session, too."""
    return re.fullmatch(re.sub(r"{\w+}", "[^/]+", route.path), path) is not None


async def test_what_is_wrong_in_a_batch_costs_no_other(api: Api) -> None:
    """Half of it is bad: each bad one is named by its place, and the good ones are stored."""
    world = await parking_world(api)
    camera = Attacker(world, Role.CAMERA)
    for path, name, good in (
        ("detections", "detections", {"ref": "r", "sign": "occupied", "place_id": "Z1-001"}),
        ("facilities/readings", "readings", {"facility_id": "G-1", "free": 9}),
    ):
        good |= {"device_id": "camera-1", "occurred_at": "2026-09-14T09:00:00+08:00"}
        bad: list[Any] = [None, 1, "x", [], {}, *(good | {member: None} for member in good)]
        bad += [good | {"x": 1}, good | {"occurred_at": 1789347600}]
        bad += [good | {"device_id": "elsewhere-1"}, good | {"occurred_at": "9000-01-01T00:00:00Z"}]
        bad = [each for each in bad if not (isinstance(each, dict) and each.get("free", 0) is None)]
        batch = [each for item in bad for each in (item, good)]
        before = await happened(api, "parking.detected") + await happened(api, COUNTED)
        answer = await camera.send("POST", f"/v1/parking/{path}/batch", written({name: batch}))
        assert answer.status == 200, answer.body
        assert [each["index"] for each in answer.json["refused"]] == list(range(0, len(batch), 2))
        assert answer.json["recorded"] + answer.json["known"] == len(bad)
        after = await happened(api, "parking.detected") + await happened(api, COUNTED)
        assert (answer.json["recorded"], after - before) == (1, 1)
        whole = written({name: [good], "x": 1})
        assert (await camera.send("POST", f"/v1/parking/{path}/batch", whole)).status == 422


class TestQuestions:
    """Read models answer."""

    @pytest.fixture
    def with_workers(self) -> bool:
        return True

    @pytest.fixture
    async def world(self, api: Api) -> World:
        world = await parking_world(api)
        await caught_up(api.runtime.store, *models(FOR_PARKING))
        return world

    async def test_no_query_with_one_thing_wrong_is_answered(self, world: World) -> None:
        document, sent = await Document.of(world.api), 0
        for route in ROUTES:
            if route.method != "GET":
                continue
            role = somebody(route)
            attacker = Attacker(world, role)
            path = path_of(world, route, role)
            for query in wrong_queries(document, route):
                url = f"{path}?{query}"
                await attacker.refused("GET", url, statuses=(400, 404, 422))
            assert attacker.wrong == [], "\n".join(attacker.wrong)
            sent += attacker.sent
        assert sent > 100

    async def test_extreme_times_and_numbers_break_nothing(self, world: World) -> None:
        """Whatever they mean, they are answered or refused."""
        document, broken = await Document.of(world.api), []
        for route in ROUTES:
            role = somebody(route)
            if route.method != "GET":
                continue
            attacker = Attacker(world, role)
            path = path_of(world, route, role)
            for name, schema in document.query(route).items():
                for value in EXTREMES:
                    wanted = f"{path}?{name}={value}"
                    needed = [each for each in ("start", "end") if each in document.query(route)]
                    wanted += "".join(
                        f"&{each}=2026-09-14T09:00:00Z" for each in needed if each != name
                    )
                    answer = await attacker.send("GET", wanted)
                    if answer.status >= 500:
                        broken.append(f"{wanted}: {answer.status} {schema}")
        assert broken == [], "\n".join(broken)

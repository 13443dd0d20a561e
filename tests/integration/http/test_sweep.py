"""All operations of the table under what clients and strangers send: as documented, never broken.

Each test goes through the routes of all systems, so that a new one is in it by itself. One server
with a world of two citizens is there for all of them.
"""

import asyncio
import itertools
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from typing import Any
from urllib.parse import quote

import orjson
import pytest
import pytest_asyncio
from aiohttp import web
from pydantic import BaseModel, SecretStr, ValidationError
from yarl import URL

from citybrain.domain.actor import Role
from citybrain.http.problem_texts import problem_texts
from citybrain.http.reach import ANY, OWN, TOKEN_ROLES, Rows, reaches
from citybrain.http.routing import Route
from citybrain.http.server import build_app
from citybrain.settings import Settings
from citybrain.systems import SYSTEMS
from tests.given.api import Answer
from tests.given.applying import applying
from tests.given.calling import path_of, version_of
from tests.given.read_models import caught_up
from tests.given.storm import some_of
from tests.given.valid_bodies import FILTERS, body_of
from tests.given.waiting import PATIENCE_SECONDS
from tests.given.world import World, built

pytestmark = pytest.mark.asyncio(loop_scope="module")

ROUTES = [route for system in SYSTEMS for route in system.routes]
ROWS: Rows = {name: row for system in SYSTEMS for name, row in system.reach.items()}
AT_ONCE = 32
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
MEGABYTE = 1 << 20

WHOLE: tuple[bytes, ...] = (b"[]", b"null", b'"x"', b"{}", b'{"\\u0000":1}', b'{"\\ud800":1}')
LARGE: tuple[bytes, ...] = (b"[" * 100_000, b'{"a":' * 5_000 + b"1" + b"}" * 5_000, b" " * MEGABYTE)
UNKEEPABLE: tuple[bytes, ...] = (b'"a\\u0000b"', b'"a\\ud800b"')
EACH = 7
"""Each so-manieth value is tried with a member, and others with the next one; all in a storm."""
VALUES: tuple[bytes, ...] = (
    b"null",
    b"true",
    b"[]",
    b"{}",
    b'""',
    b'" "',
    b'"../../etc/passwd"',
    b'"' + b"x" * 70_000 + b'"',
    b"1e400",
    b"-1e400",
    b"NaN",
    b"-0",
    b"-0.0",
    b"9223372036854775808",
    b"18446744073709551616",
    b"-1",
    b"1e-400",
    b'"0001-01-01T00:00:00+23:59"',
    b'"9999-12-31T23:59:59-23:59"',
    b"[" * 500 + b"]" * 500,
)
PARTS = (
    "%00",
    "a%00b",
    "x" * 3000,
    "%E9%83%91%E5%B7%9E",
    "%20",
    "..%2F..%2Fetc",
    "%FF",
    "%ED%A0%80",
)
ASKED = (
    "\x00",
    "x" * 3000,
    "郑州",
    " ",
    "",
    "../../etc/passwd",
    "-1",
    "1e400",
    "NaN",
    str(1 << 63),
)
SAID = ("title", "next_step")
AWAY = {"faces-not-served", "certificates-not-set-up", "face-gallery-loading"}
"""What this server does not have: it answers 503 with its code."""


SIGNING_IN = {"/dev/oauth/authorize", "/dev/oauth/end-session"}
"""Of development's own issuer: who asks there has done something."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def world(
    common_settings: Settings,
    databases: Any,
    prepared: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[World]:
    with databases.copied(prepared) as url:
        data = tmp_path_factory.mktemp("sweep") / "data"
        ours = {"database_url": SecretStr(url), "data_dir": data}
        settings = common_settings.model_copy(update=ours, deep=True)
        settings.request_timeout_seconds = PATIENCE_SECONDS
        async with applying(settings, at_work=SYSTEMS) as (api, _):
            yield await built(api)


def who_may(route: Route) -> Role:
    """Somebody whom the operation is for; who is meant by their own, where it is of one's own."""
    row = ROWS[route.operation_id]
    return next(role for role in TOKEN_ROLES if reaches(route, row, role) in (ANY, OWN))


async def everywhere(
    routes: Sequence[Route], look: Callable[[Route], Awaitable[list[str]]]
) -> list[str]:
    """What is wrong with any of them; many are asked at once."""
    limit = asyncio.Semaphore(AT_ONCE)

    async def one(route: Route) -> list[str]:
        async with limit:
            return [f"{route.method} {route.path}: {said}" for said in await look(route)]

    return [said for found in await asyncio.gather(*map(one, routes)) for said in found]


async def send(
    world: World,
    route: Route,
    *,
    method: str | None = None,
    path: str | None = None,
    query: dict[str, str] | None = None,
    body: bytes | None = None,
    headers: dict[str, str] | None = None,
    subject: str | None = None,
) -> Answer:
    """A request by somebody who may, with the members of an honest one that are not named."""
    role = who_may(route)
    honest = path_of(world, route, role, OWN)
    sent = {"Authorization": f"Bearer {world.token(role, honest, subject)}"} | (headers or {})
    if route.if_match and "If-Match" not in sent:
        sent["If-Match"] = f'"{await version_of(world, honest)}"'
    if body is not None:
        sent["Content-Type"] = route.media or "application/json"
    filters = FILTERS.get(route.operation_id)
    asked = {} if filters is None else filters(world, role, OWN)
    asked = {name: str(value) for name, value in asked.items()} | (query or {})
    address = (path or honest) + ("?" if asked else "")
    address += "&".join(f"{name}={quote(value, safe='')}" for name, value in asked.items())
    async with world.api.session.request(
        method or route.method,
        URL(world.api.url + address, encoded=True),
        headers=sent,
        data=body,
        allow_redirects=False,
    ) as answer:
        streams = route.streaming and answer.status == 200 and answer.method != "HEAD"
        return Answer(answer.status, answer.headers, b"{}" if streams else await answer.read())


def broken(answer: Answer) -> str | None:
    """Why an answer is none that anybody should get; None where it is one."""
    if answer.status < 400:
        return None
    kind = answer.headers.get("Content-Type", "")
    if kind != "application/problem+json":
        return f"{answer.status} as {kind}: {answer.body[:200]!r}"
    code = answer.json["code"]
    if answer.status >= 500 and code not in AWAY:
        return f"{answer.status} {code}"
    texts = problem_texts().get(code, {})
    if not all(texts.get(language, {}).get(part) for language in ("zh", "en") for part in SAID):
        return f"{code} says nothing to people"
    if answer.json.get("title") not in {each["title"] for each in texts.values()}:
        return f"{code} has another title: {answer.json.get('title')}"
    missing = {"type", "status", "detail", "correlation_id", "next_step"} - answer.json.keys()
    return f"{code} lacks {missing}" if missing else None


def honest_body(world: World, route: Route) -> dict[str, Any]:
    """A body that can be taken."""
    return body_of(route.operation_id, world, who_may(route), OWN)


async def test_head_answers_as_get_does_without_a_body(world: World) -> None:
    def said(answer: Answer) -> tuple[Any, ...]:
        return answer.status, *(answer.headers.get(name) for name in ("Content-Type", "ETag"))

    async def look(route: Route) -> list[str]:
        before = await send(world, route)
        head = await send(world, route, method="HEAD")
        after = await send(world, route)  # what it is about may have gone on between the two
        if head.body != b"":
            return ["a body"]
        if route.counted and said(head) not in (said(before), said(after)):
            return [f"GET {said(before)}, HEAD {said(head)}"]
        return []

    routes = [route for route in ROUTES if route.method == "GET"]
    assert await everywhere(routes, look) == []
    assert len(routes) > 120


async def test_what_is_beside_the_table_answers_head_as_well(world: World) -> None:
    app = build_app(world.api.runtime)
    without = []
    for resource in app.router.resources():
        for path, methods in methods_of(resource).items():
            if "GET" in methods and not methods & {"HEAD", "*"}:
                without.append(path)
    assert set(without) <= SIGNING_IN, without


def methods_of(resource: web.AbstractResource) -> dict[str, set[str]]:
    """By path; one resource of the router may stand for many."""
    found: dict[str, set[str]] = {}
    for route in resource:
        path = route.resource.canonical if route.resource is not None else resource.canonical
        found.setdefault(path, set()).add(route.method)
    return found


async def test_what_has_an_entity_tag_is_not_sent_to_who_has_it(world: World) -> None:
    kept = set()

    async def look(route: Route) -> list[str]:
        tag = (await send(world, route)).headers.get("ETag")
        if tag is None:
            return []
        wrong = []
        for known in (tag, f'W/{tag}, "x"', "*", '"x"'):
            again = await send(world, route, headers={"If-None-Match": known})
            has_it = known == "*" or str(again.headers.get("ETag")) in known  # or it went on
            if (again.status, again.body == b"") != ((304, True) if has_it else (200, False)):
                wrong.append(f"If-None-Match: {known} gave {again.status} {again.body[:60]!r}")
            elif again.status == 304:
                kept.add(route.path)
        return wrong

    assert await everywhere([route for route in ROUTES if route.method == "GET"], look) == []
    assert len(kept) > 5


async def test_another_method_is_told_which_there_are(world: World) -> None:
    by_path: dict[str, set[str]] = {}
    for route in ROUTES:
        methods = {"GET", "HEAD"} if route.method == "GET" else {route.method}
        by_path.setdefault(route.path, set()).update(methods)

    def served(path: str) -> set[str]:
        fitting = (re.sub(r"{\w+}", "[^/]+", each) for each in by_path)
        found = zip(fitting, by_path.values(), strict=True)
        return {name for each, some in found if re.fullmatch(each, path) for name in some}

    async def look(route: Route) -> list[str]:
        path = path_of(world, route, who_may(route), OWN)
        wrong = []
        for method in METHODS:
            if method in (allowed := served(path)):
                continue
            answer = await send(world, route, method=method)
            said = {each.strip() for each in answer.headers.get("Allow", "").split(",")}
            if (answer.status, said) != (405, allowed):
                wrong.append(f"{method} gave {answer.status}, Allow: {said}, not {allowed}")
            elif (why := broken(answer)) is not None:
                wrong.append(f"{method}: {why}")
        return wrong

    assert await everywhere(ROUTES, look) == []


async def test_no_body_breaks_an_operation(world: World) -> None:
    sent = 0

    async def look(route: Route) -> list[str]:
        nonlocal sent
        wrong = []
        for number, body in enumerate(bodies(world, route)):
            headers = {"Accept-Language": ("zh-CN", "en")[number % 2]}
            if route.if_match:
                headers["If-Match"] = '"1"'
            answer = await send(world, route, body=body, headers=headers)
            sent += 1
            if (why := broken(answer)) is not None:
                wrong.append(f"{body[:120]!r}: {why}")
            elif answer.status < 300 and b"\\u0000" in body and not answer.json.get("refused"):
                wrong.append(f"{body[:120]!r} was taken")
        return wrong

    assert await everywhere([each for each in ROUTES if each.body is not None], look) == []
    assert sent > 2500
    await caught_up(world.api.runtime.store)
    parked = "SELECT projection, topic, error FROM parked_events"
    assert await world.api.runtime.store.keeping.fetch(parked) == []


def bodies(world: World, route: Route) -> Iterator[bytes]:
    """Whole bodies that are none, a large one, and honest ones with one member that is not."""
    assert route.body is not None
    honest, place = honest_body(world, route), itertools.count(len(route.path))
    yield from (*WHOLE, LARGE[next(place) % len(LARGE)])
    for member, field in route.body.model_fields.items():
        name = field.alias or member
        yield from _with(orjson.dumps(honest | {name: "@@"}), next(place))
        some = honest.get(name)
        if isinstance(some, list) and some and isinstance(some[0], dict):
            for inner in some[0]:
                item = some[0] | {inner: "@@"}
                yield from _with(orjson.dumps(honest | {name: [item]}), next(place))


def _with(text: bytes, place: int) -> Iterator[bytes]:
    """Bodies with values that cannot be kept, and with some of the others."""
    for value in (*UNKEEPABLE, *some_of(VALUES[place % EACH :], EACH)):
        yield text.replace(b'"@@"', value)


async def test_no_path_or_question_breaks_an_operation(world: World) -> None:
    sent = 0

    async def look(route: Route) -> list[str]:
        nonlocal sent
        wrong = []
        honest = path_of(world, route, who_may(route), OWN)
        body = None if route.body is None else orjson.dumps(honest_body(world, route))
        headers = {"If-Match": '"1"'} if route.if_match else {}
        for path in paths(route, honest):
            answer = await send(world, route, path=path, body=body, headers=headers)
            sent += 1
            if (why := broken(answer)) is not None:
                wrong.append(f"{path[:120]}: {why}")
        fields = [] if route.query is None else list(route.query.model_fields.items())
        for member, field in fields:
            for value in ("\x00", *some_of(ASKED[len(member) % EACH :], EACH)):
                query = {field.alias or member: value}
                answer = await send(world, route, query=query, body=body, headers=headers)
                sent += 1
                if (why := broken(answer)) is not None:
                    wrong.append(f"?{member}={value[:40]!r}: {why}")
                elif "\x00" in value and answer.status < 400:
                    wrong.append(f"?{member}={value[:40]!r} was taken")
        return wrong

    assert await everywhere(ROUTES, look) == []
    assert sent > 1000


def paths(route: Route, honest: str) -> Iterator[str]:
    """The honest path with one of what it names put otherwise."""
    named, said = route.path.split("/"), honest.split("/")
    for place, name in enumerate(named):
        if name.startswith("{"):
            for part in ("%00", *some_of(PARTS[len(named[-1]) % EACH :], EACH)):
                yield "/".join([*said[:place], part, *said[place + 1 :]])


async def test_a_key_stands_for_one_body_of_one_caller(world: World) -> None:
    done: list[str] = []
    stated: list[str] = []
    store = world.api.runtime.store

    async def look(route: Route) -> list[str]:
        body, head = honest_body(world, route), await store.head()
        key = {"Idempotency-Key": f"sweep-{route.operation_id}"}
        first = await send(world, route, body=orjson.dumps(body), headers=key)
        if first.status >= 300 or not await written_by(world, route, head):
            return []  # nothing was done that could be done twice
        done.append(route.operation_id)
        wrong, head = [], await store.head()
        again = await send(world, route, body=orjson.dumps(body), headers=key)
        if again.status >= 300 or await written_by(world, route, head):
            wrong.append(f"sent again: {again.status} {again.body[:200]!r}")
        stranger = await send(
            world, route, body=orjson.dumps(body), headers=key, subject=world.theirs
        )
        if "Idempotency-Replayed" in stranger.headers or b"idempotency-key" in stranger.body:
            wrong.append(f"another caller: {stranger.status} {stranger.body[:200]!r}")
        told = set()
        for other in others(route.body, body):
            answer = await send(world, route, body=orjson.dumps(other), headers=key)
            told.add("taken" if answer.status < 300 else answer.json["code"])
        if "taken" in told:
            wrong.append(f"another body: {told}")
        if "idempotency-key-reused" in told:
            stated.append(route.operation_id)
        return wrong

    routes = [route for route in ROUTES if route.idempotent and route.media is None]
    found = [f"{route.path}: {said}" for route in routes for said in await look(route)]
    assert found == []
    assert len(done) > 20, done
    assert len(stated) > 10, stated


async def written_by(world: World, route: Route, after: int) -> bool:
    """Whether somebody who may call an operation has written something since then."""
    who = world.subject(who_may(route))
    events = await world.api.runtime.store.read_all(after, limit=1000)
    return any(event.metadata["actor"] == who for event in events)


def others(model: type[BaseModel] | None, body: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Other bodies that can be read, too: one for each member of which that is known."""
    assert model is not None
    honest = model.model_validate(body)
    for name in model.model_fields:
        for value in another(body.get(name)):
            changed = body | {name: value}
            try:
                if model.model_validate(changed) != honest:
                    yield changed
                    break
            except ValidationError:
                continue


def another(value: Any) -> Sequence[Any]:
    """Values that may stand where one does."""
    if isinstance(value, bool):
        return (not value,)
    if isinstance(value, int | float):
        return (value + 1, value - 1, value / 2)
    if isinstance(value, str):
        return (f"{value}x", f"{value}1", value[:-1], value[:-1] + "7")
    if isinstance(value, list):
        return ([*value, *value], value[:-1])
    return ("a", "2027-01-01", 1, True, ["ab" * 32])

"""Updates of service requests: what reporters are told, and what they say; the latter sealed."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import orjson
import pytest

from citybrain.systems import PROJECTIONS, SYSTEMS, projection_named
from citybrain.vault.vault import NoSuchBlob, PersonErased
from projections.rebuild import compare
from tests.given.api import Api
from tests.given.open311_client import Found, Open311Client, Open311Failed
from tests.given.read_models import caught_up
from tests.given.waiting import PATIENCE_SECONDS

HOLE = {"service_code": "road_damage", "lat": "34.7466", "long": "113.6253"}
NOBODY = "case-" + "0" * 32
SAID = "It is still there, and deeper. 還在"
MODEL = "service_requests"


@pytest.fixture(params=["xml", "json"])
async def client(api: Api, request: pytest.FixtureRequest) -> Open311Client:
    found = Open311Client(
        api.session, f"{api.url}/open311/v2/discovery.{request.param}", request.param, "development"
    )
    await found.discover()
    return found


async def told(client: Open311Client, api: Api, **query: str) -> list[Found]:
    """All updates that there are by now."""
    store = api.runtime.store
    await caught_up(store, MODEL)
    return await client.updates(**query)


async def close(api: Api, case_id: str) -> None:
    state = await api.call("GET", f"/v1/cases/{case_id}", "operator")
    lead = state.json["lead"]
    for step, role, department, body in (
        ("accept", "official", lead, {"department": lead}),
        ("handle", "official", lead, {"department": lead, "evidence_sha256": ["ab" * 32]}),
        ("verify", "operator", None, {}),
        ("close", "operator", None, {"public_answer": "The hole is filled."}),
    ):
        state = await api.step(state, step, role, body, department=department)
        assert state.status == 200, state.body


async def test_each_step_is_told_in_order_and_by_time(client: Open311Client, api: Api) -> None:
    before = datetime.now(UTC)
    case_id = await client.report(HOLE)
    assert await api.runtime.store.wait_for(3, PATIENCE_SECONDS)  # filed and dispatched
    await close(api, case_id)
    updates = await told(client, api)
    assert {each["service_request_id"] for each in updates} == {case_id}
    assert len({each["update_id"] for each in updates}) == len(updates) == 6
    assert updates[0]["status"] == "OPEN"
    assert [each["status"] for each in updates[2:]] == [*["IN_PROGRESS"] * 3, "FIXED"]
    assert updates[-1]["description"] == "The hole is filled."
    times = [datetime.fromisoformat(each["updated_datetime"]) for each in updates]
    assert times == sorted(times)
    assert all(before - timedelta(seconds=1) <= at <= datetime.now(UTC) for at in times)

    hour = timedelta(hours=1)
    span = {"start_date": (before - hour).isoformat(), "end_date": (before + hour).isoformat()}
    assert await told(client, api, **span) == updates
    past = {"start_date": (before - 2 * hour).isoformat(), "end_date": before.isoformat()}
    assert await told(client, api, **past) == []
    assert (await compare(api.runtime.store, projection_named(MODEL))).equal


async def test_a_void_is_no_further_action(client: Open311Client, api: Api) -> None:
    case_id = await client.report(HOLE)
    assert await api.runtime.store.wait_for(3, PATIENCE_SECONDS)
    state = await api.call("GET", f"/v1/cases/{case_id}", "operator")
    asked = await api.step(state, "requests", "operator", {"change": "void", "reason": "a joke"})
    assert asked.status == 200, asked.body
    body = {"request_id": asked.json["request_id"], "note": "so it is"}
    settled = await api.step(asked, "approve", "supervisor", body)
    assert settled.status == 200, settled.body
    last = (await told(client, api))[-1]
    assert last["status"] == "NO_FURTHER_ACTION"
    found = await client.request(case_id)
    assert (found["status"], found["status_notes"]) == ("closed", "Closed without action.")
    assert "expected_datetime" not in found


async def test_comments_come_in_pages(client: Open311Client, api: Api) -> None:
    case_id = await client.report(HOLE)
    for number in range(5):
        await client.update(service_request_id=case_id, description=f"remark {number}")
    position = await api.runtime.store.head()
    texts, after = [], 0
    while after is not None:
        path = f"/v1/cases/{case_id}/comments?limit=2&after={after}&min_position={position}"
        page = (await api.call("GET", path, "operator")).json
        assert len(page["comments"]) <= 2
        texts += [each["text"] for each in page["comments"]]
        after = page["next"]
    assert texts == [f"remark {number}" for number in range(5)]


@pytest.mark.parametrize("at_work", [SYSTEMS], ids=["all-at-work"])
async def test_what_is_said_is_sealed_and_noted(client: Open311Client, api: Api) -> None:
    case_id = await client.report(HOLE)
    assert await api.runtime.store.wait_for(3, PATIENCE_SECONDS)
    before = await told(client, api)
    request = await client.request(case_id)
    update_id = await client.update(
        service_request_id=case_id, description=SAID, email="zhuge@example.org", first_name="孔明"
    )
    assert update_id
    event = (await api.runtime.store.read(case_id))[-1]
    assert event.topic == "case.commented"
    assert event.data["author"] == "open311-development"
    vault, comment_id = api.runtime.services.vault, UUID(event.data["comment_id"])
    kind = await api.runtime.store.pool.fetchval("SELECT kind FROM sealed_blobs")
    said = orjson.loads(await vault.fetch(case_id, kind, comment_id))
    assert SAID in said.values()
    assert "zhuge@example.org" in said.values()
    path = f"/v1/cases/{case_id}/comments?min_position={event.position}"
    (shown,) = (await api.call("GET", path, "operator")).json["comments"]
    assert (shown["text"], shown["author"]) == (SAID, "open311-development")
    own = await api.call("GET", path, "official", department="municipal-works")
    assert own.json["comments"] == [shown]
    other = await api.call("GET", path, "official", department="landscape")
    assert other.is_problem(403, "forbidden")

    # In clear it is nowhere: not in the log, not in a read model, not in an answer.
    store = api.runtime.store
    for projection in PROJECTIONS:
        await caught_up(store, projection.name)
    seen = b"".join(each.state for each in await store.read(case_id)) + await everything(api)
    for secret in (SAID, "zhuge@example.org", "孔明"):
        assert secret.encode() not in seen
        assert orjson.dumps(secret)[1:-1] not in seen
    assert await told(client, api) == before
    assert await client.request(case_id) == request
    await vault.erase(case_id)
    with pytest.raises((NoSuchBlob, PersonErased)):
        await vault.fetch(case_id, kind, comment_id)


async def everything(api: Api) -> bytes:
    """All rows of all tables but PostgreSQL's own, as text."""
    pool, found = api.runtime.store.pool, b""
    tables = await pool.fetch(
        "SELECT schemaname, tablename FROM pg_tables"
        " WHERE schemaname NOT IN ('pg_catalog', 'information_schema')"
    )
    assert len(tables) > 20
    for schema, table in tables:
        rows = await pool.fetch(f'SELECT t::text AS row FROM "{schema}"."{table}" t')
        found += "".join(row["row"] for row in rows).encode()
    return found


async def test_it_is_said_at_every_state_and_once_for_an_update_id(
    client: Open311Client, api: Api
) -> None:
    case_id = await client.report(HOLE)
    assert await api.runtime.store.wait_for(3, PATIENCE_SECONDS)
    await close(api, case_id)
    said = {"service_request_id": case_id, "description": SAID, "update_id": "77"}
    first = await client.update(**said)
    assert await client.update(**said) == first
    topics = [each.topic for each in await api.runtime.store.read(case_id)]
    assert topics.count("case.commented") == 1
    assert (await client.request(case_id))["status"] == "closed"
    assert await client.update(**(said | {"update_id": "78"})) != first
    blobs = await api.runtime.store.pool.fetchval("SELECT count(*) FROM sealed_blobs")
    assert blobs == 2


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"service_request_id": ""}, 400),
        ({"service_request_id": NOBODY}, 404),
        ({"service_request_id": "1"}, 404),
        ({"description": ""}, 400),
        ({"description": " "}, 400),
        ({"description": "x" * 4001}, 400),
        ({"description": "a\x00b"}, 400),
        ({"email": "x" * 300}, 400),
        ({"updated_datetime": "yesterday"}, 400),
        ({"updated_datetime": "2100-01-01T00:00:00Z"}, 400),
        ({"updated_datetime": "2020-01-01T00:00:00Z"}, 400),
        ({"update_id": "x" * 201}, 400),
        ({"jurisdiction_id": "elsewhere"}, 404),
    ],
)
async def test_what_cannot_be_said_leaves_nothing(
    client: Open311Client, api: Api, change: dict[str, str], status: int
) -> None:
    case_id = await client.report(HOLE)
    assert await api.runtime.store.wait_for(3, PATIENCE_SECONDS)
    fields: dict[str, Any] = {"service_request_id": case_id, "description": SAID} | change
    with pytest.raises(Open311Failed) as failed:
        await client.update(**fields)
    assert failed.value.status == status
    assert [each["code"] for each in failed.value.errors] == [str(status)]
    assert await api.runtime.store.head() == 3
    assert await api.runtime.store.pool.fetchval("SELECT count(*) FROM sealed_blobs") == 0


@pytest.mark.parametrize("key", ["", "guessed"])
async def test_only_clients_with_a_key_say_something(
    client: Open311Client, api: Api, key: str
) -> None:
    case_id = await client.report(HOLE)
    client.api_key = key
    with pytest.raises(Open311Failed, match="403: api_key"):
        await client.update(service_request_id=case_id, description=SAID)


@pytest.mark.parametrize(
    "query",
    [
        {"start_date": "yesterday"},
        {"end_date": "2025-01-01"},
        {"start_date": "0001-01-01T00:00Z"},
        {"start_date": "2020-01-01T00:00:00Z", "end_date": "2021-01-01T00:00:00Z"},
        {"start_date": "2020-02-01T00:00:00Z", "end_date": "2020-01-01T00:00:00Z"},
        {"jurisdiction_id": "elsewhere"},
    ],
)
async def test_times_that_cannot_be_asked_for(client: Open311Client, query: dict[str, str]) -> None:
    with pytest.raises(Open311Failed) as failed:
        await client.updates(**query)
    assert failed.value.status == (404 if "jurisdiction_id" in query else 400)

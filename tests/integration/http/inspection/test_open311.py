"""Open311 GeoReport v2, asked by a small client that knows the specification and nothing else."""

import hashlib
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode
from xml.etree import ElementTree

import orjson
import pytest

from citybrain.settings import Settings
from tests.given.api import Api
from tests.given.open311 import BASE, FORM, HOLE, NOBODY, Client, reported
from tests.given.waiting import PATIENCE_SECONDS


@pytest.fixture(params=["json", "xml"])
def client(api: Api, request: pytest.FixtureRequest) -> Client:
    return Client(api, request.param)


async def test_what_can_be_reported(client: Client) -> None:
    status, services = await client.get("services")
    assert status == 200
    by_code = {each["service_code"]: each for each in services}
    assert by_code["road_damage"]["service_name"] == "Road damage"
    assert by_code["road_damage"]["type"] == "realtime"
    assert str(by_code["road_damage"]["metadata"]).lower() == "false"
    assert (await client.get("services/road_damage"))[0] == 200
    status, (error,) = await client.get("services/no_such")
    assert (status, str(error["code"])) == (404, "404")


async def test_discovery_names_this_endpoint(api: Api) -> None:
    status, document = await Client(api, "json").get("discovery")
    assert status == 200
    (endpoint,) = document["endpoints"]
    assert endpoint["url"] == f"{api.url}{BASE}"
    assert endpoint["specification"] == "http://wiki.open311.org/GeoReport_v2"


async def test_a_report_is_a_case_and_is_followed_to_its_end(client: Client, api: Api) -> None:
    case = await reported(client)
    status, (request,) = await client.get(f"requests/{case}")
    assert status == 200
    assert request["status"] == "open"
    assert request["service_code"] == "road_damage"
    assert request["description"] == "a hole"
    assert request["address"] == "花園路 1"
    assert (float(request["lat"]), float(request["long"])) == (34.7466, 113.6253)
    asked = datetime.fromisoformat(request["requested_datetime"])
    assert asked.utcoffset() == timedelta(hours=8)
    assert abs(datetime.now(UTC) - asked) < timedelta(minutes=1)
    assert await api.runtime.store.wait_for(3, PATIENCE_SECONDS)  # filed and dispatched
    state = await api.call("GET", f"/v1/cases/{case}", "operator")
    lead = state.json["lead"]
    for step, role, department, body in (
        ("accept", "official", lead, {"department": lead}),
        ("handle", "official", lead, {"department": lead, "evidence_sha256": ["ab" * 32]}),
        ("verify", "operator", None, {}),
        ("close", "operator", None, {"public_answer": "The hole is filled."}),
    ):
        state = await api.step(state, step, role, body, department=department)
        assert state.status == 200, state.body
    _, (request,) = await client.get(f"requests/{case}")
    assert (request["status"], request["status_notes"]) == ("closed", "The hole is filled.")
    assert request["agency_responsible"] == "Municipal works"


async def test_a_token_is_the_id(client: Client) -> None:
    case = await reported(client)
    _, (answer,) = await client.get(f"tokens/{case}")
    assert answer == {"service_request_id": case, "token": case}
    assert (await client.get(f"tokens/{NOBODY}"))[0] == 404


async def test_requests_by_id_class_status_and_day(client: Client, api: Api) -> None:
    cases = [await reported(client) for _ in range(2)]
    bin_ = await reported(client, service_code="overflowing_bin")
    await client.get(f"requests/{bin_}")  # the read model has come so far
    _, found = await client.get("requests", service_request_id=f"{cases[0]},{bin_},{NOBODY}")
    assert {each["service_request_id"] for each in found} == {cases[0], bin_}
    _, found = await client.get("requests", service_code="road_damage")
    assert [each["service_request_id"] for each in found] == cases[::-1]
    assert len((await client.get("requests", status="open"))[1]) == 3
    assert (await client.get("requests", status="closed"))[1] == []
    past = {"start_date": "2025-01-01T00:00:00Z", "end_date": "2025-03-01T00:00:00Z"}
    assert (await client.get("requests", **past))[1] == []
    today = datetime.now(UTC)
    near = {"start_date": (today - timedelta(days=1)).isoformat()}
    assert len((await client.get("requests", **near))[1]) == 3


@pytest.mark.parametrize(
    ("change", "status", "says"),
    [
        ({"api_key": ""}, 403, "api_key was not provided"),
        ({"api_key": "guessed"}, 403, "api_key is not valid"),
        ({"service_code": ""}, 400, "service_code was not provided"),
        ({"service_code": "no_such"}, 404, "service_code not found"),
        ({"lat": ""}, 400, "lat and long belong together: lat is missing"),
        ({"lat": "north"}, 400, "lat is not a number"),
        ({"lat": "nan"}, 400, "lat is not valid"),
        (
            {"lat": "48.85", "long": "2.35"},
            400,
            "outside the city: latitude 34.25 to 35, longitude",
        ),
        ({"lat": "91"}, 400, "lat is not valid"),
        ({"long": "181"}, 400, "long is not valid"),
        ({"description": "x" * 4001}, 400, "description is not valid"),
        ({"description": "a\x00b"}, 400, "the body has a NUL"),
        ({"email": "x" * 300}, 400, "email is too long"),
        ({"jurisdiction_id": "elsewhere.gov"}, 404, "jurisdiction_id provided was not found"),
    ],
)
async def test_what_is_wrong_is_said_and_leaves_nothing(
    client: Client, api: Api, change: dict[str, str], status: int, says: str
) -> None:
    answered, (error,) = await client.post(HOLE | change)
    assert (answered, str(error["code"])) == (status, str(status))
    assert says in error["description"]
    assert await api.runtime.store.head() == 0
    assert await api.runtime.store.pool.fetchval("SELECT count(*) FROM sealed_blobs") == 0


async def test_bodies_that_are_no_forms(api: Api) -> None:
    for body, content_type, status in (
        (b"{}", "application/json", 415),
        (b"\xff=\xff", FORM, 400),
        (b"lat=%ff", FORM, 400),
        (b"&".join(b"a=1" for _ in range(200)), FORM, 400),
        (urlencode([*HOLE.items(), ("lat", "1")]).encode(), FORM, 400),
        (b"description=" + b"x" * 70_000, FORM, 413),
    ):
        answer = await api.call(
            "POST", f"{BASE}/requests.json", data=body, headers={"Content-Type": content_type}
        )
        assert answer.status == status, body[:40]
        assert answer.json[0]["code"] == status
    assert await api.runtime.store.head() == 0


@pytest.mark.parametrize(
    "query",
    [
        "status=lost",
        "start_date=yesterday",
        "start_date=2025-01-01",
        "end_date=0001-01-01T00:00Z",
        "start_date=2020-01-01T00:00:00Z&end_date=2021-01-01T00:00:00Z",
        "end_date=2021-01-01T00:00:00Z&end_date=2021-01-01T00:00:01Z",
        "service_code=%00",
        "service_code=" + ",".join(["a"] * 1001),
    ],
)
async def test_questions_that_cannot_be_answered(api: Api, query: str) -> None:
    answer = await api.call("GET", f"{BASE}/requests.xml?{query}")
    assert answer.status == 400
    assert ElementTree.fromstring(answer.body).tag == "errors"


@pytest.mark.parametrize(
    "path",
    ["requests/case-1.json", f"requests/{NOBODY}.json", "tokens/1.json", "requests/%00.json"],
)
async def test_what_is_not_there(api: Api, path: str) -> None:
    answer = await api.call("GET", f"{BASE}/{path}")
    assert answer.status == 404
    assert answer.json[0]["code"] == 404


async def test_xml_holds_any_text(api: Api) -> None:
    client = Client(api, "xml")
    case = await reported(client, description="<b>&amp; ]]> \x0b \U0001f573")
    _, (request,) = await client.get(f"requests/{case}")
    assert request["description"] == "<b>&amp; ]]> \ufffd \U0001f573"


async def test_contacts_are_sealed_and_in_no_answer(api: Api) -> None:
    client = Client(api, "json")
    person = {"email": "zhuge@example.org", "first_name": "孔明", "phone": "13700137654"}
    case = await reported(client, **person)
    _, (request,) = await client.get(f"requests/{case}")
    rows = await api.runtime.store.pool.fetch("SELECT content FROM sealed_blobs")
    events = await api.runtime.store.read(case)
    seen = orjson.dumps(request) + b"".join(row["content"] for row in rows)
    seen += b"".join(event.state for event in events)
    assert len(rows) == 1
    for value in person.values():
        assert value.encode() not in seen


async def test_a_client_with_a_key_of_the_settings(settings: Settings, api: Api) -> None:
    digest = hashlib.sha256(b"secret-of-an-app").hexdigest()
    api.runtime.settings.open311_clients = {digest: "an-app"}
    case = await reported(Client(api, "json"), api_key="secret-of-an-app")
    (first, *_) = await api.runtime.store.read(case)
    assert first.metadata["actor"] == "open311-an-app"
    assert first.metadata["channel"] == "open311"

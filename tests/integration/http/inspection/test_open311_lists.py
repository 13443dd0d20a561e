"""Lists of service requests exactly: filters, times, pages, order, and each client's share."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from citybrain.domain.actor import system_actor
from citybrain.domain.inspection.case_events import CaseSource
from citybrain.settings import Settings
from commands.handling import CommandContext
from commands.inspection.case import AcceptCase as Accept
from commands.inspection.case import (
    CloseCase,
    DispatchCase,
    FileCase,
    HandleCase,
    ReportCase,
    VerifyCase,
    accept_case,
    close_case,
    dispatch_case,
    file_case,
    handle_case,
    report_case,
    verify_case,
)
from tests.given.api import Api
from tests.given.open311 import BASE, HOLE, KINDS, Client, errors, post, reported
from tests.given.read_models import caught_up
from tests.given.waiting import PATIENCE_SECONDS

NOW = datetime.now(UTC).replace(microsecond=0)  # ages are of whole days and an hour
DAY = timedelta(days=1)
AGES = (0, 1, 30, 89, 91, 200)  # days


@pytest.fixture(params=["json", "xml"])
def client(api: Api, request: pytest.FixtureRequest) -> Client:
    return Client(api, request.param)


def context() -> CommandContext:
    return CommandContext(system_actor("test"), "import", uuid4(), uuid4())


async def old_cases(api: Api) -> dict[int, str]:
    """Cases by their age in days, the odd ones closed a day after their report."""
    services, cases = api.runtime.services, {}
    for age in AGES:
        at = NOW - age * DAY - timedelta(hours=1)
        result = await report_case(
            ReportCase(
                source=CaseSource.CITIZEN,
                class_code="dead_animal" if age > 50 else "pet_shop",
                latitude=40.7,
                longitude=-73.9,
                occurred_at=at,
                external_ref=f"test:{age}",
            ),
            context(),
            services,
            case_id=f"case-{age:032x}",
        )
        case_id = cases[age] = result.stream_id
        if age % 2 and age > 1:
            await close(api, case_id, at + DAY)
    store = api.runtime.store
    await caught_up(store, "service_requests")
    return cases


async def close(api: Api, case_id: str, at: datetime) -> None:
    steps: tuple[tuple[Any, Any], ...] = (
        (file_case, FileCase(occurred_at=at)),
        (dispatch_case, DispatchCase(occurred_at=at, departments=["dsny"], lead="dsny")),
        (accept_case, Accept(occurred_at=at, department="dsny")),
        (handle_case, HandleCase(occurred_at=at, department="dsny", evidence_sha256=["ab" * 32])),
        (verify_case, VerifyCase(occurred_at=at)),
        (close_case, CloseCase(occurred_at=at)),
    )
    for handler, command in steps:
        await handler(case_id, command, context(), api.runtime.services)


def w3c(days: float) -> str:
    return (NOW - days * DAY).isoformat()


async def test_the_last_ninety_days_newest_first_and_any_ninety_days(
    client: Client, api: Api
) -> None:
    cases = await old_cases(api)

    async def ages(**query: str) -> list[int]:
        status, found = await client.get("requests", **query)
        assert status == 200
        return [age for each in found for age in AGES if cases[age] == each["service_request_id"]]

    assert await ages() == [0, 1, 30, 89]
    assert await ages(start_date=w3c(95), end_date=w3c(20)) == [30, 89, 91]
    assert await ages(start_date=w3c(210)) == [200]  # 90 days from there
    assert await ages(end_date=w3c(88)) == [89, 91]
    assert await ages(start_date="", end_date="", status="", service_code="") == [0, 1, 30, 89]
    assert await ages(service_code="pet_shop") == [0, 1, 30]
    assert await ages(service_code="pet_shop, dead_animal") == [0, 1, 30, 89]
    assert await ages(service_code="no_such") == []
    assert await ages(status="closed") == [89]
    assert await ages(status="open,closed", start_date=w3c(95), end_date=w3c(20)) == [30, 89, 91]
    assert await ages(page="1", page_size="3") == [0, 1, 30]
    assert await ages(page="2", page_size="3") == [89]
    assert await ages(page="3", page_size="3") == []
    # What became known lately may have been reported, and changed, long ago.
    assert await ages(updated_after=w3c(1)) == [0, 1, 30, 89, 91, 200]
    assert await ages(updated_before=w3c(1)) == []
    assert await ages(updated_after=w3c(1), start_date=w3c(150), end_date=w3c(85)) == [89, 91]
    # Spelled as clients spell it.
    blank = w3c(95).replace("T", " ")
    assert await ages(start_date=blank, end_date=w3c(20)) == [30, 89, 91]
    assert await ages(status="Closed", service_code="DEAD_ANIMAL") == [89]
    assert await ages(page_size="5000") == [0, 1, 30, 89]
    assert await ages(lat="40.7", long="-73.9", radius="10") == [0, 1, 30, 89]
    assert await ages(lat="40.7001", long="-73.9", radius="10") == []
    assert await ages(bbox="-74,40,-73,41") == [0, 1, 30, 89]
    assert await ages(bbox="170,40,-73,41") == [0, 1, 30, 89]  # over 180°
    assert await ages(bbox="-73,40,-74,41") == []
    # An id overrides all else.
    assert await ages(service_request_id=f"{cases[200]},{cases[0]}", status="closed") == [0, 200]


async def test_lists_may_be_declared_several_times(client: Client, api: Api) -> None:
    cases = await old_cases(api)
    kind = client.kind
    for query, count in (
        ("service_code=pet_shop&service_code=dead_animal", 4),
        ("status=open&status=closed", 4),
        (f"service_request_id={cases[0]}&service_request_id={cases[91]},{cases[0]}", 2),
        ("end_date=" + NOW.isoformat(), 4),  # its plus is a space
    ):
        answer = await api.call("GET", f"{BASE}/requests.{kind}?{query}")
        assert answer.status == 200, answer.body
        assert len(client._read(answer)) == count, query


async def test_a_request_has_what_was_sent_and_what_is_promised(client: Client, api: Api) -> None:
    text = "x" * 3998 + "\r\n."
    status, (posted,) = await client.post(
        [*(HOLE | {"description": text, "address_id": "A-7"}).items()]
    )
    assert status == 201, posted
    assert posted["service_notice"] == "To be solved, checked and closed within 5 working days."
    case_id = posted["service_request_id"]
    assert await api.runtime.store.wait_for(3, PATIENCE_SECONDS)
    _, (found,) = await client.get(f"requests/{case_id}")
    assert found["description"] == text.replace("\r", "")
    assert found["address_id"] == "A-7"
    assert found["service_notice"] == posted["service_notice"]
    assert found["agency_responsible"] == "Municipal works"
    expected = datetime.fromisoformat(found["expected_datetime"])
    assert timedelta(days=3) < expected - datetime.now(UTC) < timedelta(days=20)
    state = await api.call("GET", f"/v1/cases/{case_id}", "operator")
    assert "extended_attributes" not in found
    assert state.status == 200


async def test_attributes_are_shown_where_extensions_are_asked_for(api: Api) -> None:
    client = Client(api, "json")
    status, (posted,) = await client.post(
        [
            *(HOLE | {"service_code": "overflowing_bin"}).items(),
            ("attribute[kind]", "street"),
            ("attribute[waste][]", "kitchen"),
            ("attribute[waste][]", "other"),
        ]
    )
    assert status == 201, posted
    case_id = posted["service_request_id"]
    _, (found,) = await client.get(f"requests/{case_id}", extensions="true")
    assert found["extended_attributes"] == {
        "attributes": [
            {"code": "kind", "values": ["street"]},
            {"code": "waste", "values": ["kitchen", "other"]},
        ]
    }
    answer = await api.call("GET", f"{BASE}/requests/{case_id}.xml?extensions=true")
    assert (
        b"<extended_attributes><attributes><attribute><code>kind</code><values>"
        b"<value>street</value></values></attribute>" in answer.body
    )
    _, (found,) = await client.get(f"requests/{case_id}", extensions="false")
    assert "extended_attributes" not in found


async def test_the_api_takes_attributes_and_requires_none_of_cameras(api: Api) -> None:
    report = {
        "source": "citizen",
        "class_code": "overflowing_bin",
        "latitude": 34.7,
        "longitude": 113.6,
        "attributes": {"kind": ["street"]},
    }
    answer = await api.call("POST", "/v1/cases", "citizen", json=report)
    assert answer.status == 201, answer.body
    wrong = report | {"attributes": {"kind": ["ocean"]}}
    answer = await api.call("POST", "/v1/cases", "citizen", json=wrong)
    assert answer.is_problem(422, "invalid-attribute")
    assert answer.json["attribute"] == "kind"


@pytest.mark.parametrize("path", ["requests", "servicerequestupdates"])
async def test_head_is_get_without_a_body(api: Api, path: str) -> None:
    await reported(Client(api, "xml"))
    answer = await api.call("HEAD", f"{BASE}/{path}.xml")
    assert (answer.status, answer.body) == (200, b"")


class TestShares:
    """Each key has a share of its own; who has none spends that of their address."""

    @pytest.fixture
    def change_settings(self) -> Callable[[Settings], None]:
        def change(settings: Settings) -> None:
            settings.open311_rate_per_second, settings.open311_rate_burst = 0.001, 2
            settings.rate_limit_per_second, settings.rate_limit_burst = 0.001, 4

        return change

    @KINDS
    async def test_too_many_reports_are_told_to_come_later(self, api: Api, kind: str) -> None:
        answers = [await post(api, kind, HOLE) for _ in range(3)]
        assert [answer.status for answer in answers] == [201, 201, 429]
        assert errors(answers[2], kind)[0][0] == 429
        assert 500 <= int(answers[2].headers["Retry-After"]) <= 1000
        got = [await api.call("GET", f"{BASE}/services.{kind}") for _ in range(5)]
        assert [answer.status for answer in got] == [200] * 4 + [429]
        assert int(got[4].headers["Retry-After"]) > 0
        assert errors(got[4], kind)[0][0] == 429

    async def test_who_guesses_keys_or_sends_rubbish_is_slowed_down(self, api: Api) -> None:
        bodies = [HOLE | {"api_key": "guessed"}, b"\xff", {"nonsense": "1"}, b"", b""]
        answers = [await post(api, "json", body) for body in bodies]
        assert [answer.status for answer in answers] == [403, 400, 403, 403, 429]
        assert (await post(api, "json", HOLE)).status == 201

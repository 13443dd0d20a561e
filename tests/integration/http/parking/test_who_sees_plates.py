"""P68: an officer, an analyst and the public read all there is; only the officer finds a plate."""

import asyncio
import base64
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from citybrain import observability
from commands.parking.plates import PlateKeeper
from tests.given.api import Api
from tests.given.at_work import FOR_PARKING, models
from tests.given.logs import every_log
from tests.given.parking.cds.city import ended, opened_street
from tests.given.parking.city import GARAGE, Street, at
from tests.given.read_models import caught_up

PLATE, OTHER = "豫A7Z688", "豫A7Z689"
TELLING = ("A7Z68", "a7z68", "\\u8c6b", "%E8%B1%AB", "豫")
"""What gives a plate away, however it is written."""
BASE64 = re.compile(r'"state_base64":"([A-Za-z0-9+/=]+)"')
OFFICER = ("official", "parking")
ANALYST = ("auditor", None)
PUBLIC = (None, None)
Reader = tuple[str | None, str | None]

PAGES = (
    "/v1/parking/sessions",
    "/v1/parking/berths",
    "/v1/parking/facilities",
    "/v1/parking/places",
    "/v1/parking/places/Z1/metrics?since=2026-09-14&until=2026-09-14",
    "/v1/parking/anomalies",
    "/v1/parking/claims",
    "/v1/parking/arrears",
    "/v1/parking/arrears/desk",
    "/v1/parking/revenue",
    "/v1/parking/notices",
    "/v1/parking/reservations/desk",
    "/v1/parking/availability?start=2026-09-14T08:00:00Z&end=2026-09-14T09:00:00Z&zone=Z1",
    "/v1/events?purpose=audit&limit=1000",
    "/v1/events?purpose=audit&limit=1000&category=parking_detection",
    "/cds/events/events",
    "/cds/events/status",
    "/cds/metrics/sessions",
    "/cds/metrics/aggregates",
    "/cds/curbs/zones",
    "/metrics",
    "/v1/projections",
)
STREAMS = ("/live", "/v1/log?purpose=audit&after=0")


class Spans:
    """What a tracer is told, and does not keep to itself."""

    def __init__(self) -> None:
        self.said: list[str] = []

    @contextmanager
    def start_as_current_span(self, name: str, attributes: dict[str, Any]) -> Iterator[None]:
        self.said.append(f"{name} {attributes}")
        yield


@pytest.fixture
def spans(monkeypatch: pytest.MonkeyPatch) -> Spans:
    """Traces, as an SDK in the process would have them."""
    found = Spans()
    monkeypatch.setattr(observability, "_tracer", found)
    monkeypatch.setattr(observability, "_traced", lambda: True)
    return found


@pytest.fixture
async def street(api: Api) -> Street:
    """The small city in the afternoon."""
    street = await opened_street(api)
    street.clock(at("15:00"))
    return street


def telling(text: str) -> list[str]:
    """What in a text gives a plate away; stored events are looked into as well."""
    inside = [base64.b64decode(each).decode() for each in BASE64.findall(text)]
    return [word for word in TELLING for each in (text, *inside) if word in each]


async def told(street: Street, api: Api) -> None:
    """Two stays of one vehicle and one of another, as a camera tells them over HTTP."""
    signs = [
        street.sign("arrived", "Z1-001", at("10:00"), plate=PLATE),
        street.sign("left", "Z1-001", at("10:40"), plate=PLATE),
        street.sign("arrived", "Z1-002", at("12:00"), plate=PLATE),
        street.sign("left", "Z1-002", at("12:30"), plate=PLATE),
        street.sign("arrived", GARAGE, at("10:00"), plate=OTHER),
        street.sign("left", GARAGE, at("11:00"), plate=OTHER),
    ]
    body = {
        "detections": [each | {"occurred_at": each["occurred_at"].isoformat()} for each in signs]
    }
    answer = await api.call(
        "POST", "/v1/parking/detections/batch", "camera", subject="c-1", json=body
    )
    assert answer.json["recorded"] == 6, answer.body
    await ended(api, 3)
    await caught_up(api.runtime.store, *models(FOR_PARKING))


async def read(api: Api, path: str, reader: Reader) -> str:
    """An answer, whatever it says."""
    role, department = reader
    headers = {"Accept": "*/*"} if path.startswith("/cds") else {}
    answer = await api.call("GET", path, role, department=department, headers=headers)
    assert answer.status in (200, 401, 403), (path, answer.body)
    return answer.body.decode()


async def followed(api: Api, path: str, reader: Reader) -> str:
    """The beginning of a stream, or why it is refused."""
    role, department = reader
    headers = {} if role is None else {"Authorization": f"Bearer {api.token(role, '', department)}"}
    async with api.session.get(f"{api.url}{path}", headers=headers) as answer:
        found = b""
        if answer.status != 200:
            return (await answer.read()).decode()
        async with asyncio.timeout(60):
            while found.count(b"\n\n") < (1 if path == "/live" else 30):
                found += await answer.content.readany()
        return found.decode()


async def test_p68_only_the_officer_finds_a_plate(api: Api, street: Street, spans: Spans) -> None:
    with every_log() as logs:
        await told(street, api)
        for reader in (ANALYST, PUBLIC):
            for path in PAGES:
                assert telling(await read(api, path, reader)) == [], (path, reader)
            for path in STREAMS:
                assert telling(await followed(api, path, reader)) == [], (path, reader)
        seen = [path for path in PAGES if telling(await read(api, path, OFFICER))]
        found = await api.call(
            "POST",
            "/v1/parking/sessions/search",
            *OFFICER[:1],
            department="parking",
            json={"plate": PLATE},
        )
    assert seen == ["/v1/parking/sessions", "/cds/events/events"]
    assert [row["plate"] for row in found.json["sessions"]] == [PLATE, PLATE]
    assert sum(entry["event"] == "request" for entry in logs) > 40
    assert telling(repr(logs)) == []
    assert any("http.request" in each for each in spans.said)
    assert any("command" in each for each in spans.said)
    assert telling(repr(spans.said)) == []


async def test_p68_the_analyst_has_a_pseudonym_until_the_key_rotates(
    api: Api, street: Street
) -> None:
    await told(street, api)

    async def pseudonyms() -> dict[str, str]:
        answer = await api.call("GET", "/v1/parking/sessions", "auditor")
        rows = answer.json["sessions"]
        assert {row["plate"] for row in rows} == {None}
        return {row["place_id"]: row["pseudonym"] for row in rows}

    first = await pseudonyms()
    assert first["Z1-001"] == first["Z1-002"] != first[GARAGE]
    assert await pseudonyms() == first
    await PlateKeeper(api.runtime.services).renew_pseudonyms()
    then = await pseudonyms()
    assert then["Z1-001"] == then["Z1-002"]
    assert set(then.values()).isdisjoint(first.values())


WRONG: list[tuple[str, str, dict[str, Any] | None]] = [
    ("GET", "/v1/parking/sessions/{plate}", None),
    ("GET", "/v1/parking/sessions?plate={plate}", None),
    ("GET", "/v1/parking/sessions?place_id={plate}", None),
    ("GET", "/v1/parking/claims?after={plate}", None),
    ("GET", "/v1/parking/arrears?plate={plate}", None),
    ("GET", "/v1/parking/anomalies?place_id={plate}", None),
    ("GET", "/v1/parking/places/{plate}/metrics", None),
    ("GET", "/cds/events/events?plate={plate}", None),
    ("POST", "/v1/parking/sessions/search", {"plate": f"{PLATE}{PLATE}"}),
    ("POST", "/v1/parking/sessions/search", {"plate": PLATE, "plate_country": PLATE}),
    ("POST", "/v1/parking/sessions/search", {"plate": [PLATE]}),
    ("POST", "/v1/parking/plates/search", {"plate": f"{PLATE}{PLATE}"}),
    ("POST", f"/v1/parking/sessions/parking-{'0' * 32}/plate", {"plate": PLATE}),
]


async def test_p68_no_error_says_a_plate_that_somebody_sent(
    api: Api, street: Street, spans: Spans
) -> None:
    with every_log() as logs:
        for method, path, body in WRONG:
            answer = await api.call(
                method, path.format(plate=PLATE), "official", department="parking", json=body
            )
            assert 400 <= answer.status < 500, (path, answer.body)
            assert telling(answer.body.decode()) == [], path
        batch = {"detections": [{"device_id": "c-1", "plate": PLATE, "sign": PLATE}]}
        answer = await api.call(
            "POST", "/v1/parking/detections/batch", "camera", subject="c-1", json=batch
        )
        assert telling(answer.body.decode()) == []
    assert any(entry["event"] == "request" for entry in logs)
    assert telling(repr(logs) + repr(spans.said)) == []


async def test_p68_a_search_by_plate_is_itself_on_the_record(api: Api, street: Street) -> None:
    await told(street, api)
    before = await api.runtime.store.head()
    await api.call(
        "POST",
        "/v1/parking/sessions/search",
        "official",
        department="parking",
        json={"plate": PLATE},
    )
    new = await api.runtime.store.read_all(before, limit=100)
    assert {event.topic for event in new} == {"access.recorded"}
    assert all(event.metadata["actor"] == "official-1" for event in new)


def test_what_is_looked_for_would_be_found() -> None:
    state = base64.b64encode(PLATE.encode()).decode()
    assert telling(f'{{"state_base64":"{state}"}}')
    assert telling(repr({"plate": PLATE}))
    assert telling("/x?plate=%E8%B1%ABA7Z688")
    assert telling("nothing") == []

"""A stay that goes on, paid for over HTTP: at a kiosk by the plate, in the app one's own."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from uuid import uuid4

import pytest

from citybrain.domain.parking.session import ParkingSession
from citybrain.errors import CitybrainError
from citybrain.settings import Settings
from commands.handling import CommandContext
from commands.parking.places import describe_places
from tests.given.accesses import accesses, is_said
from tests.given.agreements import PARKING_NOTICE
from tests.given.api import Answer, Api
from tests.given.applying import applying, registered
from tests.given.at_work import FOR_PARKING, models
from tests.given.parking.city import GARAGE, IMPORT, at, places
from tests.given.read_models import caught_up
from tests.given.waiting import eventually

SEARCH, SESSIONS = "/v1/parking/stays/search", "/v1/parking/sessions"
PLATE = "豫A52K17"


@dataclass
class Town:
    """It is 10:58 in the city, and somebody's car stands in the garage since ten."""

    api: Api
    citizen: str
    session_id: str

    async def kiosk(self, path: str, **body: str) -> Answer:
        return await self.api.call("POST", path, "kiosk", json=body)

    async def app(self, path: str, citizen: str | None = None, **body: str) -> Answer:
        return await self.api.call(
            "POST", path, "citizen", subject=citizen or self.citizen, json=body
        )


@pytest.fixture
async def town(settings: Settings) -> AsyncIterator[Town]:
    async with applying(settings, at_work=FOR_PARKING) as (api, _):
        services, command_id = api.runtime.services, uuid4()
        by = CommandContext(IMPORT, "import", command_id, command_id)
        for each in await describe_places(places(), by, services):
            assert not isinstance(each, CitybrainError), each
        citizen = await registered(api)
        binding = {
            "plate": PLATE,
            "per_debit_limit_fen": 2000,
            "per_day_limit_fen": 5000,
            "notice_sha256": PARKING_NOTICE,
        }
        path = "/v1/parking/plates"
        asked = await api.call("POST", path, "citizen", subject=citizen, json=binding)
        await eventually(partial(_active, api, citizen, asked.json["binding_id"]))
        sign = {
            "device_id": "c-1",
            "ref": "in",
            "sign": "arrived",
            "place_id": GARAGE,
            "occurred_at": at("10:00").isoformat(),
            "plate": PLATE,
            "confidence": 97,
        }
        said = await api.call("POST", "/v1/parking/detections", "camera", subject="c-1", json=sign)
        assert said.status == 201, said.body
        session_id = await eventually(partial(_read, api))
        services.clock = lambda: at("10:58")
        yield Town(api, citizen, session_id)


async def _active(api: Api, citizen: str, binding_id: str) -> bool:
    answer = await api.call("GET", f"/v1/parking/plates/{binding_id}", "citizen", subject=citizen)
    return answer.status == 200 and answer.json["status"] == "active"


async def _read(api: Api) -> str | None:
    """The session, once its plate was read."""
    rows = await api.runtime.store.pool.fetch(
        "SELECT originator_id FROM stored_events WHERE topic = 'parking.plate_read'"
    )
    return rows[0][0] if rows else None


AHEAD = [("03:01", 600), ("04:01", 800), ("05:01", 1200)]  # UTC; what has begun counts whole
STAY = {
    "since": "2026-09-14",
    "price_fen": 400,
    "paid_fen": 0,
    "open_fen": 400,
    "grace_minutes": 5,
    "ahead": [{"at": f"2026-09-14T{at}:00Z", "price_fen": fen} for at, fen in AHEAD],
}


async def test_p46_a_kiosk_shows_what_the_stay_comes_to_and_that_is_on_the_record(
    town: Town,
) -> None:
    found = await town.kiosk(SEARCH, plate=PLATE.lower())
    assert found.json["stays"] == [STAY | {"session_id": town.session_id}]
    assert PLATE not in found.body.decode()
    for language in ("en", "zh"):
        seen, *_ = await accesses(town.api, town.citizen, language, "kiosk-1")
        assert (seen["what"], seen["role"]) == ("parking-stay", "kiosk")
        assert is_said(language, seen["what_text"], seen["what"])
    asked = await town.kiosk(f"{SESSIONS}/{town.session_id}/payment", plate=PLATE)
    assert asked.json["amount_fen"] == 400
    assert asked.json["until"] == (at("10:58") + timedelta(minutes=5)).isoformat().replace(
        "+00:00", "Z"
    )
    session = await town.api.runtime.store.load(ParkingSession, town.session_id)
    assert list(session.claims) == [asked.json["claim_id"]]


async def test_p46_in_the_app_it_is_ones_own_stay(town: Town) -> None:
    own = await town.app(SEARCH)
    assert own.json["stays"] == [STAY | {"session_id": town.session_id}]
    path = f"{SESSIONS}/{town.session_id}/payment"
    first = await town.app(path)
    assert first.json["amount_fen"] == 400
    other = await registered(town.api)
    assert (await town.app(SEARCH, other)).json["stays"] == []
    assert (await town.app(path, other)).is_problem(403, "not-your-parking-session")
    await caught_up(town.api.runtime.store, *models(FOR_PARKING))
    claims = await town.api.call("GET", "/v1/parking/claims", "citizen", subject=town.citizen)
    assert [each["claim_id"] for each in claims.json["claims"]] == [first.json["claim_id"]]


async def test_a_plate_is_named_at_a_kiosk_and_nowhere_else(town: Town) -> None:
    assert (await town.kiosk(SEARCH)).is_problem(422, "plate-at-the-kiosk")
    assert (await town.app(SEARCH, plate=PLATE)).is_problem(422, "plate-at-the-kiosk")
    assert (await town.kiosk(SEARCH, plate="豫A99999")).json["stays"] == []
    path = f"{SESSIONS}/{town.session_id}/payment"
    stranger = await town.kiosk(path, plate="豫A99999")
    assert stranger.is_problem(403, "not-your-parking-session")
    official = await town.api.call("POST", SEARCH, "official", department="parking", json={})
    assert official.status == 403


async def test_a_stay_that_costs_nothing_so_far_is_not_paid(town: Town) -> None:
    town.api.runtime.services.clock = lambda: at("10:00:30")
    (stay,) = (await town.kiosk(SEARCH, plate=PLATE)).json["stays"]
    assert (stay["price_fen"], stay["open_fen"]) == (0, 0)
    asked = await town.kiosk(f"{SESSIONS}/{town.session_id}/payment", plate=PLATE)
    assert asked.is_problem(409, "nothing-owed")

"""P69: who owes is nobody's business, unless two officers made it public; then what that says."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pytest

from citybrain.domain.parking import reductions
from citybrain.domain.parking.claim import Claim
from citybrain.settings import Settings
from commands.parking.plates import PlateKeeper
from projections.parking.notices import ParkingNotices
from tests.given.api import Answer, Api
from tests.given.applying import applying, id_number, registered
from tests.given.at_work import FOR_PARKING
from tests.given.parking.collecting import context
from tests.given.parking.plates import plate
from tests.given.parking.world import owed_session, parked
from tests.given.read_models import caught_up, same_in_any_batch

NOTICES, CLAIMS = "/v1/parking/notices", "/v1/parking/claims"
PLATE = "豫A7Q001"
DAY = timedelta(days=1)


@dataclass
class Town:
    """A server, a debt of which only the plate is known, and one of a citizen."""

    api: Api
    session_id: str
    claim_id: str
    known_claim: str
    citizen: str

    async def officer(
        self, subject: str, step: str, body: dict[str, Any], claim: str = ""
    ) -> Answer:
        path = f"{CLAIMS}/{claim or self.claim_id}/notice{step}"
        return await self.api.call(
            "POST", path, "official", subject=subject, department="parking", json=body
        )

    async def propose(self, claim: str = "", **said: Any) -> Answer:
        until = self.api.runtime.services.clock() + 20 * DAY
        body = {
            "reason": "debtor-unknown",
            "says": ["plate", "amount"],
            "until": until.isoformat(),
        } | said
        return await self.officer("officer-1", "", body, claim)

    async def public(self) -> list[dict[str, Any]]:
        await caught_up(self.api.runtime.store, "parking_notices", "parking_claims")
        answer = await self.api.call("GET", NOTICES)
        assert answer.status == 200, answer.body
        found: list[dict[str, Any]] = answer.json["notices"]
        return found


@pytest.fixture
async def town(settings: Settings) -> AsyncIterator[Town]:
    async with applying(settings, at_work=FOR_PARKING) as (api, _):
        first, second = [await registered(api, id_number()) for _ in range(2)]
        services = api.runtime.services
        (_, known), _ = await parked(services, first, second)
        session_id, claim_id = await owed_session(services, 3, None, PLATE)
        yield Town(api, session_id, claim_id, known, first)


async def test_p69_a_notice_is_public_once_two_agree_and_says_what_it_says(town: Town) -> None:
    asked = await town.propose()
    assert (asked.status, asked.json["status"]) == (200, "proposed"), asked.body
    assert await town.public() == []
    alone = await town.officer("officer-1", "/publication", {})
    assert alone.is_problem(403, "parking-separation-of-duties")
    agreed = await town.officer("officer-2", "/publication", {})
    assert agreed.json["status"] == "published"
    (shown,) = await town.public()
    until = datetime.fromisoformat(shown.pop("until"))
    assert until > town.api.runtime.services.clock()
    assert datetime.fromisoformat(shown.pop("published_on"))
    assert shown == {
        "notice_id": asked.json["notice_id"],
        "plate": PLATE,
        "amount_fen": 400,
        "due_on": None,
    }
    desk = await town.api.call("GET", f"{NOTICES}/desk?status=published", "auditor")
    (row,) = desk.json["notices"]
    assert (row["proposed_by"], row["published_by"]) == ("officer-1", "officer-2")
    assert (row["reason"], row["claim_id"]) == ("debtor-unknown", town.claim_id)
    assert PLATE not in desk.body.decode()
    services = town.api.runtime.services
    now = services.clock()
    services.clock = lambda: now + 20 * DAY
    assert await town.public() == []  # it has ended


@pytest.mark.parametrize("how", ["withdrawn", "paid", "disputed", "erased"])
async def test_p69_it_is_shown_no_longer_than_it_must(town: Town, how: str) -> None:
    await town.propose()
    await town.officer("officer-2", "/publication", {})
    assert len(await town.public()) == 1
    store, services = town.api.runtime.store, town.api.runtime.services
    owed = await store.load(Claim, town.claim_id)
    if how == "withdrawn":
        answer = await town.officer("officer-1", "/withdrawal", {"reason": "debtor-found"})
        assert answer.json["status"] == "withdrawn"
    elif how == "paid":
        reductions.correct(owed, services.clock(), to_fen=0, reason="x", decision_sha256="cd" * 32)
    elif how == "disputed":
        reductions.suspend(owed, services.clock(), reason="disputed")
    else:
        keeper = PlateKeeper(services)
        plate_id = await keeper.find(plate(PLATE))
        assert plate_id is not None
        await keeper.erase(plate_id)
    if owed.pending_events:
        await store.save(owed, metadata=context().metadata())
    shown = await town.public()
    assert [each["plate"] for each in shown] == ([None] if how == "erased" else [])


async def test_p69_what_was_taken_back_is_public_no_more_for_anybody(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At once: also as long as the read model has not heard of it."""
    await town.propose()
    await town.officer("officer-2", "/publication", {})
    assert len(await town.public()) == 1
    apply, later = ParkingNotices.apply, asyncio.Event()

    async def wait(model: ParkingNotices, connection: Any, events: Any) -> None:
        await later.wait()
        await apply(model, connection, events)

    monkeypatch.setattr(ParkingNotices, "apply", wait)
    answer = await town.officer("officer-3", "/withdrawal", {"reason": "mistake"})
    assert answer.json["status"] == "withdrawn"
    shown = await town.api.call("GET", NOTICES)
    assert shown.json == {"notices": [], "next": None}
    later.set()
    assert await town.public() == []


async def test_p69_whoever_can_be_told_is_told_and_not_made_public(town: Town) -> None:
    answer = await town.propose(claim=town.known_claim)
    assert answer.is_problem(409, "parking-notice-not-allowed")
    assert answer.json["why"] == "debtor-known"
    services = town.api.runtime.services
    too_long = (services.clock() + 31 * DAY).isoformat()
    assert (await town.propose(until=too_long)).is_problem(422, "parking-notice-too-long")
    assert (await town.propose(says=[])).status == 422
    assert (await town.propose(says=["place"])).status == 422


ASKED = [
    ("GET", "/v1/parking/arrears?plate=%E8%B1%ABA7Q001", None, 400),
    ("GET", "/v1/parking/arrears?place_id=Z1", None, 400),
    ("GET", "/v1/parking/arrears?zone_id=Z1", None, 400),
    ("GET", "/v1/parking/arrears?session_id={session_id}", None, 400),
    ("GET", "/v1/parking/arrears/desk", None, 401),
    ("GET", "/v1/parking/revenue", None, 401),
    ("GET", "/v1/parking/anomalies", None, 401),
    ("GET", "/v1/parking/sessions", None, 401),
    ("GET", "/v1/parking/sessions/{session_id}", None, 401),
    ("GET", "/v1/parking/sessions/{session_id}/explanation", None, 401),
    ("GET", "/v1/parking/claims", None, 401),
    ("GET", "/v1/parking/claims/{claim_id}", None, 401),
    ("GET", "/v1/parking/notices?plate=%E8%B1%ABA7Q001", None, 400),
    ("GET", "/v1/parking/notices/desk", None, 401),
    ("GET", "/v1/parking/places/Z1-001/metrics", None, 401),
    ("POST", "/v1/parking/sessions/search", {"plate": PLATE}, 401),
    ("POST", "/v1/parking/debts/search", {"plate": PLATE}, 401),
]


async def test_p69_nobody_without_a_role_gets_a_plate_a_time_or_a_place(town: Town) -> None:
    ids = {"session_id": town.session_id, "claim_id": town.claim_id}
    for method, path, body, status in ASKED:
        answer = await town.api.call(method, path.format(**ids), json=body)
        assert answer.status == status, (path, answer.body)
        text = answer.body.decode()
        assert "A7Q001" not in text, path
        assert "Z1-001" not in text, path
        assert "2026-09-14" not in text, path


async def test_p69_totals_have_nothing_of_one_vehicle_in_any_form(town: Town) -> None:
    await caught_up(town.api.runtime.store, "parking_claims")
    for accept in ("application/json", "text/csv", "application/vnd.ms-excel"):
        answer = await town.api.call("GET", "/v1/parking/arrears", headers={"Accept": accept})
        assert answer.headers["Content-Type"].startswith("application/json")
        assert answer.json["groups"] == []  # three debtors are a small group


async def test_p69_a_guessed_id_tells_a_citizen_nothing(town: Town) -> None:
    for known, made_up in (
        (f"/v1/parking/sessions/{town.session_id}", f"/v1/parking/sessions/parking-{'9' * 32}"),
        (f"{CLAIMS}/{town.claim_id}", f"{CLAIMS}/parking_claim-{'9' * 32}"),
    ):
        told = []
        for path in (known, made_up):
            answer = await town.api.call("GET", path, "citizen", subject=town.citizen)
            said = answer.json
            told.append((answer.status, said["code"], said.get("detail"), said["title"]))
        assert told[0] == told[1]
        assert told[0][0] == 403


async def test_one_at_a_time_and_all_at_once_give_the_same(town: Town) -> None:
    await town.propose()
    await town.officer("officer-2", "/denial", {"reason": "not-needed"})
    await town.propose(says=["amount", "due-day"])
    await town.officer("officer-2", "/publication", {})
    await caught_up(town.api.runtime.store, "parking_notices")
    assert await same_in_any_batch(town.api.runtime.store, "parking_notices") == 1

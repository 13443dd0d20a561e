"""What is owed over HTTP: a citizen's own, the desk's, at a kiosk; paid one by one or at once."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from citybrain.domain.parking.claim import Claim, ClaimStatus
from citybrain.exchange.directory import load_directory
from citybrain.settings import Settings
from commands.parking.claim import raise_claim, suspend_claim
from commands.parking.plates import PlateKeeper
from ops.simulators.applications.departments import Departments
from tests.given.accesses import accesses
from tests.given.api import Answer, Api
from tests.given.applying import applying, id_number, registered
from tests.given.at_work import FOR_PARKING
from tests.given.parking.claims import DECISION
from tests.given.parking.collecting import context
from tests.given.parking.plates import plate
from tests.given.waiting import eventually

CLAIMS, PAYMENTS, DEBTS = "/v1/parking/claims", "/v1/parking/payments", "/v1/parking/debts/search"
PLATE, OTHER = "豫A12345", "豫A54321"
DAY = timedelta(days=1)


@dataclass
class Town:
    """A server, a gateway that calls it back, and somebody who owes."""

    api: Api
    departments: Departments
    orders_url: str
    citizen: str

    async def owes(
        self,
        amount_fen: int = 600,
        *,
        payer: str | None = None,
        plate_text: str | None = None,
        days_ago: int = 1,
    ) -> str:
        services = self.api.runtime.services
        plate_id = None
        if plate_text is not None:
            plate_id = (await PlateKeeper(services).seal(plate(plate_text))).plate_id
        return await raise_claim(
            context(),
            services,
            subject=f"reservation-{uuid4().hex}",
            number=1,
            citizen_id=payer,
            amount_fen=amount_fen,
            due_at=services.clock() - days_ago * DAY,
            decision_sha256=DECISION,
            plate_id=plate_id,
        )

    async def own(self, method: str, path: str, **options: Any) -> Answer:
        return await self.api.call(method, path, "citizen", subject=self.citizen, **options)

    async def kiosk(self, path: str, key: str = "", **body: Any) -> Answer:
        headers = {"Idempotency-Key": key} if key else {}
        return await self.api.call("POST", path, "kiosk", headers=headers, json=body)

    async def desk(self, path: str, role: str = "official", department: str = "parking") -> Answer:
        return await self.api.call("GET", path, role, department=department)

    async def hand_in(self, order: str) -> None:
        body = {"order": order, "means": "card-1"}
        async with self.api.session.post(self.orders_url, json=body) as answer:
            assert answer.status == 200, await answer.text()

    async def until(self, claim_id: str, status: ClaimStatus) -> Claim:
        async def reached() -> Claim | None:
            found = await self.api.runtime.store.load(Claim, claim_id)
            back = all(each["state"] == "refunded" for each in found.refunds.values())
            return found if found.status is status and back else None

        return await eventually(reached)

    async def open_fen(self, *claim_ids: str) -> list[int]:
        loaded = [await self.api.runtime.store.load(Claim, each) for each in claim_ids]
        return [claim.open_fen for claim in loaded]


@pytest.fixture
async def town(settings: Settings) -> AsyncIterator[Town]:
    async with applying(settings, at_work=FOR_PARKING) as (api, departments):
        departments.gateway.callbacks.url = f"{api.url}/v1/parking/payments/callbacks"
        bank = load_directory(settings).bank
        assert bank is not None
        citizen = await registered(api, id_number())
        yield Town(api, departments, f"{bank.url}/orders", citizen)


async def test_a_citizen_pays_in_the_app_and_has_one_receipt(town: Town) -> None:
    claim_id = await town.owes(payer=town.citizen)
    path = f"{CLAIMS}/{claim_id}"
    asked = await town.own("POST", f"{path}/payment", json={})
    assert (asked.status, asked.json["amount_fen"]) == (200, 600)
    await town.hand_in(asked.json["order"])
    await town.until(claim_id, ClaimStatus.SETTLED)
    head = await town.api.runtime.store.head()
    listed = await town.own("GET", f"{CLAIMS}?min_position={head}")
    (shown,) = listed.json["claims"]
    assert (shown["claim_id"], shown["status"], shown["yours"]) == (claim_id, "settled", True)
    (receipt,) = shown["receipts"]
    assert (receipt["kind"], receipt["number"]) == ("receipt", asked.json["payment_id"])
    again = await town.own("POST", f"{path}/payment", json={})
    assert again.is_problem(409, "nothing-owed")


async def test_p38_the_list_shows_overpayment_refund_note_and_one_receipt(town: Town) -> None:
    claim_id = await town.owes(payer=town.citizen, plate_text=PLATE)
    path = f"{CLAIMS}/{claim_id}/payment"
    kiosk = await town.kiosk(path, plate=PLATE)
    app = await town.own("POST", path, json={})
    town.departments.gateway.callbacks.holding = True
    await town.hand_in(kiosk.json["order"])
    await town.hand_in(app.json["order"])
    town.departments.gateway.callbacks.release()
    await town.until(claim_id, ClaimStatus.SETTLED)

    async def returned() -> Any:
        claim = await town.api.runtime.store.load(Claim, claim_id)
        refunds = [each["state"] for each in claim.refunds.values()]
        return refunds == ["refunded"]

    await eventually(returned)
    head = await town.api.runtime.store.head()
    listed = await town.own("GET", f"{CLAIMS}?min_position={head}")
    (shown,) = listed.json["claims"]
    assert [each["state"] for each in shown["payments"]] == ["captured", "captured"]
    papers = [(each["kind"], each["amount_fen"], each["why"]) for each in shown["receipts"]]
    assert papers == [("receipt", 600, None), ("refund-note", 600, "overpayment")]
    assert town.departments.book.balance_fen("parking") == 600


@pytest.mark.parametrize(
    ("chosen", "paid", "left"), [((), [400, 600], [0, 600, 200]), ((2,), [800, 200], [200, 600, 0])]
)
async def test_p44_a_payment_that_does_not_cover_everything(
    town: Town, chosen: tuple[int, ...], paid: list[int], left: list[int]
) -> None:
    debts = [
        await town.owes(amount, payer=town.citizen, days_ago=days)
        for amount, days in ((400, 9), (600, 5), (800, 1))
    ]
    await suspend_claim(debts[1], context(), town.api.runtime.services, reason="disputed")
    body = {"amount_fen": 1000, "chosen": [debts[each] for each in chosen]}
    key = {"Idempotency-Key": "pay-1"}
    asked = await town.own("POST", PAYMENTS, json=body, headers=key)
    assert asked.status == 200, asked.body
    assert [each["amount_fen"] for each in asked.json["orders"]] == paid
    for order in asked.json["orders"]:
        await town.hand_in(order["order"])

    async def reached() -> bool:
        return await town.open_fen(*debts) == left

    await eventually(reached)
    again = await town.own("POST", PAYMENTS, json=body, headers=key)
    assert {each["payment_id"] for each in again.json["orders"]} == {
        each["payment_id"] for each in asked.json["orders"]
    }
    other = await town.own("POST", PAYMENTS, json={"amount_fen": 100}, headers=key)
    assert other.is_problem(422, "idempotency-key-reused")
    topics = [each.topic for each in await town.api.runtime.store.read(debts[0])]
    assert topics.count("parking.payment_requested") == 1
    assert (await town.api.runtime.store.load(Claim, debts[1])).suspended_for == "disputed"


async def test_more_than_is_owed_is_not_asked_for(town: Town) -> None:
    claim_id = await town.owes(payer=town.citizen)
    answer = await town.own("POST", PAYMENTS, json={"amount_fen": 601})
    assert answer.is_problem(409, "more-than-owed")
    assert answer.json["open_fen"] == 600
    theirs = await town.owes(payer=await registered(town.api, id_number()))
    body = {"amount_fen": 100, "chosen": [theirs]}
    assert (await town.own("POST", PAYMENTS, json=body)).is_problem(422, "debt-unknown")
    for stream in (claim_id, theirs):
        assert len(await town.api.runtime.store.read(stream)) == 1


async def test_a_key_makes_one_payment_of_a_claim(town: Town) -> None:
    claim_id = await town.owes(plate_text=PLATE)
    path = f"{CLAIMS}/{claim_id}/payment"
    first = await town.kiosk(path, "k-1", plate=PLATE)
    second = await town.kiosk(path, "k-1", plate=PLATE)
    assert first.json["payment_id"] == second.json["payment_id"]
    other = await town.kiosk(path, "k-1", plate=PLATE, amount_fen=100)
    assert other.is_problem(422, "idempotency-key-reused")
    third = await town.kiosk(path, "k-2", plate=PLATE)
    assert third.json["payment_id"] != first.json["payment_id"]


async def test_a_kiosk_sees_what_is_open_of_the_plate_before_it(town: Town) -> None:
    nobodys = await town.owes(400, plate_text=PLATE, days_ago=2)
    theirs = await town.owes(300, payer=town.citizen, plate_text=PLATE)
    other = await town.owes(200, plate_text=OTHER)
    found = await town.kiosk(DEBTS, plate=PLATE.lower())
    assert [each["claim_id"] for each in found.json["debts"]] == [nobodys, theirs]
    assert found.json["open_fen"] == 700
    assert set(found.json["debts"][0]) == {"claim_id", "due_on", "open_fen"}
    assert "A12345" not in found.body.decode()
    assert (await town.kiosk(DEBTS, plate="豫A99999")).json["debts"] == []
    wrong = await town.kiosk(f"{CLAIMS}/{other}/payment", plate=PLATE)
    assert wrong.is_problem(403, "not-your-parking-claim")
    missing = await town.kiosk(f"{CLAIMS}/parking_claim-{7:032x}/payment", plate=PLATE)
    assert missing.is_problem(403, "not-your-parking-claim")
    assert (await town.kiosk(f"{CLAIMS}/{other}/payment")).is_problem(422, "plate-at-the-kiosk")
    unread = await town.kiosk(DEBTS, plate="豫AI12345")
    assert unread.status == 422
    assert "parking-debts" in {row["what"] for row in await accesses(town.api, town.citizen)}
    paid = await town.kiosk(PAYMENTS, plate=PLATE, amount_fen=500)
    assert [each["amount_fen"] for each in paid.json["orders"]] == [400, 100]


async def test_citizens_have_their_own_and_name_no_plate(town: Town) -> None:
    theirs = await town.owes(payer=await registered(town.api, id_number()), plate_text=PLATE)
    await town.owes(plate_text=OTHER)
    head = await town.api.runtime.store.head()
    assert (await town.own("GET", f"{CLAIMS}?min_position={head}")).json["claims"] == []
    for claim_id in (theirs, f"parking_claim-{7:032x}"):
        answer = await town.own("GET", f"{CLAIMS}/{claim_id}")
        assert answer.is_problem(403, "not-your-parking-claim")
        paid = await town.own("POST", f"{CLAIMS}/{claim_id}/payment", json={})
        assert paid.is_problem(403, "not-your-parking-claim")
    by_plate = await town.own("POST", f"{CLAIMS}/{theirs}/payment", json={"plate": PLATE})
    assert by_plate.is_problem(422, "plate-at-the-kiosk")


async def test_the_desk_looks_through_all_and_it_is_on_the_record(town: Town) -> None:
    claim_id = await town.owes(payer=town.citizen)
    asked = await town.own("POST", f"{CLAIMS}/{claim_id}/payment", json={})
    gateway = town.departments.gateway
    gateway.say(asked.json["payment_id"], "captured", amount=6, currency="CNY", reference=claim_id)
    await gateway.callbacks.taken()
    head = await town.api.runtime.store.head()
    listed = await town.desk(f"{CLAIMS}?desk=mismatches&min_position={head}")
    assert [each["claim_id"] for each in listed.json["claims"]] == [claim_id]
    assert (await town.desk(f"{CLAIMS}?desk=collections")).json["claims"] == []
    assert (await town.desk(f"{CLAIMS}/{claim_id}", "auditor", "")).status == 200
    assert (await town.desk(CLAIMS, department="tax")).is_problem(403, "role-not-allowed")
    whats = {row["what"] for row in await accesses(town.api, town.citizen)}
    assert {"parking-claims", "parking-claim"} <= whats


async def test_pages_go_on_where_the_one_before_ended(town: Town) -> None:
    ids = [await town.owes(days_ago=days) for days in range(1, 6)]
    head = await town.api.runtime.store.head()
    for order, right in (("newest", ids), ("oldest", ids[::-1])):
        found: list[str] = []
        after = ""
        while True:
            path = f"{CLAIMS}?order={order}&limit=2&min_position={head}{after}"
            answer = await town.desk(path)
            found += [each["claim_id"] for each in answer.json["claims"]]
            if answer.json["next"] is None:
                break
            after = f"&after={answer.json['next']}"
        assert found == right


async def test_p43_arrears_of_the_desk_are_as_of_any_moment(town: Town) -> None:
    await town.owes(days_ago=8)
    then = town.api.runtime.services.clock()
    await town.owes(400, days_ago=1)

    async def at(moment: datetime | None) -> Answer:
        asked = "" if moment is None else f"?at={moment.isoformat().replace('+', '%2B')}"
        return await town.desk(f"/v1/parking/arrears/desk{asked}")

    first = await at(then)
    (group,) = first.json["groups"]
    assert (group["age_days"], group["open_fen"], group["area_id"]) == ("7-30", 600, None)
    now = await at(None)
    assert [each["age_days"] for each in now.json["groups"]] == ["1-7", "7-30"]
    assert (now.json["open_fen"], now.json["claims"]) == (1000, 2)
    assert (await at(then)).json == first.json
    assert (await at(then + 400 * DAY)).status == 400
    assert (await town.desk("/v1/parking/arrears/desk", department="tax")).status == 403


@pytest.mark.parametrize(
    "query",
    [
        "plate=豫A12345",
        "place_id=Z1-001",
        "at=0001-01-01T00:00:00Z",
        "at=2026-09-01",
        "at=2999-01-01T00:00:00Z",
    ],
)
async def test_p69_nothing_but_age_and_district_can_be_asked(town: Town, query: str) -> None:
    assert (await town.api.call("GET", f"/v1/parking/arrears?{query}")).status == 400


async def test_long_ago_nothing_was_owed(town: Town) -> None:
    for path in ("/v1/parking/arrears", "/v1/parking/arrears/desk"):
        answer = await town.desk(f"{path}?at=1970-01-01T00:00:00Z")
        assert (answer.status, answer.json["groups"]) == (200, [])


async def test_p69_small_groups_of_debtors_are_not_published(town: Town) -> None:
    now = town.api.runtime.services.clock()
    for number in range(10):
        await town.owes(500, plate_text=f"豫A1{number:04}", days_ago=20)
    for _ in range(12):  # many debts of one vehicle are a small group
        await town.owes(700, plate_text=OTHER, days_ago=50)
    services = town.api.runtime.services
    services.clock = lambda: now + DAY
    answer = await town.api.call("GET", "/v1/parking/arrears")
    assert answer.json["groups"] == [
        {"area_id": None, "age_days": "7-30", "debtors": 10, "open_fen": 5000}
    ]
    assert answer.json["least_debtors"] == 10
    text = answer.body.decode()
    assert "A54321" not in text
    assert "plate-" not in text
    assert (await town.api.call("GET", CLAIMS)).status == 401

"""The scenarios of who pays, and of what is owed (P40–P48), by receipts, notices and the bank."""

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Any

import pytest

from citybrain.domain.parking.place import PlaceKind
from citybrain.settings import Settings
from commands.parking.places import NewPlace
from tests.given.api import Answer
from tests.given.parking.city import at, version
from tests.given.parking.town import OFFICER, SECOND, SESSIONS, ParkingTown, open_town

PLATE, OTHER, RENTAL = "豫A12345", "豫A12346", "豫A7R700"
BANK = "bank-payments"
SECOND_ZONE = (
    NewPlace("Z2", PlaceKind.ZONE, version("street", 500, parent="A-1", tariff_zone="2")),
    NewPlace(
        "Z2-001", PlaceKind.BERTH, version("Z2-001", 500, parent="Z2", number=1, length_cm=500)
    ),
    NewPlace("c-5", PlaceKind.DEVICE, version("camera", watches=["Z2-001"])),
)


@pytest.fixture
async def town(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[ParkingTown]:
    async with open_town(settings, monkeypatch, at("12:00"), *SECOND_ZONE) as found:
        yield found


async def later(town: ParkingTown, days: float) -> None:
    """So many days go by, and what it is time for then is done."""
    town.clock(town.now + timedelta(days=days))
    await town.tick()


# --- P40 --------------------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["unbound", "consent-withdrawn"])
async def test_p40_a_consent_that_has_ended_debits_nobody(town: ParkingTown, how: str) -> None:
    town.clock(at("09:30"))
    citizen = await town.driver()
    binding = await town.bind(citizen, PLATE)
    town.clock(at("10:00:05"))
    await town.say(town.sign("arrived", "Z1-001", at("10:00"), plate=PLATE))
    town.clock(at("11:00:02"))
    if how == "unbound":
        path = f"/v1/parking/plates/{binding}/unbinding"
        answer = await town.own(citizen, "POST", path, json={})
    else:
        path = f"/v1/citizens/{citizen}/consents"
        (consent,) = (await town.own(citizen, "GET", path)).json["consents"]
        body = {"consent_id": consent["consent_id"]}
        answer = await town.own(citizen, "POST", f"{path}/withdrawal", json=body)
    assert answer.status == 200, answer.body
    town.clock(at("11:00:05"))
    await town.say(town.sign("left", "Z1-001", at("11:00"), plate=PLATE))
    session = await town.one()
    assert (session["status"], session["price_fen"], town.moved()) == ("deferred", 400, [])
    (claim,) = await town.claims_of(citizen)
    assert (claim["open_fen"], claim["payments"]) == (400, [])
    await later(town, 1.1)
    session = await town.one()
    assert (session["reminders"], session["status"], town.moved()) == (1, "deferred", [])
    (delivered,) = await town.said(session["session_id"], "notice_delivered")
    assert delivered["number"] == 1


async def test_p40_a_debit_that_the_gateway_has_accepted_stands(town: ParkingTown) -> None:
    town.clock(at("09:30"))
    citizen = await town.driver()
    binding = await town.bind(citizen, PLATE)
    town.clock(at("11:00:01"))
    await town.stay("Z1-001", at("10:00"), at("11:00"), plate=PLATE)
    town.clock(at("11:00:02"))
    await town.own(citizen, "POST", f"/v1/parking/plates/{binding}/unbinding", json={})
    await town.quiet()
    await later(town, 2)
    assert (await town.one())["status"] == "settled"
    assert (town.spent(citizen), town.moved()) == (400, [("charge", 400)])


async def test_p40_a_binding_made_two_seconds_before_leaving_is_used(town: ParkingTown) -> None:
    town.clock(at("10:00:05"))
    await town.say(town.sign("arrived", "Z1-001", at("10:00"), plate=PLATE))
    town.clock(at("10:59:58"))
    citizen = await town.driver(PLATE)
    town.clock(at("11:00:01"))
    await town.say(town.sign("left", "Z1-001", at("11:00"), plate=PLATE))
    assert ((await town.one())["status"], town.spent(citizen)) == ("settled", 400)


# --- P42 --------------------------------------------------------------------------------------


async def corrected(town: ParkingTown, session: dict[str, Any], plate: str) -> dict[str, Any]:
    body = {"plate": plate, "reason": "misread", "note": "the picture shows it"}
    await town.decide(f"{SESSIONS}/{session['session_id']}/plate", OFFICER, **body)
    return await town.session(session["session_id"])


async def test_p42_who_was_wrongly_debited_is_made_whole_first(town: ParkingTown) -> None:
    citizen = await town.driver(PLATE)
    session = await town.stay("Z1-001", at("09:00"), at("10:40"), plate=PLATE)
    assert (session["status"], town.spent(citizen)) == ("settled", 600)
    town.clock(at("15:00", "2026-09-20"))
    session = await corrected(town, session, OTHER)
    assert (town.spent(citizen), town.earned()) == (0, 0)
    assert town.moved() == [("charge", 600), ("refund", 600)]
    (claim,) = await town.claims_of(citizen)
    papers = [(each["kind"], each["amount_fen"]) for each in claim["receipts"]]
    assert papers == [("receipt", 600), ("refund-note", 600)]
    assert (session["plate"], session["price_fen"], session["status"]) == (OTHER, 600, "deferred")
    assert session["due_at"] == "2026-09-20T07:00:00Z"
    claims = await town.said(session["session_id"], "claimed")
    assert [each["payer"] for each in claims] == [citizen, None]
    town.clock(town.now + timedelta(hours=1))
    (group,) = (await town.office("GET", "/v1/parking/arrears/desk")).json["groups"]
    assert (group["age_days"], group["open_fen"]) == ("0-1", 600)
    await later(town, 30)
    assert (await town.one())["reminders"] == 0
    session = await corrected(town, session, PLATE)
    assert (session["status"], session["deferred"]) == ("deferred", "asked-before")
    await later(town, 30)
    assert (town.spent(citizen), len(town.moved())) == (0, 2)


async def test_p42_whoever_binds_the_right_plate_is_told_and_not_debited(town: ParkingTown) -> None:
    await town.driver(PLATE)
    session = await town.stay("Z1-001", at("09:00"), at("10:40"), plate=PLATE)
    await corrected(town, session, OTHER)
    owner = await town.driver(OTHER)
    session = await town.one()
    (claim,) = await town.claims_of(owner)
    assert (claim["open_fen"], session["status"]) == (600, "deferred")
    assert town.earned() == 0
    await later(town, 1.1)
    assert (await town.one())["reminders"] == 1


async def test_p42_a_permit_for_the_zone_makes_it_free(town: ParkingTown) -> None:
    citizen, resident = await town.driver(PLATE), await town.driver()
    times = {"begins": "2026-09-14T12:30:00+08:00", "ends": "2027-09-01T00:00:00+08:00"}
    asked = {"kind": "resident", "plate": OTHER, "zone_id": "Z1"}
    permit = await town.own(resident, "POST", "/v1/parking/permits", json=asked)
    assert permit.status == 201, permit.body
    path, grant = f"/v1/parking/permits/{permit.json['permit_id']}", {"decision": "grant", **times}
    await town.decide(f"{path}/proposal", OFFICER, **grant, reason="paper-seen", note="n")
    await town.decide(f"{path}/confirmation", SECOND, **grant)
    town.clock(at("16:00"))
    session = await town.stay("Z1-001", at("13:00"), at("14:40"), plate=PLATE)
    assert town.spent(citizen) == 600
    session = await corrected(town, session, OTHER)
    assert (session["price_fen"], session["status"]) == (0, "settled")
    assert (town.spent(citizen), town.earned()) == (0, 0)
    assert town.moved() == [("charge", 600), ("refund", 600)]


# --- P43 --------------------------------------------------------------------------------------


async def test_p43_each_debt_is_in_one_bucket_as_of_any_moment(town: ParkingTown) -> None:
    town.clock(at("12:00:10", "2026-09-01"))
    await town.stay("Z1-001", at("11:00", "2026-09-01"), at("12:00", "2026-09-01"), plate=PLATE)
    town.clock(at("18:00", "2026-10-05"))

    async def groups(moment: datetime) -> list[tuple[str, int, int]]:
        asked = moment.isoformat().replace("+", "%2B")
        answer = await town.office("GET", f"/v1/parking/arrears/desk?at={asked}")
        assert answer.status == 200, answer.body
        return [
            (each["age_days"], each["claims"], each["open_fen"]) for each in answer.json["groups"]
        ]

    edges = {
        at("11:59:59", "2026-09-01"): [],
        at("11:59:59", "2026-09-02"): [("0-1", 1, 400)],
        at("12:00:00", "2026-09-02"): [("1-7", 1, 400)],
        at("11:59:59", "2026-09-08"): [("1-7", 1, 400)],
        at("12:00:00", "2026-09-08"): [("7-30", 1, 400)],
        at("11:59:59", "2026-10-01"): [("7-30", 1, 400)],
        at("12:00:00", "2026-10-01"): [("30+", 1, 400)],
    }
    for moment, right in edges.items():
        assert await groups(moment) == right, moment
    found = await town.api.call("POST", "/v1/parking/debts/search", "kiosk", json={"plate": PLATE})
    (debt,) = found.json["debts"]
    path = f"/v1/parking/claims/{debt['claim_id']}/payment"
    order = await town.api.call("POST", path, "kiosk", json={"plate": PLATE})
    await town.pay([order.json["order"]])
    assert town.earned() == 400
    town.clock(at("18:00", "2026-12-24"))
    assert await groups(town.now) == []
    for moment, right in edges.items():
        assert await groups(moment) == right, moment


# --- P44 --------------------------------------------------------------------------------------


async def three_debts(town: ParkingTown) -> tuple[str, list[str]]:
    """400 due on the first, 600 on the fifth, 800 on the tenth; the second is disputed."""
    citizen = await town.driver(PLATE)
    await town.departments.fault(BANK, "refuse-in-words")
    sessions = []
    for day, ends in (("01", "10:00"), ("05", "10:40"), ("10", "12:00")):
        began, ended = at("09:00", f"2026-09-{day}"), at(ends, f"2026-09-{day}")
        session = await town.stay("Z1-001", began, ended, plate=PLATE)
        assert (session["status"], session["deferred"]) == ("deferred", "debit-failed")
        sessions.append(session)
    await town.departments.fault(BANK, "ok")
    path = f"{SESSIONS}/{sessions[1]['session_id']}/dispute"
    answer = await town.own(citizen, "POST", path, json={"grounds": "I was not there"})
    assert answer.status == 200, answer.body
    await town.quiet()
    return citizen, [each["session_id"] for each in sessions]


@pytest.mark.parametrize(
    ("choose", "parts", "left"), [(None, [400, 600], [0, 600, 200]), (2, [800, 200], [200, 600, 0])]
)
async def test_p44_a_payment_is_divided_as_the_code_says(
    town: ParkingTown, choose: int | None, parts: list[int], left: list[int]
) -> None:
    citizen, ids = await three_debts(town)
    claims = [(await town.session(each))["claim_id"] for each in ids]
    body = {"amount_fen": 1000, "chosen": [] if choose is None else [claims[choose]]}
    asked: Answer = await town.own(citizen, "POST", "/v1/parking/payments", json=body)
    assert asked.status == 200, asked.body
    assert [each["amount_fen"] for each in asked.json["orders"]] == parts
    await town.pay([each["order"] for each in asked.json["orders"]])
    shown = {each["claim_id"]: each["open_fen"] for each in await town.claims_of(citizen)}
    assert [shown[each] for each in claims] == left
    statuses = [(await town.session(each))["status"] for each in ids]
    assert statuses == [
        "settled" if fen == 0 else s
        for fen, s in zip(left, ("deferred", "disputed", "deferred"), strict=True)
    ]
    told = [
        (each["amount_fen"], [part["amount_fen"] for part in each["parts"]])
        for claim in claims
        for each in await town.said(claim, "payment_requested")
        if each["channel"] == "app"
    ]
    assert sorted(amount for amount, _ in told) == sorted(parts)
    assert [sorted(together) for _, together in told] == [sorted(parts)] * len(parts)
    assert town.earned() == 1000
    await later(town, 40)
    disputed = await town.session(ids[1])
    assert (disputed["status"], disputed["reminders"]) == ("disputed", 0)


# --- P48 --------------------------------------------------------------------------------------


async def test_p48_the_hirer_at_arrival_owes_the_whole_stay(town: ParkingTown) -> None:
    firm, first, second = [await town.driver() for _ in range(3)]
    town.departments.vehicles.register(RENTAL, town.numbers[firm], use="rental")
    binding = await town.bind(firm, RENTAL)
    await town.departments.fault(BANK, "refuse-in-words")
    town.clock(at("18:30:05", "2026-09-05"))
    session = await town.stay(
        "Z2-001",
        at("17:30", "2026-09-05"),
        at("18:30", "2026-09-05"),
        plate=RENTAL,
        device_id="c-5",
    )
    await town.departments.fault(BANK, "ok")
    assert (session["price_fen"], session["status"]) == (400, "deferred")
    await later(town, 1.1)
    assert (await town.one())["reminders"] == 1  # the firm was told, and names who had it
    path = f"/v1/parking/plates/{binding}/hirers"
    body = {
        "begins": "2026-09-05T18:00:00+08:00",
        "ends": "2026-09-09T18:00:00+08:00",
        "arrived_at": "2026-09-05T17:30:00+08:00",
        "contract_sha256": "ab" * 32,
    }
    of_second = body | {"number": town.numbers[second]}
    refused = await town.own(firm, "POST", path, json=of_second)
    assert refused.is_problem(409, "contract-does-not-cover")
    assert [refused.json[name] for name in ("begins", "ends", "arrived_at")] == [
        "2026-09-05T10:00:00+00:00",
        "2026-09-09T10:00:00+00:00",
        "2026-09-05T09:30:00+00:00",
    ]
    of_first = body | {
        "number": town.numbers[first],
        "begins": "2026-09-01T09:00:00+08:00",
        "ends": "2026-09-05T18:00:00+08:00",
    }
    for _ in range(2):
        named = await town.own(firm, "POST", path, json=of_first)
        assert named.status == 200, named.body
    later_hire = of_second | {"arrived_at": "2026-09-05T18:10:00+08:00"}
    assert (await town.own(firm, "POST", path, json=later_hire)).status == 200
    await town.quiet()
    (claim,) = await town.claims_of(first)
    assert (claim["amount_fen"], claim["open_fen"], claim["status"]) == (400, 400, "open")
    assert [each["open_fen"] for each in await town.claims_of(firm)] == [0]
    assert await town.claims_of(second) == []
    await later(town, 30)
    reminded = await town.said(session["session_id"], "reminded")
    assert [each["citizen_id"] for each in reminded[:1]] == [firm]
    assert {each["citizen_id"] for each in reminded[1:]} == {first}
    path = f"{SESSIONS}/{session['session_id']}"
    assert (await town.own(first, "GET", path)).status == 200
    assert (await town.own(second, "GET", path)).is_problem(403, "not-your-parking-session")
    assert town.earned() == 0

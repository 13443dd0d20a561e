"""The scenarios of a session's edges (P10–P20) to the bank's book, in any order of signs."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from itertools import permutations
from typing import Any

import pytest

from citybrain.domain.parking.place import PlaceKind
from citybrain.http.parking.cds.identities import uuid_of
from citybrain.settings import Settings
from commands.parking.places import NewPlace
from tests.given.parking.cds.client import Client, ms
from tests.given.parking.city import GARAGE, at, version
from tests.given.parking.town import OFFICER, ParkingTown, Sign, open_town
from tests.given.storm import some_of

CLONED = "豫A6C310"
NEIGHBOURS = (
    NewPlace(
        "Z1-010", PlaceKind.BERTH, version("Z1-010", 50.0, parent="Z1", number=10, length_cm=500)
    ),
    NewPlace(
        "Z1-011", PlaceKind.BERTH, version("Z1-011", 55.0, parent="Z1", number=11, length_cm=500)
    ),
    NewPlace("c-3", PlaceKind.DEVICE, version("camera", watches=["Z1-010", "Z1-011"])),
    NewPlace("c-4", PlaceKind.DEVICE, version("camera", watches=["Z1-010", "Z1-011"])),
)
ORDERS_OF_FOUR = some_of(list(permutations(range(4))), 5)
"""Each sign comes first and last, and each two of them in both orders; in a storm all 24."""
OF_3, OF_4 = {"device_id": "c-3"}, {"device_id": "c-4"}


@pytest.fixture
async def town(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[ParkingTown]:
    async with open_town(settings, monkeypatch, at("12:00"), *NEIGHBOURS) as found:
        yield found


async def tell(town: ParkingTown, signs: list[Sign], order: tuple[int, ...], batch: bool) -> None:
    """In this order: in one batch, or each for itself."""
    told = [signs[place] for place in order]
    for part in [told] if batch else [[each] for each in told]:
        await town.say(*part)


# --- P10 --------------------------------------------------------------------------------------


def in_two_places(town: ParkingTown) -> list[Sign]:
    """At the berth from ten to eleven, and 18 km away from twenty past ten on."""
    of_berth = {"plate": CLONED, "confidence": 96} | OF_3
    of_garage = {"plate": CLONED, "confidence": 95}
    return [
        town.sign("arrived", "Z1-010", at("10:00"), **of_berth),
        town.sign("arrived", GARAGE, at("10:20"), **of_garage),
        town.sign("left", "Z1-010", at("11:00"), **of_berth),
        town.sign("left", GARAGE, at("11:30"), **of_garage),
    ]


async def the_garage_is_the_clone(town: ParkingTown) -> tuple[dict[str, Any], dict[str, Any]]:
    garage, berth = await town.sessions()
    body = {"other_session_id": garage["session_id"], "genuine": True, "reason": "clone"}
    await town.decide(f"/v1/parking/sessions/{berth['session_id']}/conflict", OFFICER, **body)
    garage, berth = await town.sessions()
    return garage, berth


@pytest.mark.parametrize("order", [(0, 1, 2, 3), (1, 0, 2, 3), (2, 1, 0, 3)])
async def test_p10_one_plate_in_two_places_debits_nobody(
    town: ParkingTown, order: tuple[int, ...]
) -> None:
    citizen = await town.driver(CLONED)
    await tell(town, in_two_places(town), order, batch=False)
    garage, berth = await town.sessions()
    assert [each["place_id"] for each in (berth, garage)] == ["Z1-010", GARAGE]
    assert {(each["status"], each["held"]) for each in (berth, garage)} == {
        ("held", "plate-seen-elsewhere")
    }
    for one, other in ((berth, garage), (garage, berth)):
        (suspected,) = await town.said(one["session_id"], "clone_suspected")
        assert suspected["other_session_id"] == other["session_id"]
        assert round(suspected["metres"] / 1000) == 18
    town.clock(at("12:00", "2026-10-14"))
    await town.tick()
    assert town.moved() == []
    assert {each["reminders"] for each in await town.sessions()} == {0}
    garage, berth = await the_garage_is_the_clone(town)
    assert (berth["status"], town.spent(citizen), town.earned()) == ("settled", 400, 400)
    assert (garage["status"], garage["deferred"]) == ("deferred", "cloned-plate")
    (claim,) = await town.said(garage["session_id"], "claimed")
    assert (claim["payer"], claim["debited"]) == (None, False)
    town.clock(at("12:00", "2026-11-14"))
    await town.tick()
    assert (await town.session(garage["session_id"]))["reminders"] == 0
    assert [each["claim_id"] for each in await town.claims_of(citizen)] == [berth["claim_id"]]


async def test_p10_what_was_debited_for_the_clone_goes_back(town: ParkingTown) -> None:
    """The garage tells all of it first: it is paid before anybody knows of the other one."""
    citizen = await town.driver(CLONED)
    await tell(town, in_two_places(town), (3, 1, 2, 0), batch=False)
    assert town.spent(citizen) == 600
    garage, berth = await the_garage_is_the_clone(town)
    assert (berth["status"], town.spent(citizen), town.earned()) == ("settled", 400, 400)
    assert (garage["status"], garage["deferred"]) == ("deferred", "cloned-plate")
    assert [kind for kind, _ in town.moved()] == ["charge", "refund", "charge"]


async def test_p10_a_departure_that_is_told_late_ends_the_conflict(town: ParkingTown) -> None:
    """In half an hour a car drives 18 km: it only seemed to be in two places."""
    citizen = await town.driver(CLONED)
    arrived, _, _, _ = in_two_places(town)
    town.clock(at("10:32"))
    await town.say(arrived, town.sign("arrived", GARAGE, at("10:31"), plate=CLONED))
    assert len(await town.said((await town.sessions())[1]["session_id"], "clone_suspected")) == 1
    town.clock(at("10:35"))
    await town.say(town.sign("left", "Z1-010", at("10:01"), plate=CLONED, **OF_3))
    town.clock(at("11:40"))
    await town.say(town.sign("left", GARAGE, at("11:30"), plate=CLONED))
    garage, berth = await town.sessions()
    assert [each["status"] for each in (berth, garage)] == ["settled", "settled"]
    assert town.spent(citizen) == 800


@pytest.mark.parametrize("order", list(permutations(range(3))))
async def test_p10_one_car_that_two_cameras_see_is_one_session(
    town: ParkingTown, order: tuple[int, ...]
) -> None:
    citizen = await town.driver(CLONED)
    sure = {"plate": CLONED, "confidence": 96}
    signs = [
        town.sign("arrived", "Z1-010", at("10:00"), **OF_3, **sure),
        town.sign("arrived", "Z1-011", at("10:00:20"), **OF_4, **sure),
        town.sign("left", "Z1-010", at("10:40"), **OF_3, **sure),
    ]
    await tell(town, signs, order, batch=False)
    session = await town.one()
    assert (session["place_id"], session["price_fen"], session["status"]) == (
        "Z1-010",
        400,
        "settled",
    )
    (kept,) = await town.said(session["session_id"], "evidence_added")
    assert kept["why"] == "seen-by-another-device"
    assert await town.said(session["session_id"], "clone_suspected") == []
    assert (town.spent(citizen), town.moved()) == (400, [("charge", 400)])


@pytest.mark.parametrize(
    ("metres", "conflict"),
    [(50, False), (4, True)],  # five metres are too far then
)
async def test_p10_how_near_is_a_rule(town: ParkingTown, metres: int, conflict: bool) -> None:
    town.rules(lambda rules: replace(rules, clone_near_m=metres))
    await town.say(
        town.sign("arrived", "Z1-010", at("10:00"), plate=CLONED, **OF_3),
        town.sign("arrived", "Z1-011", at("10:00:20"), plate=CLONED, **OF_4),
    )
    found = await town.sessions()
    assert len(found) == (2 if conflict else 1)
    for each in found:
        assert bool(await town.said(each["session_id"], "clone_suspected")) == conflict


async def test_p10_whether_still_standing_there_is_a_conflict_is_a_rule(town: ParkingTown) -> None:
    """It stands there since two hours, and is read 18 km away: a departure may have been missed."""
    town.rules(lambda rules: replace(rules, clone_while_occupied=False))
    await town.say(
        town.sign("arrived", "Z1-010", at("10:00"), plate=CLONED, **OF_3),
        town.sign("arrived", GARAGE, at("11:59"), plate=CLONED),
    )
    for each in await town.sessions():
        assert await town.said(each["session_id"], "clone_suspected") == []
    await town.say(town.sign("left", "Z1-010", at("11:58"), plate=CLONED, **OF_3))
    for each in await town.sessions():
        assert len(await town.said(each["session_id"], "clone_suspected")) == 1


# --- P12 --------------------------------------------------------------------------------------


@pytest.mark.parametrize("order", list(permutations(range(2))))
@pytest.mark.parametrize("batch", [True, False])
async def test_p12_the_order_of_arrival_makes_no_difference(
    town: ParkingTown, order: tuple[int, ...], batch: bool
) -> None:
    sure = {"plate": "豫A77Q01", "confidence": 97}
    left = town.sign("left", "Z1-003", at("10:45"), **sure)
    arrived = town.sign("arrived", "Z1-003", at("10:00"), **sure)
    signs, received = [left, arrived], [at("10:45:30"), at("10:48:30")]
    if batch:
        town.clock(received[-1])
        await tell(town, signs, order, batch=True)
    else:
        for place, moment in zip(order, received, strict=True):
            town.clock(moment)
            await town.say(signs[place])
    session = await town.one()
    assert (session["arrived_at"], session["left_at"], session["ending"]) == (
        "2026-09-14T02:00:00Z",
        "2026-09-14T02:45:00Z",
        "departure-seen",
    )
    assert (session["price_fen"], session["status"]) == (400, "deferred")
    assert [name for name, _ in await town.events(session["session_id"])].count("priced") == 1
    town.clock(at("11:30"))
    await town.tick()
    assert await town.one() == session


# --- P13 --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("late", "minutes", "price", "paid"),
    [
        (("arrived", "09:10"), 120, 600, 600),
        (("arrived", "10:41"), 59, 400, 400),
        (("left", "12:40"), 120, 600, 600),
        (("left", "10:39"), 59, 400, 400),
    ],
)
async def test_p13_late_evidence_costs_nobody_anything(
    town: ParkingTown, late: tuple[str, str], minutes: int, price: int, paid: int
) -> None:
    citizen = await town.driver("豫A12345")
    town.clock(at("11:41"))
    session = await town.stay("Z1-004", at("09:40"), at("11:40"), plate="豫A12345")
    assert (session["status"], session["price_fen"], town.spent(citizen)) == ("settled", 600, 600)
    (claim,) = await town.claims_of(citizen)
    (receipt,) = claim["receipts"]
    town.clock(at("13:00"))
    sign, clock = late
    await town.say(town.sign(sign, "Z1-004", at(clock), plate="豫A12345"))
    after = await town.session(session["session_id"])
    explained = await town.explained(session["session_id"])
    assert (after["price_fen"], after["status"]) == (price, "settled")
    assert sum(line["counted_seconds"] // 60 for line in explained["lines"]) == minutes
    assert town.spent(citizen) == paid
    (claim,) = await town.claims_of(citizen)
    assert claim["receipts"][0] == receipt
    notes = [each["amount_fen"] for each in claim["receipts"][1:]]
    assert notes == ([600 - paid] if paid < 600 else [])
    if late == ("arrived", "09:10"):
        (kept,) = await town.said(session["session_id"], "evidence_added")
        assert kept["why"] == "came-late"
        assert town.moved() == [("charge", 600)]


async def test_p13_another_vehicle_that_is_told_late_has_a_session_of_its_own(
    town: ParkingTown,
) -> None:
    """A device kept back all of a morning: what is final meanwhile is not what it saw before."""
    await town.driver("豫A12345")
    town.clock(at("11:41"))
    paid = await town.stay("Z1-004", at("09:40"), at("11:40"), plate="豫A12345")
    town.clock(at("13:00"))
    other = {"plate": "豫A99999"}
    await town.say(
        town.sign("arrived", "Z1-004", at("08:00"), **other),
        town.sign("left", "Z1-004", at("08:30"), **other),
    )
    after, before = await town.sessions("?place_id=Z1-004")
    assert after == paid
    assert (before["plate"], before["price_fen"]) == ("豫A99999", 400)


# --- P18 --------------------------------------------------------------------------------------


@pytest.mark.parametrize("told", [True, False])
async def test_p18_a_silent_camera_charges_to_the_last_proof(town: ParkingTown, told: bool) -> None:
    town.clock(at("13:30"))
    await town.say(
        town.sign("arrived", "Z1-006", at("09:15"), plate="豫A5S510"),
        town.sign("occupied", "Z1-006", at("10:00")),
        *([town.sign("lost", None, at("10:00"))] if told else []),
        *([town.sign("restored", None, at("13:00"))] if told else []),
        town.sign("empty", "Z1-006", at("13:00:10")),
    )
    session = await town.one()
    assert (session["left_at"], session["price_fen"]) == ("2026-09-14T02:00:00Z", 400)
    explained = await town.explained(session["session_id"])
    assert [line["counted_seconds"] // 60 for line in explained["lines"]] == [45]


async def test_p18_the_berth_is_unknown_and_its_hours_are_offline(town: ParkingTown) -> None:
    town.clock(at("13:30"))
    lost, restored = [
        [town.sign(sign, None, at(clock), device_id=device) for device in ("c-1", "c-2")]
        for sign, clock in (("lost", "10:00"), ("restored", "13:00"))
    ]
    await town.say(
        town.sign("arrived", "Z1-006", at("09:15"), plate="豫A5S510"),
        *(town.sign("occupied", "Z1-006", at(f"09:{minute}")) for minute in (25, 35, 45, 55)),
        town.sign("occupied", "Z1-006", at("10:00")),
        *lost,
        *restored,
        town.sign("empty", "Z1-006", at("13:00:10")),
    )
    assert [await available(town, clock) for clock in ("09:59", "10:00", "12:59", "13:01")] == [
        False,
        None,
        None,
        True,
    ]
    assert await offline_hours(town, 9, 13) == {9: False, 10: True, 11: True, 12: True}


async def test_p18_the_silence_limit_alone_tells_a_quarter_of_an_hour_later(
    town: ParkingTown,
) -> None:
    town.clock(at("13:30"))
    await town.say(
        town.sign("arrived", "Z1-006", at("09:15"), plate="豫A5S510"),
        *(town.sign("occupied", "Z1-006", at(f"09:{minute}")) for minute in (25, 35, 45, 55)),
        town.sign("occupied", "Z1-006", at("10:00")),
        town.sign("empty", "Z1-006", at("13:00")),
    )
    assert [await available(town, clock) for clock in ("10:14:59", "10:15", "12:59", "13:00")] == [
        False,
        None,
        None,
        True,
    ]
    assert await offline_hours(town, 9, 13) == {9: False, 10: True, 11: True, 12: True}


async def available(town: ParkingTown, clock: str) -> bool | None:
    """Whether the berth was free, as foreign clients are told; None: it is left out."""
    path = f"curbs/spaces/{uuid_of('Z1-006')}"
    found = await Client(town.api, "1.1").one(path, time=ms(at(clock)))
    return found.get("available")


async def offline_hours(town: ParkingTown, first: int, end: int) -> dict[int, bool]:
    """Of each hour, whether its metrics are -1."""
    begins, ends = at(f"{first:02}:00"), at(f"{end}:00")
    found = [
        await town.metric("Z1-006", metric, begins, ends)
        for metric in ("occupancy_percent", "total_sessions", "turnover")
    ]
    return {hour: all(each[day, hour] == -1 for each in found) for day, hour in found[0]}


@pytest.mark.parametrize(
    ("plate", "same"), [("豫A5S510", True), ("豫A99999", False), (None, False)]
)
async def test_p18_who_stands_there_afterwards_is_who_their_plate_says(
    town: ParkingTown, plate: str | None, same: bool
) -> None:
    town.clock(at("14:00"))
    await town.say(
        town.sign("arrived", "Z1-006", at("09:15"), plate="豫A5S510"),
        town.sign("lost", None, at("10:00")),
        town.sign("restored", None, at("13:00")),
        town.sign("occupied", "Z1-006", at("13:00:10"), plate=plate),
        town.sign("left", "Z1-006", at("13:20"), plate=plate),
    )
    prices = [each["price_fen"] for each in await town.sessions("?place_id=Z1-006")]
    assert prices == ([1600] if same else [400, 400])


# --- P20 --------------------------------------------------------------------------------------

MOVED: dict[str, Any] = {"plate": "豫A2M220"}


def moved_on(town: ParkingTown) -> list[Sign]:
    """It leaves the first berth and stands on the next one after forty seconds."""
    return [
        town.sign("arrived", "Z1-001", at("10:00"), **MOVED),
        town.sign("left", "Z1-001", at("10:50"), **MOVED),
        town.sign("arrived", "Z1-002", at("10:50:40"), **MOVED),
        town.sign("left", "Z1-002", at("11:40"), **MOVED),
    ]


@pytest.mark.storm
@pytest.mark.parametrize("order", ORDERS_OF_FOUR)
async def test_p20_moving_one_berth_on_is_one_stay(
    town: ParkingTown, order: tuple[int, ...]
) -> None:
    citizen = await town.driver("豫A2M220")
    await tell(town, moved_on(town), order, batch=False)
    second, first = await town.sessions()
    assert [each["status"] for each in (first, second)] == ["settled", "settled"]
    assert (first["price_fen"], second["price_fen"]) == (400, 200)
    explained = await town.explained(second["session_id"])
    assert explained["already_fen"] == 400
    assert explained["stay"]["berths"] == ["Z1-001", "Z1-002"]
    assert explained["stay"]["choices"]["merge_gap_seconds"] == 180
    assert [line["counted_seconds"] // 60 for line in explained["lines"]] == [100]
    assert (town.spent(citizen), town.earned()) == (600, 600)


async def test_p20_without_a_gap_they_are_two_stays(town: ParkingTown) -> None:
    citizen = await town.driver("豫A2M220")
    town.rules(lambda rules: replace(rules, merge_gap=timedelta()))
    await tell(town, moved_on(town), (0, 1, 2, 3), batch=True)
    found = await town.sessions()
    assert [each["price_fen"] for each in found] == [400, 400]
    for each in found:
        explained = await town.explained(each["session_id"])
        assert explained["stay"]["choices"]["merge_gap_seconds"] == 0
    assert town.spent(citizen) == 800


@pytest.mark.storm
@pytest.mark.parametrize("order", ORDERS_OF_FOUR)
async def test_p20_a_car_across_two_berths_is_one_session(
    town: ParkingTown, order: tuple[int, ...]
) -> None:
    citizen = await town.driver("豫A2M220")
    signs = [
        town.sign(sign, berth, at(clock), **MOVED)
        for sign, clock in (("arrived", "10:00"), ("left", "10:30"))
        for berth in ("Z1-001", "Z1-002")
    ]
    await tell(town, signs, order, batch=False)
    session = await town.one()
    assert (session["price_fen"], session["status"], town.spent(citizen)) == (400, "settled", 400)

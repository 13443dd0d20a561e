"""From what devices say to sessions, over the real store: the scenarios of edges of a session."""

from datetime import timedelta
from itertools import permutations
from typing import Any

import pytest

from citybrain.domain.actor import Actor, Role
from citybrain.domain.parking.detection import ParkingDetection
from citybrain.domain.parking.presence import Ending
from citybrain.errors import CitybrainError
from citybrain.eventstore import EventStore
from commands.parking.detection import RecordParkingDetection, record_detections
from commands.parking.pricing import OtherStays, price_of
from commands.parking.session import change_session
from projections.parking.session_ids import of_plate
from tests.given.parking.city import GARAGE, WATCHER, Street, at, minutes
from tests.given.services import context, services_over

OTHERS = OtherStays(of_plate)


@pytest.fixture
async def street(store: EventStore) -> Street:
    return await Street.open(services_over(store), at("12:00"))


async def price(street: Street) -> list[int]:
    return [
        (await price_of(each, street.services, OTHERS)).amount_fen
        for each in await street.sessions()
        if each.left_at is not None
    ]


@pytest.mark.parametrize("order", list(permutations(range(2))))
@pytest.mark.parametrize("batch", [True, False])
async def test_p12_departure_before_arrival(
    street: Street, order: tuple[int, ...], batch: bool
) -> None:
    signs = [
        street.sign("arrived", "Z1-003", at("10:00"), plate="豫A77Q01"),
        street.sign("left", "Z1-003", at("10:45"), plate="豫A77Q01"),
    ]
    told = [signs[place] for place in order]
    for part in [told] if batch else [[each] for each in told]:
        await street.say(*part)
    session = await street.one()
    assert (session.arrived_at, session.left_at) == (at("10:00"), at("10:45"))
    assert session.ending == Ending.SEEN
    assert await price(street) == [400]


async def test_p03_the_province_is_missing(street: Street) -> None:
    await street.say(street.sign("arrived", "Z1-001", at("09:00"), plate="A52K17"))
    session = await street.one()
    assert session.doubt is not None
    assert session.doubt["reason"] == "plate-incomplete"
    await street.say(street.sign("left", "Z1-001", at("09:40"), plate="豫A52K17", confidence=98))
    session = await street.one()
    assert session.doubt is None
    (completed,) = session.completed.items()
    assert set(completed) <= set(session.readings)
    assert await price(street) == [400]


async def settle(street: Street, fen: int) -> None:
    session = await street.one()
    await change_session(
        session.id,
        street.services,
        lambda each, now: each.settle(now, amount_fen=fen, how="paid", claim_id=None),
    )
    await street.follow()


@pytest.mark.parametrize(
    ("late", "length", "priced"), [("09:10", 120.0, [600]), ("10:41", 59.0, [400])]
)
async def test_p13_evidence_after_the_receipt(
    street: Street, late: str, length: float, priced: list[int]
) -> None:
    await street.say(
        street.sign("arrived", "Z1-004", at("09:40"), plate="豫A12345"),
        street.sign("left", "Z1-004", at("11:40"), plate="豫A12345"),
    )
    await settle(street, 600)
    (sign,) = await street.say(street.sign("arrived", "Z1-004", at(late), plate="豫A12345"))
    session = await street.one()
    assert minutes(session) == length
    assert sign in {*session.late_signs, *session.detection_ids}
    assert await price(street) == priced


async def test_p15_exit_without_entry(street: Street) -> None:
    (sign,) = await street.say(street.sign("left", GARAGE, at("11:59"), plate="豫A0E555"))
    assert await street.sessions() == []
    await street.process.tick(street.services)
    detection = await street.services.store.load(ParkingDetection, sign)
    assert detection.unmatched is None  # its arrival may still come
    street.clock(at("12:00") + timedelta(minutes=11, days=365 * 9))
    await street.process.tick(street.services)
    detection = await street.services.store.load(ParkingDetection, sign)
    assert detection.unmatched == "no-arrival"


async def test_a_departure_that_a_session_has_is_somebodys(street: Street) -> None:
    (_, sign) = await street.say(
        street.sign("arrived", "Z1-001", at("09:00"), plate="豫A11111"),
        street.sign("left", "Z1-001", at("09:30"), plate="豫A11111"),
    )
    street.clock(at("12:00") + timedelta(minutes=11, days=365 * 9))
    await street.process.tick(street.services)
    detection = await street.services.store.load(ParkingDetection, sign)
    assert detection.unmatched is None
    assert minutes(await street.one()) == 30


async def test_p17_two_cars_and_one_opening(street: Street) -> None:
    plates = ("豫A1C100", "豫A1C101")
    await street.say(
        *(street.sign("arrived", GARAGE, at("09:00"), plate=plate) for plate in plates)
    )
    await street.say(
        *(
            street.sign("left", GARAGE, at(f"11:00:0{place}"), plate=plate, opening="o1")
            for place, plate in enumerate(plates)
        )
    )
    left = {each.left_at for each in await street.sessions()}
    assert left == {at("11:00:00"), at("11:00:01")}


async def test_p16_barrier_held_open_for_an_ambulance(street: Street) -> None:
    plate = {"plate": "豫A9P012"}
    await street.say(street.sign("arrived", GARAGE, at("09:00", "2026-09-01"), **plate))
    await street.say(street.sign("opened", GARAGE, at("14:03", "2026-09-01")))
    street.clock(at("15:00", "2026-09-02"))
    await street.process.tick(street.services)
    session = await street.one()
    assert session.unseen_since == at("09:00", "2026-09-01")  # the next day, not after ten
    street.clock(at("12:00", "2026-09-11"))
    await street.say(street.sign("arrived", GARAGE, at("09:00", "2026-09-11"), **plate))
    first, second = await street.sessions()
    assert first.left_at == at("14:03", "2026-09-01")
    assert first.why_held == ("exit-not-seen", {"ending": Ending.NOT_SEEN})
    assert second.left_at is None


async def test_p18_camera_silent_for_three_hours(street: Street) -> None:
    street.clock(at("13:30"))
    await street.say(
        street.sign("arrived", "Z1-006", at("09:15"), plate="豫A5S510"),
        street.sign("lost", None, at("10:00")),
        street.sign("restored", None, at("13:00")),
        street.sign("empty", "Z1-006", at("13:01")),
    )
    session = await street.one()
    assert (minutes(session), session.ending) == (45.0, Ending.SILENT)
    assert await price(street) == [400]


async def test_p20_moving_one_berth_on(street: Street) -> None:
    plate = {"plate": "豫A2M220"}
    await street.say(
        street.sign("arrived", "Z1-001", at("10:00"), **plate),
        street.sign("left", "Z1-001", at("10:50"), **plate),
    )
    await street.say(street.sign("arrived", "Z1-002", at("10:50:40"), **plate))
    await street.say(street.sign("left", "Z1-002", at("11:40"), **plate))
    first, second = await street.sessions()
    assert second.continues == first.id
    assert await price(street) == [400, 200]  # 100 minutes are one stay of 600
    whole = await price_of(second, street.services, OTHERS)
    assert [each.berth for each in whole.price.berths] == ["Z1-001", "Z1-002"]


async def test_p20_a_car_across_two_berths_is_one_session(street: Street) -> None:
    plate = {"plate": "豫A2M220"}
    for berth in ("Z1-001", "Z1-002"):
        await street.say(street.sign("arrived", berth, at("10:00"), **plate))
    for berth in ("Z1-001", "Z1-002"):
        await street.say(street.sign("left", berth, at("10:30"), **plate))
    session = await street.one()
    assert len(session.late_signs) == 2
    assert await price(street) == [400]


async def test_p10_one_plate_in_two_places(street: Street) -> None:
    plate = {"plate": "豫A6C310", "confidence": 96}
    await street.say(street.sign("arrived", "Z1-001", at("10:00"), **plate))
    await street.say(street.sign("arrived", GARAGE, at("10:20"), **plate))
    berth, garage = await street.sessions()
    assert list(berth.clones) == [garage.id]
    assert list(garage.clones) == [berth.id]
    ((metres, seconds),) = [
        (event.data["metres"], event.data["seconds"])
        for event in await street.services.store.read(garage.id)
        if event.topic == "parking.clone_suspected"
    ]
    assert (round(metres / 1000), seconds) == (18, 0)


async def test_p10_one_place_seen_twice(street: Street) -> None:
    plate = {"plate": "豫A6C310", "confidence": 96}
    await street.say(street.sign("arrived", "Z1-001", at("10:00"), **plate))
    (second,) = await street.say(street.sign("arrived", "Z1-002", at("10:00:20"), **plate))
    session = await street.one()
    assert list(session.late_signs) == [second]
    assert session.clones == {}


async def test_an_arrival_into_an_occupied_berth_ends_the_one_before(street: Street) -> None:
    await street.say(street.sign("arrived", "Z1-001", at("09:00"), plate="豫A11111"))
    await street.say(street.sign("occupied", "Z1-001", at("09:30")))
    await street.say(street.sign("arrived", "Z1-001", at("10:30"), plate="豫A22222"))
    first, second = await street.sessions()
    assert (minutes(first), first.ending) == (30.0, Ending.TAKEN)
    assert second.left_at is None


async def test_what_is_sent_again_is_known_and_changes_nothing(street: Street) -> None:
    sign = street.sign("arrived", "Z1-001", at("09:00"), plate="豫A11111")
    first = await street.say(sign)
    head = await street.services.store.head()
    assert await street.say(sign) == first
    assert await street.services.store.head() == head


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"occurred_at": at("09:01")}, "parking-detection-ref-reused"),
        ({"plate": "豫A22222"}, "parking-detection-ref-reused"),
        ({"ref": "other", "place_id": "Z9-001"}, "parking-place-unknown"),
        ({"ref": "other", "device_id": "c-9"}, "not-your-device"),
        ({"ref": "other", "device_id": "b-1"}, "not-your-device"),
        ({"ref": "other", "plate": "豫AI12345"}, "plate-letter-unused"),
        ({"ref": "other", "occurred_at": at("12:10")}, "time-out-of-order"),
    ],
)
async def test_one_bad_item_costs_no_other(
    street: Street, changed: dict[str, Any], code: str
) -> None:
    sign = street.sign("arrived", "Z1-001", at("09:00"), plate="豫A11111")
    await street.say(sign)
    good = street.sign("left", "Z1-001", at("09:30"), plate="豫A11111")
    commands = [RecordParkingDetection.model_validate(each) for each in (sign | changed, good)]
    refused, taken = await record_detections(commands, context(WATCHER), street.services)
    assert isinstance(refused, CitybrainError)
    assert refused.code == code
    assert not isinstance(taken, CitybrainError)


async def test_only_devices_say_what_they_see(street: Street) -> None:
    sign = street.sign("arrived", "Z1-001", at("09:00"))
    command = RecordParkingDetection.model_validate(sign)
    for actor in (
        Actor("official-1", frozenset({Role.OFFICIAL}), "parking"),
        Actor("c-9", frozenset({Role.CAMERA})),
    ):
        (refused,) = await record_detections([command], context(actor), street.services)
        assert isinstance(refused, CitybrainError)
        assert refused.code in ("role-not-allowed", "not-your-device")


async def test_signs_that_are_of_no_session_are_forgotten(street: Street) -> None:
    """An empty berth, a charger without a car, a gate; not whoever may stand there still."""
    signs: tuple[tuple[str, str | None, dict[str, Any]], ...] = (
        ("empty", "Z1-001", {}),
        ("charging-ended", "Z1-002", {}),
        ("lost", None, {"device_id": "c-2"}),
        ("arrived", GARAGE, {}),  # its plate was not read
        ("counted", GARAGE, {"opening": "o-1", "vehicles": 1}),
        ("blocked", GARAGE, {"cause": "queue"}),
        ("cleared", GARAGE, {}),
        ("blocked", GARAGE, {"cause": "queue"}),
        ("arrived", "Z1-003", {"plate": "豫A12345"}),
        ("occupied", "Z1-003", {"plate": "豫A12345"}),
    )
    await street.say(
        *(
            street.sign(sign, place, at(f"09:{minute:02}"), **said)
            for minute, (sign, place, said) in enumerate(signs)
        )
    )
    known = "SELECT count(*) FROM parking_signs"
    pool = street.services.store.pool
    told = await pool.fetchval(known)
    await street.process.tick(street.services)
    assert await pool.fetchval(known) == told > len(signs)  # what is lost is of nine berths
    street.clock(at("12:00") + timedelta(days=365 * 9))
    await street.process.tick(street.services)
    kept = await pool.fetch("SELECT place, sign FROM parking_signs ORDER BY at")
    assert [(row["place"], row["sign"]) for row in kept] == [
        (f"{GARAGE}|", "blocked"),
        ("Z1-003", "arrived"),
        ("Z1-003", "occupied"),
    ]
    await street.say(street.sign("left", "Z1-003", at("10:00"), plate="豫A12345"))
    assert minutes(await street.one()) == 52

"""A berth corrected by hand: a sign of an officer, from which follows what does from a device's."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest

from citybrain.domain.actor import Actor, Role, RoleNotAllowed
from citybrain.domain.parking.detection import ParkingDetection
from citybrain.domain.parking.presence import Beginning, Ending
from citybrain.domain.parking.refusals import NotApartInParking
from citybrain.domain.times import TimeOutOfOrder
from citybrain.settings import Settings
from commands.handling import CommandContext, KeyReused
from commands.parking import by_hand, looking
from commands.parking.by_hand import CorrectBerth, correct_berth
from commands.parking.detection import Recorded
from commands.parking.places import UnknownPlace
from tests.given.driving import services_with_clock
from tests.given.parking.charged_city import CAR, OFFICER
from tests.given.parking.city import GARAGE, Street, at
from tests.given.services import context

BERTH = "Z1-001"


@pytest.fixture
async def street(settings: Settings) -> AsyncIterator[Street]:
    async with services_with_clock(settings) as services:
        yield await Street.open(services, at("12:00"))


async def correct(
    street: Street,
    state: str,
    since: str,
    actor: Actor = OFFICER,
    place: str = BERTH,
    by: CommandContext | None = None,
    **said: Any,
) -> Recorded:
    body = {"state": state, "since": at(since), "reason": "seen-on-the-spot"} | said
    command = CorrectBerth.model_validate(body)
    found = await correct_berth(place, command, by or context(actor), street.services)
    await street.follow()
    return found


async def test_free_ends_the_stay_then_and_says_who_and_why(street: Street) -> None:
    await street.say(street.sign("arrived", BERTH, at("09:00"), plate=CAR))
    said = await correct(street, "free", "09:40", reason="seen-in-pictures")
    session = await street.one()
    assert (session.left_at, session.ending) == (at("09:40"), Ending.BY_HAND)
    assert session.detection_ids[-1] == said.detection_id
    sign = await street.services.store.load(ParkingDetection, said.detection_id)
    assert (sign.by_hand, sign.said_by, sign.reason) == (True, OFFICER.subject, "seen-in-pictures")
    assert sign.plate is None


async def test_occupied_begins_a_stay_without_a_plate(street: Street) -> None:
    await correct(street, "occupied", "09:00")
    session = await street.one()
    assert (session.arrived_at, session.beginning) == (at("09:00"), Beginning.FOUND)
    assert (session.plate, session.left_at) == (None, None)
    await street.say(street.sign("left", BERTH, at("09:50")))
    session = await street.one()
    assert session.why_held == ("plate-not-read", {})


async def test_occupied_where_somebody_stands_is_a_proof_and_no_other_vehicle(
    street: Street,
) -> None:
    await street.say(street.sign("arrived", BERTH, at("09:00"), plate=CAR))
    await correct(street, "occupied", "10:00")
    await street.say(street.sign("empty", BERTH, at("11:00")))
    session = await street.one()
    assert (session.left_at, session.ending) == (at("10:00"), Ending.NOT_SEEN)


async def test_what_is_final_has_it_as_evidence_and_moves_no_money(street: Street) -> None:
    await street.say(
        street.sign("arrived", BERTH, at("09:00"), plate=CAR),
        street.sign("left", BERTH, at("11:00"), plate=CAR),
    )
    street.clock(at("12:00") + timedelta(minutes=30))
    said = await correct(street, "free", "10:00")
    session = await street.one()
    assert (session.left_at, session.late_signs[said.detection_id]["sign"]) == (
        at("11:00"),
        "empty",
    )


async def test_nobody_corrects_a_berth_on_which_their_own_vehicle_stands(
    street: Street, monkeypatch: pytest.MonkeyPatch
) -> None:
    await street.say(street.sign("arrived", BERTH, at("09:00"), plate=CAR))

    async def holder_at(*_: Any) -> str:
        return OFFICER.subject

    monkeypatch.setattr(looking, "holder_at", holder_at)
    for state in ("free", "occupied"):
        with pytest.raises(NotApartInParking):
            await correct(street, state, "09:30")
    session = await street.one()
    assert session.left_at is None
    await correct(street, "free", "09:30", place="Z1-002")  # another berth is


async def test_said_twice_under_one_key_it_is_said_once(street: Street) -> None:
    by = context(OFFICER)._replace(idempotency_key="k-1")
    first = await correct(street, "occupied", "09:00", by=by)
    again = await correct(street, "occupied", "09:00", by=by)
    assert (first.known, again.known) == (False, True)
    assert again.detection_id == first.detection_id
    with pytest.raises(KeyReused):
        await correct(street, "free", "09:00", by=by)


@pytest.mark.parametrize(
    "actor",
    [
        Actor("officer-9", frozenset({Role.OFFICIAL}), "housing-fund"),
        Actor("c-1", frozenset({Role.CAMERA})),
        Actor("citizen-1", frozenset({Role.CITIZEN})),
    ],
)
async def test_only_officers_of_parking_correct(street: Street, actor: Actor) -> None:
    with pytest.raises(RoleNotAllowed):
        await correct(street, "free", "09:00", actor)


async def test_only_berths_in_use_and_nothing_to_come_are_corrected(street: Street) -> None:
    for place in (GARAGE, "Z9-001", "c-1"):
        with pytest.raises(UnknownPlace):
            await correct(street, "free", "09:00", place=place)
    with pytest.raises(TimeOutOfOrder):
        await correct(street, "free", "12:30")
    assert await street.sessions() == []


def test_every_state_has_its_sign() -> None:
    assert set(by_hand.SIGN_OF) == set(by_hand.BerthSeen)

"""Tractor in, trailer plate out: nothing is opened or priced for a trailer, and pairs are kept."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest

from citybrain.domain.actor import Actor, Role, RoleNotAllowed
from citybrain.domain.parking.detection import NotACandidate, ParkingDetection
from citybrain.domain.parking.refusals import NotApartInParking
from citybrain.domain.parking.session import ParkingSession
from citybrain.domain.parking.trailer import ParkingTrailer
from citybrain.settings import Settings
from commands.parking import looking
from commands.parking.pricing import OtherStays, price_of
from commands.parking.trailers import MatchTrailer, match_trailer
from projections.parking.session_ids import of_plate
from tests.given.driving import services_with_clock
from tests.given.parking.charged_city import OFFICER
from tests.given.parking.city import GARAGE, Street, at
from tests.given.services import context

TRACTOR, TRAILER = "豫A3T721", "豫A0582挂"
NEXT = "2026-09-15"


@pytest.fixture
async def street(settings: Settings) -> AsyncIterator[Street]:
    async with services_with_clock(settings) as services:
        yield await Street.open(services, at("12:00"))


async def drives_in(street: Street, day: str = "2026-09-14", plate: str = TRACTOR) -> None:
    await street.say(street.sign("arrived", GARAGE, at("08:00", day), plate=plate))


async def drives_out(street: Street, day: str = "2026-09-14") -> str:
    said = {"plate": TRAILER, "confidence": 95, "opening": f"o-{day}"}
    sign, _ = await street.say(
        street.sign("left", GARAGE, at("09:10", day), **said),
        street.sign("counted", GARAGE, at("09:10", day), opening=f"o-{day}", vehicles=1),
    )
    return sign


async def unmatched(street: Street, sign: str) -> ParkingDetection:
    """The order window is over, and its vehicle is not known."""
    street.clock(street.services.clock() + timedelta(days=365 * 9))
    await street.process.tick(street.services)
    street.clock(at("12:00"))
    return await street.services.store.load(ParkingDetection, sign)


async def match(
    street: Street, sign: str, session: ParkingSession, by: Actor = OFFICER
) -> ParkingSession:
    command = MatchTrailer(session_id=session.id)
    await match_trailer(sign, command, context(by), street.services)
    await street.follow()
    return await street.services.store.load(ParkingSession, session.id)


async def test_p09_tractor_in_trailer_plate_out(street: Street) -> None:
    await drives_in(street)
    sign = await drives_out(street)
    session = await street.one()  # none of the trailer
    assert session.left_at is None
    exit_ = await unmatched(street, sign)
    assert exit_.unmatched == "no-arrival"
    assert (exit_.candidates, exit_.proposed) == ([session.id], session.id)
    session = await match(street, sign, session)
    assert (session.left_at, session.why_held) == (at("09:10"), None)
    assert len(session.readings) == 1  # the trailer's plate is none of the tractor
    assert (await price_of(session, street.services, OtherStays(of_plate))).amount_fen == 600
    exit_ = await street.services.store.load(ParkingDetection, sign)
    assert (exit_.session_id, exit_.unmatched) == (session.id, None)


async def test_p09_the_pair_is_remembered_for_later_visits(street: Street) -> None:
    await drives_in(street)
    sign = await drives_out(street)
    await unmatched(street, sign)
    await match(street, sign, await street.one())
    street.clock(at("12:00", NEXT))
    await drives_in(street, NEXT)
    sign = await drives_out(street, NEXT)
    _, session = await street.sessions()
    assert (session.left_at, session.why_held) == (at("09:10", NEXT), None)
    exit_ = await street.services.store.load(ParkingDetection, sign)
    assert (exit_.session_id, exit_.candidates) == (session.id, [])


async def test_p09_of_several_vehicles_none_is_proposed(street: Street) -> None:
    await drives_in(street)
    await drives_in(street, plate="豫A3T722")
    exit_ = await unmatched(street, await drives_out(street))
    assert len(exit_.candidates) == 2
    assert exit_.proposed is None


async def test_p09_a_trailer_that_is_read_coming_in_opens_nothing(street: Street) -> None:
    await street.say(street.sign("arrived", GARAGE, at("08:00"), plate=TRAILER))
    assert await street.sessions() == []


async def test_a_trailer_that_stands_on_a_berth_is_a_vehicle_there(street: Street) -> None:
    await street.say(street.sign("arrived", "Z1-001", at("08:00"), plate=TRAILER))
    session = await street.one()
    assert (session.plate or {})["plate_class"] == "trailer"


async def test_only_officers_of_parking_match_and_only_candidates(
    street: Street, monkeypatch: pytest.MonkeyPatch
) -> None:
    await drives_in(street)
    sign = await drives_out(street)
    await unmatched(street, sign)
    session = await street.one()
    await street.say(street.sign("arrived", "Z1-001", at("08:00"), plate="豫A11111"))
    (other,) = [each for each in await street.sessions() if each.id != session.id]
    with pytest.raises(NotACandidate):
        await match(street, sign, other)
    for actor in (
        Actor("x", frozenset({Role.OFFICIAL}), "police"),
        Actor("citizen-1", frozenset({Role.CITIZEN})),
    ):
        with pytest.raises(RoleNotAllowed):
            await match(street, sign, session, actor)

    async def holder_at(*_: Any) -> str:
        return OFFICER.subject

    with monkeypatch.context() as patched:
        patched.setattr(looking, "holder_at", holder_at)
        with pytest.raises(NotApartInParking):
            await match(street, sign, session)
    await match(street, sign, session)
    with pytest.raises(NotACandidate):
        await match(street, sign, other)
    plate = (await street.services.store.load(ParkingDetection, sign)).plate
    trailer = ParkingTrailer.id_of((plate or {})["plate_id"])
    known = await street.services.store.load(ParkingTrailer, trailer)
    assert known.drawn_by == [session.plate_id]

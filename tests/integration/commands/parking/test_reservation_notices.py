"""What citizens are told of their reservations, and whoever stands in the way: once, no plate."""

from dataclasses import dataclass, field
from functools import partial
from uuid import UUID

import pytest

from citybrain.eventstore import EventStore
from commands.parking.plates import PlateKeeper
from commands.parking.processes import reservation_notices
from commands.parking.processes.reservation_notices import ReservationNotices
from commands.parking.reservations import CancelReservation, cancel_reservation
from commands.processes.runner import context_of
from tests.given.parking.plates import plate
from tests.given.parking.reservations import BERTH, OFFICER
from tests.given.parking.reserving import Street, sent

ANNAS, OTHERS = "+86 371 5555 0150", "+86 371 5555 0151"


@dataclass
class Phones:
    """What was sent to whom."""

    sent: list[tuple[str, str]] = field(default_factory=list)

    async def send(self, phone: str, text: str, message_id: UUID) -> None:
        self.sent.append((phone, text))


@pytest.fixture
async def street(store: EventStore) -> Street:
    opened = await Street.open(store)
    opened.services.notifier = Phones()
    return opened


async def told(street: Street, one: str) -> list[tuple[str, str]]:
    """The messages that all that happened to a reservation leads to."""
    phones, process = Phones(), ReservationNotices()
    street.services.notifier = phones
    for event in await street.services.store.read(one):
        if event.topic in process.topics:
            await process.react(event, street.services, partial(context_of, process, event))
    return phones.sent


async def test_p51_both_are_told_once(street: Street, monkeypatch: pytest.MonkeyPatch) -> None:
    anna, other = await street.citizen(ANNAS), await street.citizen(OTHERS)
    in_the_way = await PlateKeeper(street.services).seal(plate("豫A8X800"))

    async def holder_at(plate_id: str, *_: object) -> str | None:
        return other.subject if plate_id == in_the_way.plate_id else None

    monkeypatch.setattr(reservation_notices, "holder_at", holder_at)
    street.at("13:00")
    one = await street.reserved(anna)
    street.at("13:55:02")
    for _ in range(2):
        await street.comes("豫A8X800", BERTH, "13:55")
    confirmed, taken, theirs = await told(street, one)
    assert (confirmed[0], taken[0], theirs[0]) == (ANNAS, ANNAS, OTHERS)
    assert "09-14 14:00" in confirmed[1]
    assert "no cost" in taken[1]
    assert BERTH in theirs[1]
    assert all("豫" not in text for _, text in (confirmed, taken, theirs))


async def test_who_has_no_bound_plate_is_not_told(street: Street) -> None:
    street.at("13:00")
    one = await street.reserved(await street.citizen(ANNAS))
    street.at("13:55")
    await street.comes("豫A8X800", BERTH, "13:55")
    assert [phone for phone, _ in await told(street, one)] == [ANNAS, ANNAS]


async def test_what_they_did_themselves_is_not_told(street: Street) -> None:
    anna = await street.citizen(ANNAS)
    one = await street.hold(anna)
    await cancel_reservation(one, CancelReservation(), sent(anna), street.services)
    assert await told(street, one) == []
    two = await street.hold(anna, berth="Z1-001")
    await cancel_reservation(two, CancelReservation(), sent(OFFICER), street.services)
    ((phone, text),) = await told(street, two)
    assert (phone, "had to cancel" in text) == (ANNAS, True)


async def test_who_has_no_phone_or_was_erased_holds_up_nobody(street: Street) -> None:
    for berth, phone in (("Z1-001", None), ("Z1-002", OTHERS)):
        somebody = await street.citizen(phone)
        one = await street.reserved(somebody, berth=berth)
        await street.services.vault.erase(somebody.subject)
        assert await told(street, one) == []

"""The places as commands look them up: as of a moment, seldom asked of the database, bounded."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from citybrain.domain.actor import NotYourDevice
from citybrain.eventstore import EventStore
from commands.parking import places as module
from commands.parking.places import PlaceBook, UnknownPlace, place_book
from commands.services import Services
from tests.given.parking.places import BEGIN, block, facility, registered, zone
from tests.given.read_models import append
from tests.given.services import services_over

NOW = datetime(2026, 9, 1, tzinfo=UTC)
SOON = datetime(2026, 9, 10, tzinfo=UTC)


@pytest.fixture
async def services(store: EventStore) -> Services:
    found = services_over(store)
    found.clock = lambda: NOW
    await registered(found, *block())
    return found


async def test_a_berth_has_what_follows_from_its_zone(services: Services) -> None:
    book = place_book(services)
    found = await book.place("Z2-001", NOW)
    assert (found.zone_id, found.area_id, found.tariff_zone) == ("Z2", "410105", "2")
    for other, at in (("Z2-009", NOW), ("Z2", NOW), ("Z2-001", BEGIN - timedelta(seconds=1))):
        with pytest.raises(UnknownPlace):
            await book.place(other, at)
    assert (await book.facility("G1", NOW)).capacity == 200
    with pytest.raises(UnknownPlace):
        await book.facility("Z2-001", NOW)


async def test_it_answers_as_of_any_moment(services: Services) -> None:
    await registered(services, zone("Z1", 3, tariff_zone="3", valid_from=SOON))
    book = place_book(services)
    before = await book.place("Z1-001", SOON - timedelta(seconds=1))
    assert (before.tariff_zone, (await book.place("Z1-001", SOON)).tariff_zone) == ("1", "3")


async def test_a_device_reports_of_what_it_watches(services: Services) -> None:
    book = place_book(services)
    await book.check_watches("C1", "Z1-001", NOW)
    for device, place in (("C1", "Z2-001"), ("C9", "Z1-001"), ("L1", "Z1-001"), ("G1", "Z1-001")):
        with pytest.raises(NotYourDevice):
            await book.check_watches(device, place, NOW)
    with pytest.raises(UnknownPlace):
        await book.check_watches("C1", "Z1", NOW)


class Counting:
    """An event store that counts what it is asked."""

    def __init__(self, store: EventStore) -> None:
        self._store = store
        self.asked: list[str] = []

    def __getattr__(self, name: str) -> Any:
        if name in ("head", "read_all", "read_streams"):
            self.asked.append(name)
        return getattr(self._store, name)


async def test_what_is_known_is_not_asked_again(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "LOOK_SECONDS", 3600)
    counting: Any = Counting(services.store)
    book = PlaceBook(counting)
    names = [each["place_id"] for each in block()]
    await book.find([*names, "nothing"])
    assert counting.asked.count("read_streams") == 1
    counting.asked.clear()
    for _ in range(100):
        assert sorted(await book.find([*names, "nothing"])) == sorted(names)
    assert counting.asked == []


async def test_many_who_ask_at_once_look_once(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "LOOK_SECONDS", 3600)
    counting: Any = Counting(services.store)
    book = PlaceBook(counting)
    names = [each["place_id"] for each in block()]
    await asyncio.gather(*(book.find(names, fresh=True) for _ in range(20)))
    assert counting.asked.count("read_streams") == 1
    assert counting.asked.count("head") <= 1
    await book.find(["nothing"])
    counting.asked.clear()
    await asyncio.gather(*(book.find(["nothing"], fresh=True) for _ in range(20)))
    assert counting.asked.count("head") <= 2  # for the first, and for all who came meanwhile


async def test_changes_of_other_processes_are_seen(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "LOOK_SECONDS", 3600)
    other = PlaceBook(services.store)
    assert await other.find(["G2"]) == {}
    await registered(services, facility("G2"))
    assert await other.find(["G2"]) == {}, "for a second at most"
    assert sorted(await other.find(["G2"], fresh=True)) == ["G2"]
    for number, far in enumerate((20_000, 0)):
        monkeypatch.setattr(module, "FAR", far)
        monkeypatch.setattr(module, "LOOK_SECONDS", 3600)
        await append(services.store, "lamp-1")
        at = SOON + timedelta(days=number)
        await registered(services, facility("G2", capacity=number, valid_from=at))
        assert (await other.facility("G2", at)).capacity != number
        monkeypatch.setattr(module, "LOOK_SECONDS", 0)
        assert (await other.facility("G2", at)).capacity == number


async def test_what_this_process_changes_is_seen_at_once(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "LOOK_SECONDS", 3600)
    book = place_book(services)
    assert (await book.facility("G1", SOON)).capacity == 200
    await registered(services, facility("G1", capacity=9, valid_from=SOON))
    assert (await book.facility("G1", SOON)).capacity == 9


async def test_it_never_keeps_more_than_its_bound(services: Services) -> None:
    book = PlaceBook(services.store, most=3)
    names = [each["place_id"] for each in block()]
    assert sorted(await book.find(names)) == sorted(names)
    assert len(book) == 3
    for number in range(50):
        assert await book.find([f"nothing-{number}"]) == {}
    assert len(book) == 3
    assert (await book.place("Z1-001", NOW)).zone_id == "Z1"


async def test_a_process_has_one_book(services: Services) -> None:
    assert place_book(services) is place_book(services)
    assert place_book(services) is not place_book(services_over(services.store))

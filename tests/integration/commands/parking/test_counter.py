"""Counts of free places: each durable for itself, once, by whoever counts there."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from citybrain.domain.actor import Actor, NotYourDevice, Role
from citybrain.domain.parking.counter import CounterReadingDiffers, ParkingCounter, stream_of_day
from citybrain.domain.times import TimeOutOfOrder
from citybrain.errors import CitybrainError
from citybrain.eventstore import EventStore, WrongExpectedVersion
from commands.parking.counter import Recorded, read_counter
from commands.parking.places import UnknownPlace
from commands.services import Services
from tests.given.parking.counts import COUNTER, NINE, reading, said
from tests.given.parking.places import block, facility, registered
from tests.given.services import context, services_over

DAY = "2026-09-14"


@pytest.fixture
async def services(store: EventStore) -> Services:
    found = services_over(store)
    found.clock = lambda: NINE + timedelta(hours=24)
    await registered(found, *block())
    return found


async def counted(services: Services, day: str = DAY) -> list[int | None]:
    """What is kept of the garage's day, in the order of time."""
    found = await services.store.load(ParkingCounter, stream_of_day("G1", day))
    return [free for _, free in sorted(found.readings.items())]


def outcomes(found: list[Any]) -> list[Any]:
    return [each.known if isinstance(each, Recorded) else type(each) for each in found]


async def test_readings_are_durable_once_whatever_order_they_come_in(services: Services) -> None:
    batch = [reading(40), reading(30, 60 * 15), reading(-2, 5), reading(None, 10), reading(479, 15)]
    assert outcomes(await said(services, *batch)) == [False] * 5
    assert await counted(services) == [40, -2, None, 479]
    assert await counted(services, "2026-09-15") == [30]
    head = await services.store.head()
    again = await said(services, *reversed(batch))
    assert outcomes(again) == [True] * 5
    assert await services.store.head() == head
    first = again[-1]
    assert isinstance(first, Recorded)
    assert (first.state, first.position) == ("known", head)


async def test_one_bad_item_costs_no_other(services: Services) -> None:
    await said(services, reading(40))
    found = await said(
        services,
        reading(41),
        reading(42, 1),
        reading(42, 2, "G9"),
        reading(42, 3, "Z1-001"),
        reading(42, 4, device_id="C1"),
        reading(42, 60 * 48),
        reading(43, 1),
        reading(44, 5),
    )
    assert outcomes(found) == [
        CounterReadingDiffers,
        False,
        UnknownPlace,
        UnknownPlace,
        NotYourDevice,
        TimeOutOfOrder,
        CounterReadingDiffers,
        False,
    ]
    assert await counted(services) == [40, 42, 44]


async def test_what_is_refused_alone_opens_no_day(services: Services) -> None:
    head = await services.store.head()
    await said(services, reading(40, facility_id="G9"))
    assert await services.store.head() == head


async def test_a_device_that_does_not_watch_a_facility_counts_nothing_there(
    services: Services,
) -> None:
    await registered(services, facility("G2"))
    with pytest.raises(NotYourDevice):
        await read_counter(reading(1, facility_id="G2"), context(COUNTER), services)
    camera = Actor("C1", frozenset({Role.CAMERA}))
    with pytest.raises(NotYourDevice):
        await read_counter(reading(1, device_id="C1"), context(camera), services)


async def test_a_reading_names_what_decided_what_it_is_worth(services: Services) -> None:
    """By what was known of the facility at the time of the reading."""
    later = NINE + timedelta(minutes=30)
    await registered(
        services, facility("G1", capacity=20, sentinels=[-1], drift=0, valid_from=later)
    )
    await said(services, reading(40), reading(40, 30), reading(-1, 5), reading(-1, 31))
    events = await services.store.read(stream_of_day("G1", DAY))
    worth = [
        (event.data["capacity"], event.data["state"], event.data["anomaly"]) for event in events[1:]
    ]
    assert worth == [
        (200, "known", None),
        (20, "unknown", "free-above-capacity"),
        (200, "full-counter-off", "counter-off"),
        (20, "unknown", "sentinel"),
    ]
    assert events[2].data["counting_version"].startswith(later.astimezone(UTC).isoformat())


async def test_who_is_faster_costs_nobody_a_reading(services: Services) -> None:
    batches = [[reading(n, n + 60 * batch) for n in range(20)] for batch in range(8)]
    same = [reading(7, 999) for _ in range(8)]
    found = await asyncio.gather(
        *(said(services, *batch, one) for batch, one in zip(batches, same, strict=True))
    )
    assert all(isinstance(each, Recorded) for batch in found for each in batch)
    assert sum(outcomes(batch).count(False) for batch in found) == 161
    kept = await counted(services) + await counted(services, "2026-09-15")
    assert len(kept) == 161


async def test_a_store_that_is_always_faster_is_told(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def never(counter: ParkingCounter, **_: Any) -> None:
        raise WrongExpectedVersion(counter.id, 0, 1)

    monkeypatch.setattr(services.store, "save", never)
    (found,) = await said(services, reading(1))
    assert isinstance(found, CitybrainError)
    assert found.code == "too-contended"


async def test_times_are_kept_in_utc(services: Services) -> None:
    at = datetime.fromisoformat("2026-09-14T09:00:00+08:00")
    await said(services, reading(40, occurred_at=at))
    assert outcomes(await said(services, reading(40))) == [True]

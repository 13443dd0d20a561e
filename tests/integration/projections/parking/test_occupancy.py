"""Occupancy of facilities as of any moment; rebuilt as it is."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from citybrain.domain.actor import Actor, Role
from citybrain.domain.parking.barrier import Way
from citybrain.domain.parking.presence import Sign
from citybrain.eventstore import EventStore
from citybrain.systems import projection_named
from commands.parking.detection import RecordParkingDetection, record_detections
from commands.services import Services
from projections.parking import occupancy
from projections.rebuild import compare
from tests.given.parking.counts import COUNTER, NINE, reading, said
from tests.given.parking.places import block, camera, facility, registered
from tests.given.read_models import project
from tests.given.services import context, services_over

MODELS = ("parking_places", "parking_occupancy")
DAY = timedelta(days=1)
L2 = Actor("L2", frozenset({Role.CAMERA}))


@pytest.fixture
async def services(store: EventStore) -> Services:
    found = services_over(store)
    found.clock = lambda: NINE + 2 * DAY
    await registered(
        found, *block(), facility("G2", None), camera("L2", "G2"), facility("G3", capacity=10)
    )
    return found


async def as_of(services: Services, at: datetime, facility_id: str = "G1") -> dict[str, Any]:
    (found,) = await occupancy.facilities(services.store.pool, at, ids=[facility_id], limit=1)
    return found


async def rows(store: EventStore) -> list[list[dict[str, Any]]]:
    """All that the read model has."""
    return [
        [dict(row) for row in await store.pool.fetch(query)]
        for query in (
            "SELECT * FROM parking_occupancy.readings ORDER BY place_id, read_at",
            "SELECT * FROM parking_occupancy.passages ORDER BY place_id, at, sign_id",
        )
    ]


async def counted(services: Services, *numbers: int) -> None:
    """What a loop counts, a third time of each opening, in and out."""
    signs = [
        RecordParkingDetection(
            device_id="L1",
            ref=f"loop-{number}",
            sign=Sign.COUNTED,
            place_id="G1",
            occurred_at=NINE + timedelta(minutes=97 * number),
            opening=f"o-{number // 3}",
            vehicles=number % 3,
            way=(Way.IN, Way.OUT)[number % 2],
        )
        for number in numbers
    ]
    await record_detections(signs, context(COUNTER), services)


async def test_one_at_a_time_and_all_at_once_and_a_rebuild_are_the_same(services: Services) -> None:
    store = services.store
    for start in range(0, 40, 10):
        numbers = range(start, start + 10)
        await said(services, *(reading(n % 7 - 2, 97 * n) for n in reversed(numbers)))
        await counted(services, *reversed(numbers))
    await project(store, *MODELS)
    at_once = await rows(store)
    assert (await compare(store, projection_named("parking_occupancy"))).equal
    await store.pool.execute("DROP SCHEMA parking_occupancy CASCADE")
    await store.pool.execute("DELETE FROM projection_checkpoints WHERE projection = $1", MODELS[1])
    await project(store, "parking_occupancy", batch=1)
    assert await rows(store) == at_once
    assert [len(each) for each in at_once] == [30, 30], "what lies in the future was refused"
    assert {row["places"] for row in at_once[1]} == {-2, -1, 0, 1, 2}


async def test_p58_a_silent_counter_shows_its_last_count_as_stale(services: Services) -> None:
    await said(services, reading(40))
    await project(services.store, *MODELS)
    found = []
    for minutes, seconds in ((14, 59), (15, 0)):
        row = await as_of(services, NINE + timedelta(minutes=minutes, seconds=seconds))
        found.append((row["state"], row["free"], row["occupancy"], row["counted_at"]))
    assert found == [("known", 40, 0.8, NINE), ("stale", 40, None, NINE)]
    services.clock = lambda: NINE + 3 * DAY
    then = await as_of(services, NINE + timedelta(minutes=14, seconds=59))
    assert then["state"] == "known", "asked tomorrow, it is what it was"
    before = await as_of(services, NINE - timedelta(seconds=1))
    assert (before["state"], before["free"], before["counted_at"]) == ("unknown", None, None)


async def test_p57_what_is_reported_is_shown_and_what_it_is_worth(services: Services) -> None:
    await said(services, *(reading(n, at) for at, n in enumerate((-3, -6, 250, None, 200))))
    await said(services, reading(479, facility_id="G2", device_id="L2"), actor=L2)
    await project(services.store, *MODELS)
    rows = await occupancy.readings(services.store.pool, "G1", NINE, NINE + DAY, limit=9)
    assert [(r["free"], r["state"], r["anomaly"], r["off_by"], r["occupancy"]) for r in rows] == [
        (-3, "full-counter-off", "counter-off", 3, 1.0),
        (-6, "unknown", "counter-drifted", 6, None),
        (250, "unknown", "free-above-capacity", 0, None),
        (None, "unknown", "count-missing", 0, None),
        (200, "known", None, 0, 0.0),
    ]
    other = await as_of(services, NINE, "G2")
    assert (other["free"], other["state"], other["occupancy"]) == (479, "known", None)


async def test_a_late_reading_takes_its_place(services: Services) -> None:
    await said(services, reading(40), reading(20, 10))
    await said(services, reading(30, 5))
    await project(services.store, *MODELS)
    frees = [
        (await as_of(services, NINE + timedelta(minutes=minutes)))["free"]
        for minutes in (4, 5, 9, 10)
    ]
    assert frees == [40, 30, 30, 20]


async def test_facilities_come_by_id_in_pages(services: Services) -> None:
    await project(services.store, *MODELS)
    pool = services.store.pool
    every = await occupancy.facilities(pool, NINE, limit=9)
    assert [row["place_id"] for row in every] == ["G1", "G2", "G3"]
    rest = await occupancy.facilities(pool, NINE, after="G1", limit=1)
    assert [row["place_id"] for row in rest] == ["G2"]
    assert await occupancy.facilities(pool, NINE, parent="410105", limit=9) == []
    assert await occupancy.facilities(pool, NINE, box=(0, 0, 1, 1), limit=9) == []


async def test_counts_to_compute_with_begin_with_the_one_that_held(services: Services) -> None:
    await said(services, reading(40, -30), reading(30, 0), reading(20, 10))
    await project(services.store, *MODELS)
    found = await occupancy.counts(services.store.pool, "G1", NINE, NINE + timedelta(minutes=10))
    assert [count.free for count in found] == [40, 30]

"""Places as of a moment: by id, in a box, around a point; rebuilt as they are."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from citybrain.eventstore import EventStore
from citybrain.geo.distance import metres_between
from citybrain.systems import projection_named
from projections.parking import places
from projections.parking.places import WantedPlaces
from projections.rebuild import compare
from tests.given.parking.places import EAST, NORTH, berth, block, facility, registered, zone
from tests.given.read_models import project
from tests.given.services import services_over

MODEL = "parking_places"
NOW = datetime(2026, 9, 1, tzinfo=UTC)
SOON = datetime(2026, 9, 10, tzinfo=UTC)
INSTANT = timedelta(milliseconds=1)


@pytest.fixture
async def known(store: EventStore) -> EventStore:
    """A block of which one zone is drawn anew and a garage changes, is closed, and opens again."""
    services = services_over(store)
    services.clock = lambda: NOW
    await registered(services, *block())
    await registered(
        services,
        zone("Z1", 3, retired=True, valid_from=SOON),
        zone("Z1b", 3, valid_from=SOON, previous=["Z1"], geometry=zone("Z1", 4)["geometry"]),
        *(berth("Z1", n) | {"parent": "Z1b", "valid_from": SOON} for n in (1, 2, 3)),
        facility("G1", capacity=9, valid_from=SOON),
        facility("G1", retired=True, valid_from=SOON + timedelta(days=1)),
        facility("G1", capacity=11, valid_from=SOON + timedelta(days=2)),
    )
    return store


async def ids(store: EventStore, at: datetime, **wanted: Any) -> list[str]:
    rows = await places.page(store.pool, at, WantedPlaces(**wanted), limit=99)
    return [row["place_id"] for row in rows]


async def test_one_at_a_time_and_all_at_once_and_a_rebuild_are_the_same(known: EventStore) -> None:
    await project(known, MODEL)
    query = "SELECT * FROM parking_places.places ORDER BY place_id, valid_from"
    at_once = [dict(row) for row in await known.pool.fetch(query)]
    assert (await compare(known, projection_named(MODEL))).equal
    await known.pool.execute(f"DROP SCHEMA {MODEL} CASCADE")
    await known.pool.execute("DELETE FROM projection_checkpoints")
    await project(known, MODEL, batch=1)
    assert [dict(row) for row in await known.pool.fetch(query)] == at_once
    assert len(at_once) == 20


async def test_p65_a_zone_that_was_redrawn(known: EventStore) -> None:
    await project(known, MODEL)
    assert await ids(known, SOON - INSTANT, kinds=["zone"]) == ["Z1", "Z2"]
    assert await ids(known, SOON, kinds=["zone"]) == ["Z1b", "Z2"], "the end is not included"
    assert await ids(known, SOON - INSTANT, parent="Z1") == ["Z1-001", "Z1-002", "Z1-003"]
    assert await ids(known, SOON, parent="Z1") == []
    rows = await places.versions(known.pool, ["Z1", "Z1b"])
    assert [(row["place_id"], row["previous"], row["retired"]) for row in rows] == [
        ("Z1", [], False),
        ("Z1", [], True),
        ("Z1b", ["Z1"], False),
    ]
    assert rows[0]["valid_until"] == rows[1]["valid_from"] == rows[2]["valid_from"] == SOON
    assert rows[0]["geometry"] != rows[2]["geometry"]


async def test_places_are_as_they_were(known: EventStore) -> None:
    await project(known, MODEL)
    capacities = []
    for days in (-1, 0, 1, 2):
        rows = await places.page(
            known.pool, SOON + timedelta(days=days), WantedPlaces(kinds=["facility"]), limit=9
        )
        capacities.append([row["capacity"] for row in rows])
    assert capacities == [[200], [9], [], [11]]
    assert await ids(known, NOW, watching="Z1-002") == ["C1"]
    assert await ids(known, datetime(2020, 1, 1, tzinfo=UTC)) == []


async def test_places_come_in_pages_and_in_a_box(known: EventStore) -> None:
    await project(known, MODEL)
    every = await ids(known, NOW)
    assert every == sorted(each["place_id"] for each in block())
    paged: list[str] = []
    while rows := await places.page(known.pool, NOW, after=paged[-1] if paged else None, limit=5):
        paged += [row["place_id"] for row in rows]
    assert paged == every
    first = (NORTH, EAST, NORTH + 0.00001, EAST + 0.00005)
    found = await ids(known, NOW, box=first)
    assert found == ["410105", "C1", "C2", "L1", "Z1", "Z1-001"]
    assert await ids(known, NOW, box=(0, 0, 1, 1)) == []


async def test_places_around_a_point_come_by_distance(known: EventStore) -> None:
    await project(known, MODEL)
    rows = await places.near(
        known.pool, NOW, NORTH, EAST, radius_m=300, wanted=WantedPlaces(kinds=["berth"]), limit=99
    )
    assert [row["place_id"] for row in rows] == ["Z1-001", "Z1-002", "Z1-003", "Z2-001", "Z2-002"]
    for row in rows:
        assert row["distance_m"] == metres_between(NORTH, EAST, row["latitude"], row["longitude"])
    near = await places.near(known.pool, NOW, NORTH, EAST, radius_m=20, limit=2)
    assert [row["place_id"] for row in near] == ["C1", "C2"]

"""The shared week of real counts: in as it stands, and its hours as the files alone make them."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from citybrain.audit.parking.counts import compare_hours, compare_numbers, read_files
from citybrain.definitions.parking.imports import CounterImport
from citybrain.definitions.parking.rules import ParkingRulesDefinitions
from citybrain.domain.parking.occupancy import Counting, judge
from citybrain.eventstore import EventStore
from citybrain.systems import projection_named
from commands.csv_rows import CsvRows, open_rows
from commands.parking.imports.occupancy_csv import facility_of, read_facilities
from commands.services import Services
from projections.parking import occupancy
from projections.rebuild import compare
from tests.given.parking.archives import imported
from tests.given.read_models import project
from tests.given.services import DEFINITIONS, services_over
from tests.given.shared_data import PARKING_PLACES, PARKING_WEEK, needs_parking_week
from tests.given.storm import STORM

DAYS = PARKING_WEEK if STORM > 1 else PARKING_WEEK[:1]
"""All of it in a storm."""
THREE = (
    "dresden-parken-Altmarkt",  # more free places than there are, now and then
    "vtmanager-duesseldorf-parken-PH-10",  # a sentinel
    "bonn-bcp-parken-stadthaus",
)
MODELS = ("parking_places", "parking_occupancy")


def services(store: EventStore) -> Services:
    found = services_over(store)
    found.clock = lambda: datetime(2026, 9, 1, tzinfo=UTC)
    return found


@pytest.mark.storm
@needs_parking_week
async def test_the_occupancy_is_that_of_the_files_at_every_timestamp(store: EventStore) -> None:
    told = read_files(DAYS)
    numbers = sum(map(len, told.values()))
    first = await imported(services(store), *DAYS, places=PARKING_PLACES)
    assert (first.recorded, first.rejected) == (numbers, [])
    head = await store.head()
    again = await imported(services(store), *DAYS, places=PARKING_PLACES)
    assert (again.recorded, again.known, await store.head()) == (0, numbers, head)

    await project(store, *MODELS)
    compared = await compare_numbers(store.pool, told)
    assert (compared.in_files, compared.known, compared.differences) == (numbers, numbers, [])
    await then_as_of_every_timestamp(store, told)
    for name in THREE:
        pairs = await compare_hours(name, told[name], services(store))
        assert len(pairs) >= 24 * len(DAYS)
        assert max(pair.apart for pair in pairs) < 1e-9
        assert any(pair.metric not in (None, -1.0) for pair in pairs)
    assert (await compare(store, projection_named("parking_occupancy"))).equal


async def then_as_of_every_timestamp(
    store: EventStore, told: dict[str, list[tuple[datetime, int]]]
) -> None:
    """Each row of the files: what was said last of each facility, by then."""
    last: dict[str, int] = {}
    at_once: dict[datetime, dict[str, int]] = {}
    for name, series in told.items():
        for at, free in series:
            at_once.setdefault(at, {})[name] = free
    for at in sorted(at_once):
        last |= at_once[at]
        rows = await occupancy.facilities(store.pool, at, limit=1000)
        shown = {row["place_id"]: row["free"] for row in rows if row["counted_at"] is not None}
        assert shown == last, at
        for row in rows:
            assert row["occupancy"] is None or 0 <= row["occupancy"] <= 1
    assert len(at_once) == sum(_rows(path) for path in DAYS)


def _rows(path: Path) -> int:
    with open_rows(path) as file:
        return sum(1 for _ in CsvRows(file, str(path), {"timestamp"}))


@needs_parking_week
def test_p57_fewer_than_no_free_spaces() -> None:
    """What the whole week holds, by what is known of its counters."""
    mapping, rules = DEFINITIONS.of(CounterImport), DEFINITIONS.of(ParkingRulesDefinitions)
    places, rejected = read_facilities(PARKING_PLACES, mapping)
    assert (len(places), rejected) == (739, [])
    found: Counter[str] = Counter()
    facilities: dict[str, set[str]] = {}
    for name, series in read_files(PARKING_WEEK).items():
        version = places.get(name) or facility_of(name, {}, mapping)
        for at, free in series:
            counting = Counting.of(version, rules.at(at))
            judged = judge(free, counting)
            what = judged.anomaly or "known"
            found[what] += 1
            facilities.setdefault(what, set()).add(name)
            if judged.state == "known":
                assert 0 <= free <= (free if version.capacity is None else version.capacity)
    assert found == {
        "known": 214_481,
        "free-above-capacity": 7_002,
        "sentinel": 70,
        "counter-drifted": 29,
        "counter-off": 8,
    }
    assert len(facilities["free-above-capacity"]) == 28
    assert facilities["sentinel"] == set(mapping.facilities)
    drifted = facilities["counter-drifted"] | facilities["counter-off"]
    assert drifted == {"oldenburg-service-parken-Parkplatz-Pferdemarkt"}


@needs_parking_week
async def test_p57_a_sentinel_is_shown_as_reported_and_is_never_an_occupancy(
    store: EventStore, tmp_path: Path
) -> None:
    """Düsseldorf's PH-03 says −100 at half past eleven."""
    few = tmp_path / "2026-08-10.csv"
    name, moment = "vtmanager-duesseldorf-parken-PH-03", "2026-08-10T11:30:02+00:00"
    few.write_text(f"timestamp,{name}\n{moment},-100\n2026-08-10T11:45:02+00:00,40\n")
    await imported(services(store), few, places=PARKING_PLACES)
    await project(store, *MODELS)
    at = datetime.fromisoformat(moment)
    (row,) = await occupancy.facilities(store.pool, at, ids=[name], limit=1)
    assert (row["free"], row["state"], row["anomaly"], row["occupancy"]) == (
        -100,
        "unknown",
        "sentinel",
        None,
    )
    (row,) = await occupancy.facilities(store.pool, at + timedelta(hours=1), ids=[name], limit=1)
    assert (row["free"], row["state"]) == (40, "known")

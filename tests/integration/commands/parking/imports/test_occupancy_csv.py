"""The archive of free places: each reading in once, as it stands; killed and repeated at will."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from citybrain.domain.actor import system_actor
from citybrain.domain.parking.counter import ParkingCounter, stream_of_day
from citybrain.domain.parking.place import ParkingPlace, stream_of
from citybrain.errors import InvalidInput, Unavailable
from citybrain.eventstore import EventStore, StoreUnavailable
from commands.parking.imports import occupancy_csv as module
from commands.parking.imports.occupancy_csv import OccupancyImport
from commands.services import Services
from tests.given.parking.archives import DAY, HEADER, archive, imported
from tests.given.parking.places import facility, registered
from tests.given.services import context, services_over

NOW = datetime(2026, 9, 1, tzinfo=UTC)


@pytest.fixture
def services(store: EventStore) -> Services:
    found = services_over(store)
    found.clock = lambda: NOW
    return found


async def kept(services: Services, place_id: str, day: str = "2026-08-10") -> list[int | None]:
    found = await services.store.load(ParkingCounter, stream_of_day(place_id, day))
    return [free for _, free in sorted(found.readings.items())]


async def known(services: Services, place_id: str) -> ParkingPlace:
    return await services.store.load(ParkingPlace, stream_of(place_id))


async def test_each_reading_is_in_once_and_again_nothing_is(
    services: Services, tmp_path: Path
) -> None:
    day, places = archive(tmp_path)
    first = await imported(services, day, places=places)
    assert (first.rows, first.readings, first.recorded, first.rejected) == (3, 6, 6, [])
    assert (first.facilities, first.opened, first.without_place) == (3, 3, 1)
    assert await kept(services, "one") == [10]
    assert await kept(services, "one", "2026-08-11") == [12], "the city is some hours ahead"
    assert await kept(services, "three") == [-3]
    head = await services.store.head()
    again = await imported(services_over(services.store), day, places=places)
    assert (again.recorded, again.known, again.opened) == (0, 6, 0)
    assert await services.store.head() == head


async def test_facilities_are_what_the_archive_says_of_them(
    services: Services, tmp_path: Path
) -> None:
    day, places = archive(tmp_path)
    await imported(services, day, places=places)
    one = (await known(services, "one")).at(NOW)
    assert one is not None
    assert (one.name, one.capacity, one.time_zone) == ("Parkhaus Eins", 20, "Europe/Berlin")
    assert one.geometry == {"type": "Point", "coordinates": [7.1, 50.73]}
    assert one.silence_seconds == 1500 * 60
    for place_id, name in (("two", "Parkhaus Zwei"), ("three", "three")):
        other = (await known(services, place_id)).at(NOW)
        assert other is not None
        assert (other.name, other.capacity, other.geometry) == (name, None, None)
    with pytest.raises(Exception, match="no stream"):
        await known(services, "four")


async def test_a_facility_that_is_known_stays_as_it_is(services: Services, tmp_path: Path) -> None:
    await registered(services, facility("one", capacity=11))
    day, places = archive(tmp_path)
    result = await imported(services, day, places=places)
    assert (result.opened, result.known_otherwise) == (2, 1)
    place = (await known(services, "one")).at(NOW)
    assert place is not None
    assert place.capacity == 11


async def test_what_was_killed_goes_on(services: Services, tmp_path: Path) -> None:
    day, places = archive(tmp_path)
    begun, _ = archive(tmp_path, "".join(DAY.splitlines(keepends=True)[:2]))
    await imported(services, begun, places=places)
    day, _ = archive(tmp_path)
    rest = await imported(services, day, places=places)
    assert (rest.recorded, rest.known) == (4, 2)


async def test_a_store_that_stays_away_ends_the_import(
    services: Services, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(*_: object, **__: object) -> None:
        raise StoreUnavailable("PostgreSQL cannot be reached")

    day, places = archive(tmp_path)
    await imported(services, archive(tmp_path, "timestamp,one,two,three\n")[0], places=places)
    day, _ = archive(tmp_path)
    monkeypatch.setattr(services.store, "save", away)
    with pytest.raises(Unavailable):
        await imported(services, day, places=places)


async def test_what_cannot_be_read_is_said_with_its_line_and_costs_no_other(
    services: Services, tmp_path: Path
) -> None:
    day, places = archive(
        tmp_path,
        "timestamp,one,two\n"
        "2026-08-10T00:00:01+00:00,10,many\n"
        "yesterday,1,1\n"
        "2026-08-10T00:15:01,1,1\n"
        "2026-08-10T00:30:01+00:00,1\n"
        "2026-08-10T00:00:01+00:00,11,8.0\n"
        "2026-10-01T00:00:01+00:00,1,1\n"
        "2019-08-10T00:00:01+00:00,1,\n"
        "2026-08-09T23:00:01+00:00,9,9\n",
        f'{HEADER}\none,One,Bonn,many,,,\ntwo,Two,Bonn,9,,95,7\nthree,"T\n',
    )
    result = await imported(services, day, places=places)
    assert sorted((each.where, each.column) for each in result.rejected) == [
        (f"{day}:2", "two"),
        (f"{day}:3", "timestamp"),
        (f"{day}:4", "timestamp"),
        (f"{day}:5", ""),
        (f"{day}:6", "one"),
        (f"{day}:6", "two"),
        (f"{day}:7", "timestamp"),
        (f"{day}:8", "one"),
        (f"{places}:2", ""),
        (f"{places}:3", ""),
        (f"{places}:4", ""),
    ]
    assert f"{day}:6: one: the facility has another reading of this moment" in map(
        str, result.rejected
    )
    assert await kept(services, "one") == [9, 10]
    assert await kept(services, "two") == [9]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "no column timestamp"),
        ("time,one\n", "no column timestamp"),
        ("timestamp,one,one\n", "twice"),
        ("timestamp,one two\n", "not the id"),
        ("timestamp,\n", "not the id"),
    ],
)
async def test_a_file_of_another_kind_is_refused_before_anything_is_written(
    services: Services, tmp_path: Path, text: str, reason: str
) -> None:
    good, places = archive(tmp_path)
    bad = tmp_path / "bad.csv"
    bad.write_text(text)
    with pytest.raises(InvalidInput, match=reason):
        await imported(services, good, bad, places=places)
    assert await services.store.head() == 0


async def test_rows_come_as_far_apart_as_they_were_so_much_faster(
    services: Services, tmp_path: Path
) -> None:
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(round(seconds, 3))

    async def run() -> None:
        by = context(system_actor("import"))
        await OccupancyImport(services, by, speed_up=100, sleep=sleep).run([day], places)

    day, places = archive(tmp_path)
    await run()
    assert slept == [9.01, 584.99]
    slept.clear()
    await run()
    assert slept == [], "what is there already is not waited for"
    day.write_text(DAY + "2026-08-10T16:45:01+00:00,1,1,1\n2026-08-10T17:00:01+00:00,2,2,2\n")
    await run()
    assert slept == [9.0]


async def test_a_large_file_is_brought_in_piece_by_piece(
    services: Services, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "TOGETHER", 2)
    day, places = archive(tmp_path)
    told: list[int] = []
    work = OccupancyImport(services, context(system_actor("import")))
    result = await work.run([day], places, told.append)
    assert result.recorded == 6
    assert told == sorted(told)
    assert told[-1] == day.stat().st_size

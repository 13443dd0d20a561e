"""Files of places: CSV and GeoJSON say the same; every mistake has its file and line."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from citybrain.errors import InvalidInput
from citybrain.eventstore import EventStore
from commands.parking.imports.place_files import read_places
from commands.parking.register import PlacesInvalid, register_places
from tests.given.parking.place_files import as_csv, as_geojson
from tests.given.parking.places import PARKING, area, berth, block, camera, zone
from tests.given.services import context, services_over


async def test_both_kinds_of_files_say_the_same(store: EventStore, tmp_path: Path) -> None:
    services = services_over(store)
    one = read_places([as_csv(tmp_path / "places.csv", *block())])
    other = read_places([as_geojson(tmp_path / "places.geojson", *block())])
    assert [each.place.version() for each in one] == [each.place.version() for each in other]
    plan = await register_places(one, context(PARKING), services)
    assert plan.opened == len(block())
    plan = await register_places(other, context(PARKING), services)
    assert plan.unchanged == len(block())


def test_every_mistake_has_its_file_and_line(tmp_path: Path) -> None:
    rows = (
        area(valid_from="2026-02-30"),
        berth("Z1", 1) | {"number": "one"},
        camera("é"),
        zone("Z1", 3, geometry="POINT"),
    )
    first = as_csv(tmp_path / "one.csv", *rows)
    with first.open("a") as file:
        file.write("too,few\n")
    odd = {"type": "Polygon", "coordinates": [[[0, 0], [1, 1], [0, 1], [1, 0], [0, 0]]]}
    second = as_geojson(
        tmp_path / "two.geojson",
        zone("Z2", 1, geometry=odd),
        zone("Z3", 1, number=0, colour="red"),
        {
            "place_id": "G1",
            "kind": "facility",
            "valid_from": "2026-01-01T00:00:00",
            "name": "garage",
            "time_zone": "Europe/Zhengzhou",
            "capacity": -1,
        },
        {"place_id": "G2", "kind": "garage", "valid_from": "2026-01-01"},
    )
    with pytest.raises(PlacesInvalid) as refused:
        read_places([first, second])
    assert [(each.where, each.member) for each in refused.value.problems] == [
        (f"{first}:2", "valid_from"),
        (f"{first}:3", "number"),
        (f"{first}:4", "place_id"),
        (f"{first}:5", ""),
        (f"{first}:6", ""),
        (f"{second}:2", "geometry"),
        (f"{second}:3", "number"),
        (f"{second}:3", "colour"),
        (f"{second}:4", "valid_from"),
        (f"{second}:4", "time_zone"),
        (f"{second}:4", "capacity"),
        (f"{second}:5", "kind"),
        (f"{second}:5", "name"),
    ]


@pytest.mark.parametrize(
    ("name", "text", "reason"),
    [
        ("places.csv", "", "no column"),
        ("places.csv", "place_id,kind,name\n", "no column valid_from"),
        ("places.csv", "place_id,kind,valid_from,name,colour\n", "no member colour"),
        ("places.csv", "place_id,kind,valid_from,name,kind\n", "twice"),
        ("places.geojson", "{", "places.geojson:1"),
        ("places.geojson", "[]", "places.geojson:1"),
    ],
)
def test_a_file_of_another_kind_is_refused(
    tmp_path: Path, name: str, text: str, reason: str
) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(InvalidInput, match=reason):
        read_places([tmp_path / name])


def test_a_day_is_its_midnight_in_the_city_and_a_point_is_a_geometry(tmp_path: Path) -> None:
    file = as_csv(tmp_path / "places.csv", camera("C1", valid_from="2026-09-10"))
    (found,) = read_places([file])
    version = found.place.version()
    assert version.valid_from == datetime(2026, 9, 9, 16, tzinfo=UTC)
    assert version.geometry == {"type": "Point", "coordinates": [113.6253, 34.7466]}

"""Areas: what a survey must be, and where a point lies."""

from copy import deepcopy
from itertools import pairwise
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from shapely import Point

from citybrain.definitions import load_definitions
from citybrain.definitions.registry import PACKAGE_FOLDER
from citybrain.places.areas import AreaError, AreaKind, Areas, load_areas

SURVEY = PACKAGE_FOLDER / "area" / "2020-districts.geojson"
AREAS = load_areas(SURVEY)


@given(st.floats(34.55, 34.95), st.floats(113.40, 113.85))
def test_the_index_finds_what_looking_at_every_area_finds(
    latitude: float, longitude: float
) -> None:
    point = Point(longitude, latitude)
    within = {
        kind: sorted(
            area.code
            for area in AREAS.by_code.values()
            if area.kind is kind and area.shape.covers(point)
        )
        for kind in AreaKind
    }
    place = AREAS.locate(latitude, longitude)
    assert place.district == next(iter(within[AreaKind.DISTRICT]), None)
    for found, kind in ((place.street, AreaKind.STREET), (place.community, AreaKind.COMMUNITY)):
        assert (found is None) == (not within[kind])
        assert found is None or found in within[kind]
    codes = [place.district, place.street, place.community, place.cell_id]
    for above, below in pairwise(codes):
        assert below is None or (above is not None and below.startswith(above))


@given(st.floats(34.60, 34.90), st.floats(113.46, 113.79))
def test_a_point_lies_in_the_box_of_its_cell(latitude: float, longitude: float) -> None:
    place = AREAS.locate(latitude, longitude)
    if place.cell_id is None:
        return
    assert len(place.cell_id) == 15
    box = AREAS.cell_box(place.cell_id)
    assert box is not None
    south, west, north, east = box
    rounding = 1e-9
    assert south - rounding <= latitude <= north + rounding
    assert west - rounding <= longitude <= east + rounding


def test_cells_have_each_their_own_id() -> None:
    for community in [area for area in AREAS.by_code.values() if area.kind is AreaKind.COMMUNITY]:
        boxes = {}
        for serial in range(1, 1000):
            if box := AREAS.cell_box(f"{community.code}{serial:03}"):
                south, west, north, east = box
                middle = (south + north) / 2, (west + east) / 2
                boxes[serial] = middle
                if community.shape.contains(Point(middle[1], middle[0])):
                    assert AREAS.locate(*middle).cell_id == f"{community.code}{serial:03}"
        assert len(set(boxes.values())) == len(boxes) > 100


def square(south: float, west: float, side: float = 1.0) -> dict[str, Any]:
    north, east = south + side, west + side
    ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    return {"type": "Polygon", "coordinates": [ring]}


def feature(kind: str, code: str, geometry: dict[str, Any]) -> dict[str, Any]:
    properties = {"kind": kind, "code": code, "name": "甲", "name_en": "A"}
    return {"type": "Feature", "properties": properties, "geometry": geometry}


SOUND: dict[str, Any] = {
    "type": "FeatureCollection", "valid_from": "2021-01-01", "source": "made up",
    "features": [
        feature("district", "410199", square(30, 110)),
        feature("street", "410199001", square(30, 110)),
        feature("community", "410199001001", square(30, 110, 0.01)),
        feature("cell", "410199001001777", square(30.001, 110.001, 0.001)),
    ],
}  # fmt: skip


def loaded(tmp_path: Path, document: Any) -> Areas:
    path = tmp_path / "area.geojson"
    path.write_bytes(orjson.dumps(document))
    return load_areas(path)


def test_a_cell_of_the_survey_comes_before_the_regular_ones(tmp_path: Path) -> None:
    areas = loaded(tmp_path, SOUND)
    assert areas.locate(30.0015, 110.0015).cell_id == "410199001001777"
    assert areas.cell_box("410199001001777") == pytest.approx((30.001, 110.001, 30.002, 110.002))
    assert areas.locate(30.0001, 110.0001).cell_id == "410199001001001"
    assert areas.locate(30.5, 110.5).cell_id is None
    assert areas.cell_box("999999999999001") is None


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda d: d.pop("valid_from"), "valid_from"),
        (lambda d: d["features"][0]["properties"].update(code="4101"), "6 digits"),
        (lambda d: d["features"][0]["properties"].update(kind="planet"), "not an area"),
        (lambda d: d["features"].append(d["features"][0]), "defined twice"),
        (lambda d: d["features"].pop(0), "which is not there"),
        (lambda d: d["features"][1].update(geometry=square(30.5, 110.5)), "does not lie within"),
        (
            lambda d: d["features"].append(feature("district", "410198", square(30.5, 110.5))),
            "overlap",
        ),
        (lambda d: d["features"][0].update(geometry=square(95, 110)), "outside of the degrees"),
        (
            lambda d: d["features"][0].update(geometry={"type": "Point", "coordinates": [110, 30]}),
            "not a valid polygon",
        ),
        (
            lambda d: d["features"][0].update(
                geometry={
                    "type": "Polygon",
                    "coordinates": [[[0, 0], [1, 1], [1, 0], [0, 1], [0, 0]]],
                }
            ),
            "not a valid polygon",
        ),
    ],
)
def test_a_survey_that_is_wrong_says_where(tmp_path: Path, change: Any, says: str) -> None:
    document = deepcopy(SOUND)
    change(document)
    with pytest.raises(AreaError, match=says):
        loaded(tmp_path, document)


def test_a_city_brings_its_own_survey(tmp_path: Path) -> None:
    (tmp_path / "area").mkdir()
    (tmp_path / "area" / "2021-own.geojson").write_bytes(orjson.dumps(SOUND))
    definitions = load_definitions(tmp_path)
    assert [survey.valid_from.year for survey in definitions.areas] == [2020, 2021]

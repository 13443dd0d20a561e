"""Areas: what a survey must be, and where a point lies."""

from copy import deepcopy
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st
from shapely import MultiPoint, Point

from citybrain.city_day import CITY_ZONE
from citybrain.definitions.loading import PACKAGE_FOLDER
from citybrain.definitions.platform.areas import Surveys, areas_at
from citybrain.definitions.yaml_file import DefinitionError
from citybrain.geo.areas import Area, AreaError, AreaKind, Areas, Place, load_areas
from citybrain.systems import load_definitions

SURVEY = PACKAGE_FOLDER / "area" / "2020-districts.geojson"
AREAS = load_areas(SURVEY)
COMMUNITIES = [area for area in AREAS.by_code.values() if area.kind is AreaKind.COMMUNITY]
ROUNDING = 1e-9


def by_hand(areas: Areas, latitude: float, longitude: float) -> list[str]:
    """The codes from the district down, by looking at every area."""
    point, path = Point(longitude, latitude), [""]
    for kind in AreaKind:
        path += sorted(
            area.code
            for area in areas.by_code.values()
            if area.kind is kind and area.parent == path[-1] and area.shape.covers(point)
        )[:1]
    return path[1:]


def codes(place: Place) -> list[str]:
    return [code for code in (place.district, place.street, place.community) if code]


def in_box(areas: Areas, cell_id: str | None, latitude: float, longitude: float) -> bool:
    box = areas.cell_box(cell_id or "")
    assert box is not None
    south, west, north, east = box
    return (
        south - ROUNDING <= latitude <= north + ROUNDING
        and west - ROUNDING <= longitude <= east + ROUNDING
    )


@given(st.floats(34.55, 34.95), st.floats(113.40, 113.85))
def test_the_index_finds_what_looking_at_every_area_finds(
    latitude: float, longitude: float
) -> None:
    assert codes(AREAS.locate(latitude, longitude)) == by_hand(AREAS, latitude, longitude)


@given(st.data(), st.floats(-3e-6, 3e-6), st.floats(-3e-6, 3e-6))
def test_so_it_does_along_the_borders(data: st.DataObject, north: float, east: float) -> None:
    """Squares that a border runs through are looked at point by point."""
    border = data.draw(st.sampled_from(COMMUNITIES)).shape.boundary
    point = border.interpolate(data.draw(st.floats(0, 1)), normalized=True)
    latitude, longitude = point.y + north, point.x + east
    assert codes(AREAS.locate(latitude, longitude)) == by_hand(AREAS, latitude, longitude)


def test_it_does_not_remember_the_whole_world(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("citybrain.geo.areas.MOST_SQUARES", 3)
    areas = load_areas(SURVEY)
    spots = [(34.55 + number / 100, 113.40 + number / 100) for number in range(40)]
    for latitude, longitude in spots * 2:
        assert codes(areas.locate(latitude, longitude)) == by_hand(areas, latitude, longitude)
    assert len(areas._squares) <= 3


@given(st.sampled_from(COMMUNITIES), st.floats(0, 1))
def test_a_point_on_a_border_lies_in_the_area_with_the_smallest_code(
    community: Area, along: float
) -> None:
    point = community.shape.boundary.interpolate(along, normalized=True)
    assert codes(AREAS.locate(point.y, point.x)) == by_hand(AREAS, point.y, point.x)
    corner = Point(shapely.get_coordinates(community.shape)[int(along * 4)])
    touching = sorted(each.code for each in COMMUNITIES if each.shape.covers(corner))
    assert AREAS.locate(corner.y, corner.x).community == touching[0]


@st.composite
def crooked(draw: st.DrawFn) -> Areas:
    """A street whose communities are triangles: borders at every angle, none with a gap."""
    inner = draw(st.lists(st.tuples(st.integers(1, 99), st.integers(1, 99)), max_size=20))
    corners = [(0, 0), (0, 100), (100, 0), (100, 100)]
    shapes = shapely.delaunay_triangles(
        MultiPoint([(113 + east / 1e4, 34 + north / 1e4) for east, north in {*inner, *corners}])
    ).geoms
    whole = shapely.box(113, 34, 113.01, 34.01)
    areas = [
        Area("410199", AreaKind.DISTRICT, "甲", "A", whole),
        Area("410199001", AreaKind.STREET, "甲", "A", whole),
        *(
            Area(f"410199001{number:03}", AreaKind.COMMUNITY, "甲", "A", shape)
            for number, shape in enumerate(shapes, 1)
        ),
    ]
    return Areas(date(2021, 1, 1), "made up", areas, "00000000")


@given(crooked(), st.data())
def test_every_point_lies_in_one_community_and_in_the_box_of_its_cell(
    areas: Areas, data: st.DataObject
) -> None:
    vertices = shapely.get_coordinates([area.shape for area in areas.by_code.values()]).tolist()
    anywhere = st.tuples(st.floats(113, 113.01), st.floats(34, 34.01))
    longitude, latitude = data.draw(st.sampled_from(vertices) | anywhere)
    place = areas.locate(latitude, longitude)
    assert codes(place) == by_hand(areas, latitude, longitude)
    assert place.cell_id is not None
    assert place.cell_id[:12] == place.community
    assert in_box(areas, place.cell_id, latitude, longitude)


@given(st.floats(34.60, 34.90), st.floats(113.46, 113.79))
def test_a_point_of_the_city_lies_in_the_box_of_its_cell(latitude: float, longitude: float) -> None:
    place = AREAS.locate(latitude, longitude)
    assert place.cell_id is not None
    assert len(place.cell_id) == 15
    assert in_box(AREAS, place.cell_id, latitude, longitude)


def test_cells_have_each_their_own_id() -> None:
    for community in COMMUNITIES:
        boxes = {}
        for serial in range(1, 1000):
            if box := AREAS.cell_box(f"{community.code}{serial:03}"):
                south, west, north, east = box
                middle = (south + north) / 2, (west + east) / 2
                boxes[serial] = middle
                if community.shape.contains(Point(middle[1], middle[0])):
                    assert AREAS.locate(*middle).cell_id == f"{community.code}{serial:03}"
        assert len(set(boxes.values())) == len(boxes) > 100


def test_our_survey_has_the_districts_and_nothing_between_them() -> None:
    outlines = {
        kind: shapely.union_all(
            [each.shape for each in AREAS.by_code.values() if each.kind is kind]
        )
        for kind in list(AreaKind)[:3]
    }
    for outline in outlines.values():
        assert outline.covers(shapely.box(113.4754, 34.5966, 113.7754, 34.8966))
        assert outline.symmetric_difference(outlines[AreaKind.DISTRICT]).area < 1e-12
    assert [len([a for a in AREAS.by_code.values() if a.kind is kind]) for kind in AreaKind] == [
        5,
        15,
        45,
        0,
    ]
    assert AREAS.source.startswith("assumed")
    assert AREAS.version.startswith("2020-01-01+")
    coordinates = shapely.get_coordinates([area.shape for area in AREAS.by_code.values()])
    assert (coordinates == coordinates.round(6)).all()


def square(south: float, west: float, side: float = 1.0) -> dict[str, Any]:
    north, east = south + side, west + side
    ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    return {"type": "Polygon", "coordinates": [ring]}


def feature(kind: str, code: str, geometry: dict[str, Any]) -> dict[str, Any]:
    properties = {"kind": kind, "code": code, "name": "甲", "name_en": "A"}
    return {"type": "Feature", "properties": properties, "geometry": geometry}


SOUND: dict[str, Any] = {
    "type": "FeatureCollection",
    "valid_from": "2021-01-01",
    "source": "made up",
    "features": [
        feature("district", "410199", square(30, 110)),
        feature("street", "410199001", square(30, 110)),
        feature("community", "410199001001", square(30, 110, 0.01)),
        feature("cell", "410199001001777", square(30.001, 110.001, 0.001)),
    ],
}


def survey(*more: Area) -> Areas:
    """A district that is one street, one community in its corner, and more."""
    whole, corner = shapely.box(110, 30, 111, 31), shapely.box(110, 30, 110.01, 30.01)
    areas = [
        Area("410199", AreaKind.DISTRICT, "甲", "A", whole),
        Area("410199001", AreaKind.STREET, "甲", "A", whole),
        Area("410199001001", AreaKind.COMMUNITY, "甲", "A", corner),
        *more,
    ]
    return Areas(date(2021, 1, 1), "made up", areas, "00000000")


NUMBERED = survey(
    Area("410199001001001", AreaKind.CELL, "甲", "A", shapely.box(110.004, 30.004, 110.006, 30.006))
)


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


@pytest.mark.parametrize(
    "cell_id",
    [
        "",
        "410199",
        "410199001001",
        "999999999999001",
        "410199001001000",
        "410199001001999",
        "4101990010010001",
        "41010200100１",
        "410199001001 01",
        "410199001001+01",
    ],
)
def test_what_is_no_cell_has_no_box(tmp_path: Path, cell_id: str) -> None:
    assert loaded(tmp_path, SOUND).cell_box(cell_id) is None


@given(st.floats(30, 30.01), st.floats(110, 110.01))
def test_regular_cells_leave_the_numbers_of_surveyed_ones(
    latitude: float, longitude: float
) -> None:
    place = NUMBERED.locate(latitude, longitude)
    assert place.cell_id is not None
    assert in_box(NUMBERED, place.cell_id, latitude, longitude)
    surveyed = NUMBERED.by_code["410199001001001"].shape.covers(Point(longitude, latitude))
    assert (place.cell_id == "410199001001001") == surveyed


def test_where_all_numbers_are_surveyed_the_rest_has_none() -> None:
    step = 1e-5
    areas = survey(
        *(
            Area(
                f"410199001001{number:03}",
                AreaKind.CELL,
                "甲",
                "A",
                shapely.box(110, 30 + number * step, 110.01, 30 + (number + 0.5) * step),
            )
            for number in range(1, 1000)
        )
    )
    assert areas.locate(30 + 1.25 * step, 110.005).cell_id == "410199001001001"
    assert areas.locate(30, 110.005) == Place("410199", "410199001", "410199001001", None)


def test_a_child_that_bulges_out_of_its_parent_is_not_found_outside() -> None:
    bulging = Area("410199001002", AreaKind.COMMUNITY, "乙", "B", shapely.box(109, 30.5, 111, 31))
    assert survey(bulging).locate(30.6, 110.5).community == "410199001002"
    assert survey(bulging).locate(30.6, 109.5) == Place()


def test_borders_that_differ_by_rounding_are_no_overlap(tmp_path: Path) -> None:
    """A slanted border, that a neighbour's vertex is rounded on."""
    document = deepcopy(SOUND)
    left = [[110, 30], [110.1, 30], [110.233334, 30.4], [110, 30.4], [110, 30]]
    right = [
        [110.1, 30],
        [110.5, 30],
        [110.5, 30.4],
        [110.233334, 30.4],
        [110.166666, 30.2],
        [110.1, 30],
    ]
    document["features"] = [
        feature("district", "410199", square(30, 110)),
        *(
            feature("street", code, {"type": "Polygon", "coordinates": [ring]})
            for code, ring in (("410199001", left), ("410199002", right))
        ),
    ]
    assert len(loaded(tmp_path, document).by_code) == 3
    right[4] = [110.16666, 30.2]
    with pytest.raises(AreaError, match="410199001 and 410199002 overlap"):
        loaded(tmp_path, document)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda d: d.pop("valid_from"), "valid_from"),
        (lambda d: d["features"][0]["properties"].update(code="4101"), "6 digits"),
        (lambda d: d.update(type="Feature"), "type"),
        (lambda d: d.update(features=[]), "features"),
        (lambda d: d["features"][0]["properties"].update(kind="planet"), r"features.0.*kind"),
        (lambda d: d["features"][2]["properties"].update(name=None), r"features.2.*name"),
        (lambda d: d["features"][1].pop("geometry"), r"features.1.geometry"),
        (lambda d: d["features"][1].update(geometry=None), r"features.1.geometry"),
        (
            lambda d: d["features"][1]["geometry"].update(coordinates=[[[0, 0], [1, 0], [1, 1]]]),
            "feature 1: 410199001 is not a valid polygon",
        ),
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
    ours, own = definitions.of(Surveys).versions
    assert [each.valid_from.year for each in (ours, own)] == [2020, 2021]
    new_year = datetime(2021, 1, 1, tzinfo=CITY_ZONE)
    before, after = (
        areas_at(definitions, at) for at in (new_year - timedelta(seconds=1), new_year)
    )
    assert (before, after) == (ours, own)
    assert areas_at(definitions, datetime(1999, 1, 1, tzinfo=CITY_ZONE)) is before
    assert after.locate(34.7466, 113.6254) == Place()  # a survey replaces the one before, whole


def test_a_survey_that_is_wrong_stops_the_start(tmp_path: Path) -> None:
    (tmp_path / "area").mkdir()
    (tmp_path / "area" / "2021-own.geojson").write_text("{")
    with pytest.raises(DefinitionError, match=r"2021-own.geojson: this is not JSON"):
        load_definitions(tmp_path)

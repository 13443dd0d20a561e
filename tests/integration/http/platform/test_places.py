"""Areas and points over HTTP."""

from typing import Any

import pytest

from citybrain.geo.distance import metres_between
from citybrain.geo.gcj02 import wgs84_to_gcj02
from citybrain.http.platform import places
from tests.given.api import Api

CENTRE = (34.7466, 113.6254)


@pytest.fixture
def with_workers() -> bool:
    return False


async def place(api: Api, latitude: float, longitude: float, **more: str) -> Any:
    query = "".join(f"&{name}={value}" for name, value in more.items())
    return await api.call("GET", f"/v1/places?latitude={latitude}&longitude={longitude}{query}")


async def test_a_point_has_its_areas_and_its_cell(api: Api) -> None:
    answer = (await place(api, *CENTRE)).json
    assert answer["district"]["name"] == "二七区"
    assert answer["cell"].startswith(answer["community"]["code"])
    assert len(answer["cell"]) == 15
    shifted = (await place(api, *wgs84_to_gcj02(*CENTRE), crs="gcj02")).json
    assert shifted["cell"] == answer["cell"]
    ring = answer["cell_polygon"]["coordinates"][0]
    assert min(east for east, _ in ring) <= CENTRE[1] <= max(east for east, _ in ring)
    assert min(north for _, north in ring) <= CENTRE[0] <= max(north for _, north in ring)
    corner, moved = (each["cell_polygon"]["coordinates"][0][0] for each in (answer, shifted))
    assert 300 < metres_between(corner[1], corner[0], moved[1], moved[0]) < 900


async def test_outside_there_is_no_place(api: Api) -> None:
    assert (await place(api, 40.0, 116.0)).is_problem(404, "outside-the-city")


@pytest.mark.parametrize("query", ["latitude=91&longitude=1", "latitude=nan&longitude=1", ""])
async def test_a_point_is_a_point(api: Api, query: str) -> None:
    assert (await api.call("GET", f"/v1/places?{query}")).is_problem(400, "malformed-request")


async def test_areas_are_geojson_page_by_page(api: Api) -> None:
    answer = await api.call("GET", "/v1/areas")
    assert answer.headers["Content-Type"] == "application/geo+json"
    assert [each["properties"]["code"] for each in answer.json["features"]] == [
        "410102",
        "410103",
        "410104",
        "410105",
        "410108",
    ]
    codes: list[str] = []
    after = ""
    while True:
        path = f"/v1/areas?kind=community&parent=410105&limit=4{after}&crs=gcj02"
        page = (await api.call("GET", path)).json
        codes += [each["properties"]["code"] for each in page["features"]]
        if page["next"] is None:
            break
        after = f"&after={page['next']}"
    assert len(codes) == len(set(codes)) == 9
    assert codes == sorted(codes)


async def test_long_outlines_make_short_pages(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(places, "MOST_VERTICES", 12)
    first = (await api.call("GET", "/v1/areas")).json
    assert [each["properties"]["code"] for each in first["features"]] == ["410102", "410103"]
    monkeypatch.setattr(places, "MOST_VERTICES", 1)
    second = (await api.call("GET", f"/v1/areas?after={first['next']}")).json
    assert [each["properties"]["code"] for each in second["features"]] == ["410104"]
    assert second["next"] == "410104"


async def test_areas_are_shifted_for_who_speaks_gcj02(api: Api) -> None:
    ours, theirs = [
        (await api.call("GET", f"/v1/areas?crs={crs}")).json["features"][3]["geometry"]
        for crs in ("wgs84", "gcj02")
    ]
    for (east, north), (their_east, their_north) in zip(
        ours["coordinates"][0], theirs["coordinates"][0], strict=True
    ):
        assert (their_north, their_east) == pytest.approx(wgs84_to_gcj02(north, east), abs=1e-9)


@pytest.mark.parametrize(
    "query", ["kind=planet", "parent=41", "crs=bd09", "limit=0", "limit=1001", "after=x", "page=2"]
)
async def test_areas_that_cannot_be_asked_for(api: Api, query: str) -> None:
    assert (await api.call("GET", f"/v1/areas?{query}")).is_problem(400, "malformed-request")


async def test_who_speaks_gcj02_is_understood_and_answered_in_it(api: Api) -> None:
    latitude, longitude = wgs84_to_gcj02(*CENTRE)
    body = {
        "source": "citizen",
        "class_code": "overflowing_bin",
        "latitude": latitude,
        "longitude": longitude,
        "simulated": True,
    }
    reported = await api.call("POST", "/v1/cases?crs=gcj02", "citizen", json=body)
    assert reported.status == 201, reported.body
    path = f"/v1/cases/{reported.json['case_id']}"
    case = (await api.call("GET", path, "operator")).json
    assert metres_between(case["latitude"], case["longitude"], *CENTRE) < 0.001
    assert case["place"]["district"] == "410103"
    shifted = (await api.call("GET", f"{path}?crs=gcj02", "operator")).json
    assert metres_between(shifted["latitude"], shifted["longitude"], latitude, longitude) < 0.001

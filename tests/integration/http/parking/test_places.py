"""Places over HTTP: declared by who looks after them, read by everybody as of any moment."""

from typing import Any

import pytest

from citybrain.geo.gcj02 import wgs84_to_gcj02
from tests.given.api import Answer, Api
from tests.given.parking.places import EAST, NORTH, berth, block, camera, facility, zone

PLACES = "/v1/parking/places"


def body(*said: dict[str, Any], **more: Any) -> dict[str, Any]:
    """Declarations as JSON has them."""
    return {"places": [each | {"valid_from": str(each["valid_from"])} for each in said], **more}


async def declare(api: Api, *said: dict[str, Any], role: str = "operator", **more: Any) -> Answer:
    return await api.call("POST", PLACES, role, json=body(*said), **more)


async def found(api: Api, position: str, query: str = "") -> list[str]:
    answer = await api.call("GET", f"{PLACES}?min_position={position}{query}")
    assert answer.status == 200, answer.body
    return [place["place_id"] for place in answer.json["places"]]


async def test_places_are_declared_and_read_by_everybody(api: Api) -> None:
    answer = await declare(api, *block())
    assert (answer.status, answer.json) == (200, {"opened": 12, "changed": 0, "unchanged": 0})
    position = answer.headers["X-Position"]
    assert await found(api, position) == sorted(each["place_id"] for each in block())
    assert await found(api, position, "&kind=zone") == ["Z1", "Z2"]
    assert await found(api, position, "&parent=Z2") == ["Z2-001", "Z2-002"]
    assert await found(api, position, "&watching=G1") == ["L1"]
    assert await found(api, position, "&at=2025-01-01T00:00:00Z") == []
    box = f"&south={NORTH}&west={EAST}&north={NORTH + 0.00001}&east={EAST + 0.00001}&kind=berth"
    assert await found(api, position, box) == ["Z1-001"]
    circle = f"&latitude={NORTH}&longitude={EAST}&radius_m=9&kind=berth"
    assert await found(api, position, circle) == ["Z1-001", "Z1-002"]
    page = await api.call("GET", f"{PLACES}?limit=5&geometry=false")
    assert page.json["next"] == page.json["places"][-1]["place_id"]
    assert all(place["geometry"] is None for place in page.json["places"])
    dry = await api.call("POST", PLACES, "operator", json=body(facility("G9"), dry_run=True))
    assert dry.json["opened"] == 1
    assert "G9" not in await found(api, dry.headers["X-Position"])


async def test_places_are_seen_in_the_coordinates_of_chinese_maps(api: Api) -> None:
    position = (await declare(api, *block())).headers["X-Position"]
    answer = await api.call("GET", f"{PLACES}/Z1?crs=gcj02&min_position={position}")
    (seen,) = answer.json["versions"]
    north, east = wgs84_to_gcj02(NORTH, EAST)
    assert seen["geometry"]["coordinates"][0][0] == [east, north]
    assert seen["latitude"] != zone("Z1", 3)["geometry"]["coordinates"][0][0][1]
    around = f"&crs=gcj02&latitude={north}&longitude={east}&radius_m=9&kind=berth"
    assert await found(api, position, around) == ["Z1-001", "Z1-002"]


async def test_p65_a_redrawn_zone_is_read_as_of_a_moment(api: Api) -> None:
    await declare(api, *block())
    day = "2026-09-10T00:00:00+08:00"
    answer = await declare(
        api,
        zone("Z1", 3, retired=True, valid_from=day),
        zone("Z1b", 3, valid_from=day, previous=["Z1"], geometry=zone("Z1", 4)["geometry"]),
        *(berth("Z1", n) | {"parent": "Z1b", "valid_from": day} for n in (1, 2, 3)),
    )
    assert answer.status == 200, answer.body
    position = answer.headers["X-Position"]
    before, then = "2026-09-09T15:59:59.999Z", "2026-09-09T16:00:00Z"
    assert await found(api, position, f"&kind=zone&at={before}") == ["Z1", "Z2"]
    assert await found(api, position, f"&kind=zone&at={then}") == ["Z1b", "Z2"]
    whole = await api.call("GET", f"{PLACES}/Z1")
    assert [version["retired"] for version in whole.json["versions"]] == [False, True]
    assert (await api.call("GET", f"{PLACES}/Z1?at={before}")).status == 200
    gone = await api.call("GET", f"{PLACES}/Z1?at={then}")
    assert gone.is_problem(404, "stream-not-found")


async def test_what_contradicts_itself_is_said_whole_and_nothing_is_written(api: Api) -> None:
    await declare(api, *block())
    head = await api.runtime.store.head()
    answer = await declare(api, berth("Z1", 4), camera("C3", "Z1-009"), facility("G2"))
    assert answer.is_problem(422, "places-invalid")
    assert [(each["where"], each["member"]) for each in answer.json["problems"]] == [
        ("places/0", "geometry"),
        ("places/1", "watches"),
    ]
    assert await api.runtime.store.head() == head


async def test_a_kiosk_may_name_the_zone_that_it_stands_at(api: Api) -> None:
    await declare(api, *block())
    kiosk = {
        "place_id": "K1",
        "kind": "kiosk",
        "name": "pay here",
        "valid_from": "2026-01-01",
        "longitude": EAST,
        "latitude": NORTH,
    }
    wrong = await declare(api, kiosk | {"parent": "G1"})
    assert wrong.is_problem(422, "places-invalid")
    assert wrong.json["problems"][0]["member"] == "parent"
    position = (await declare(api, kiosk | {"parent": "Z1"})).headers["X-Position"]
    assert await found(api, position, "&parent=Z1&kind=kiosk") == ["K1"]
    assert (await declare(api, kiosk | {"place_id": "K2"})).json["opened"] == 1


async def test_only_those_who_look_after_parking_declare_places(api: Api) -> None:
    for department, status in (("parking", 200), ("sanitation", 403)):
        answer = await declare(api, facility("G1"), role="official", department=department)
        assert answer.status == status, answer.body
    assert answer.is_problem(403, "not-your-places")
    for role in ("citizen", "camera", "gateway", "auditor", "kiosk"):
        assert (await declare(api, facility("G1"), role=role)).is_problem(403, "role-missing")


ODD: list[dict[str, Any]] = [
    {},
    {"places": []},
    {"places": "G1"},
    {"places": [1]},
    {"places": [{}] * 1001},
    body(facility("G1"), colour="red"),
    body(facility("G1", colour="red")),
    body(facility("../etc")),
    body(facility("x" * 161)),
    body(facility("G1", valid_from="yesterday")),
    body(facility("G1", valid_from="2026-01-01T00:00:00")),
    body(facility("G1", valid_from=1e300)),
    body(facility("G1", time_zone="Europe/../../etc/passwd")),
    body(facility("G1", capacity=-1)),
    body(facility("G1", capacity=10**12)),
    body(facility("G1", latitude=91)),
    body(facility("G1", latitude=None, longitude=None, geometry={"type": "Polygon"})),
    body(facility("G1", geometry={"type": "Point", "coordinates": [[1, 2], [3]]})),
    body(facility("G1", geometry={"type": "Polygon", "coordinates": [[[1, 2]]]})),
    body(facility("G1", geometry={"type": "GeometryCollection", "geometries": []})),
    body(facility("G1", sentinels=list(range(21)))),
    body(facility("G1", name="")),
    body(camera("C1", *(["G1"] * 2001))),
]


@pytest.mark.parametrize("odd", ODD, ids=range(len(ODD)))
async def test_odd_bodies_are_refused_and_nothing_is_stored(api: Api, odd: dict[str, Any]) -> None:
    answer = await api.call("POST", PLACES, "operator", json=odd)
    assert answer.is_problem(422, "invalid-input")
    assert await api.runtime.store.head() == 0


@pytest.mark.parametrize(
    "query",
    [
        "kind=garage",
        "at=yesterday",
        "at=2026-01-01T00:00:00",
        "south=1",
        "south=1&west=1&north=2",
        "latitude=1&longitude=1",
        "radius_m=5",
        "south=1&west=1&north=2&east=2&latitude=1&longitude=1&radius_m=5",
        "latitude=nan&longitude=1&radius_m=5",
        "latitude=1&longitude=1&radius_m=-5",
        "after=%00",
        "parent=..%2F",
        "limit=501",
        "crs=moon",
        "min_position=99",
        "colour=red",
    ],
)
async def test_odd_questions_are_malformed(api: Api, query: str) -> None:
    assert (await api.call("GET", f"{PLACES}?{query}")).is_problem(400, "malformed-request")


async def test_a_place_that_is_not_there_is_not_found(api: Api) -> None:
    for name in ("G1", "%20", "x" * 300, "..%2Fx"):
        answer = await api.call("GET", f"{PLACES}/{name}")
        assert answer.status == 404, name

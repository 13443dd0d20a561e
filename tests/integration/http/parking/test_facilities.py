"""Facilities over HTTP: counted by their devices, read by everybody."""

from datetime import timedelta
from typing import Any

import pytest

from tests.given.api import Answer, Api
from tests.given.parking.counts import NINE
from tests.given.parking.places import EAST, NORTH, block, camera, facility, registered
from tests.given.read_models import caught_up

FACILITIES = "/v1/parking/facilities"
READINGS = f"{FACILITIES}/G1/readings"
BERLIN = {"time_zone": "Europe/Berlin", "silence_seconds": 86_400}


@pytest.fixture
async def city(api: Api) -> Api:
    """The block, with a garage in another country; it is two days later."""
    services = api.runtime.services
    services.clock = lambda: NINE + timedelta(days=2)
    await registered(
        services, *block(), facility("G2", 100, **BERLIN), camera("L2", "G2"), facility("G3")
    )
    await caught_up(api.runtime.store, "parking_places", "parking_occupancy")
    return api


def told(free: Any, minutes: float = 0, **said: Any) -> dict[str, Any]:
    at = (NINE + timedelta(minutes=minutes)).isoformat()
    return {"device_id": "L1", "occurred_at": at, "free": free} | said


async def tell(city: Api, body: Any, role: str = "camera", subject: str = "L1") -> Answer:
    return await city.call("POST", READINGS, role, subject=subject, json=body)


async def shown(city: Api, path: str, position: str) -> Any:
    mark = "&" if "?" in path else "?"
    answer = await city.call("GET", f"{FACILITIES}{path}{mark}min_position={position}")
    assert answer.status == 200, answer.body
    return answer.json


async def test_a_counter_is_read_and_everybody_sees_it(city: Api) -> None:
    first = await tell(city, told(40, ref="a"))
    assert (first.status, first.json) == (
        201,
        {"known": False, "state": "known", "anomaly": None, "off_by": 0},
    )
    again = await tell(city, told(40, ref="a"))
    assert (again.status, again.json["known"]) == (200, True)
    position = (await tell(city, told(-2, 5))).headers["X-Position"]
    then = (NINE + timedelta(minutes=6)).isoformat().replace("+", "%2B")
    found = await shown(city, f"/G1?at={then}", position)
    assert (found["free"], found["state"], found["off_by"], found["occupancy"]) == (
        -2,
        "full-counter-off",
        2,
        1.0,
    )
    assert (await shown(city, "/G1", position))["state"] == "stale"
    every = await shown(city, "", position)
    assert [each["place_id"] for each in every["facilities"]] == ["G1", "G2", "G3"]
    assert every["facilities"][2]["state"] == "unknown"
    circle = f"?latitude={NORTH}&longitude={EAST}&radius_m=500&limit=2"
    near = await shown(city, circle, position)
    assert [each["place_id"] for each in near["facilities"]] == ["G1", "G2"]
    assert 222 < near["facilities"][0]["distance_m"] < 223


async def test_a_batch_is_answered_item_by_item(city: Api) -> None:
    items = [
        told(1, facility_id="G1"),
        told(1, 1),
        told("1", 2, facility_id="G1"),
        told(1.5, 3, facility_id="G1"),
        told(1, 4, facility_id="G2"),
        told(1, 5, facility_id="G9"),
        told(1, 6, facility_id="G1", device_id="L2"),
        {"facility_id": "G1", "device_id": "L1", "occurred_at": NINE.isoformat()},
        told(None, 7, facility_id="G1"),
        told(1, facility_id="G1"),
    ]
    answer = await city.call(
        "POST", f"{FACILITIES}/readings/batch", "camera", subject="L1", json={"readings": items}
    )
    assert (answer.status, answer.json["recorded"], answer.json["known"]) == (200, 2, 1)
    assert [(each["index"], each["code"]) for each in answer.json["refused"]] == [
        (1, "invalid-input"),
        (2, "invalid-input"),
        (3, "invalid-input"),
        (4, "not-your-device"),
        (5, "parking-place-unknown"),
        (6, "not-your-device"),
        (7, "invalid-input"),
    ]


async def test_what_a_counter_said_comes_in_pages(city: Api) -> None:
    items = [told(n, n, facility_id="G1") for n in range(25)]
    answer = await city.call(
        "POST", f"{FACILITIES}/readings/batch", "camera", subject="L1", json={"readings": items}
    )
    position = answer.headers["X-Position"]
    when = "since=2026-09-14T00:00:00Z&until=2026-09-14T01:20:00Z"
    frees: list[int] = []
    after = ""
    while True:
        page = await shown(city, f"/G1/occupancy?{when}&limit=7{after}", position)
        frees += [each["free"] for each in page["readings"]]
        if page["next"] is None:
            break
        after = f"&after={page['next']}"
    assert frees == list(range(20)), "until is not included"


async def test_p31_hours_are_of_the_city_or_of_the_facility(city: Api) -> None:
    city.runtime.services.clock = lambda: NINE + timedelta(days=60)
    at = "2026-10-25T00:00:00Z"
    position = (
        await city.call(
            "POST",
            f"{FACILITIES}/G2/readings",
            "camera",
            subject="L2",
            json={"device_id": "L2", "occurred_at": at, "free": 25},
        )
    ).headers["X-Position"]
    day = "since=2026-10-25&until=2026-10-25"
    own = await shown(city, f"/G2/metrics?{day}", position)
    assert own["time_zone"] == "Europe/Berlin"
    assert [each["hour"] for each in own["hours"]] == list(range(24))
    two = own["hours"][2]
    assert (two["seconds"], two["known_seconds"], two["readings"]) == (7200, 7200, 1)
    assert (two["occupancy"], two["mean_free"]) == (0.75, 25)
    assert own["hours"][1] == {
        "date": "2026-10-25",
        "hour": 1,
        "seconds": 3600,
        "known_seconds": 0,
        "readings": 0,
        "occupancy": -1,
        "mean_free": -1,
    }
    theirs = await shown(city, f"/G2/metrics?{day}&zone=city", position)
    assert theirs["time_zone"] == "Asia/Shanghai"
    assert {each["seconds"] for each in theirs["hours"]} == {3600}
    assert theirs["hours"][8]["occupancy"] == 0.75
    spring = await shown(city, "/G2/metrics?since=2026-03-29&until=2026-03-29", position)
    assert [each["hour"] for each in spring["hours"]] == [h for h in range(24) if h != 2]


async def test_hours_that_are_not_over_are_not_told(city: Api) -> None:
    city.runtime.services.clock = lambda: NINE + timedelta(minutes=59)
    position = (await tell(city, told(40))).headers["X-Position"]
    day = "since=2026-09-14&until=2026-09-15"
    found = await shown(city, f"/G1/metrics?{day}", position)
    assert [each["hour"] for each in found["hours"]] == list(range(9))
    future = await shown(city, "/G1/metrics?since=2026-09-20&until=2026-09-21", position)
    assert future["hours"] == []


ODD: list[Any] = [
    {},
    told("40"),
    told(40.0),
    told(True),
    told(2**40),
    told(40, occurred_at="yesterday"),
    told(40, occurred_at="2026-09-14T09:00:00"),
    told(40, device_id=""),
    told(40, device_id="x" * 101),
    told(40, ref=""),
    told(40, ref="x" * 121),
    told(40, ref="a\0"),
    told(40, facility_id="G1"),
    told(40, plate="豫A12345"),
]


@pytest.mark.parametrize("odd", ODD, ids=range(len(ODD)))
async def test_odd_bodies_are_refused_and_nothing_is_stored(city: Api, odd: Any) -> None:
    head = await city.runtime.store.head()
    assert (await tell(city, odd)).is_problem(422, "invalid-input")
    assert await city.runtime.store.head() == head


async def test_what_is_refused_stores_nothing(city: Api) -> None:
    await tell(city, told(40, ref="a"))
    head = await city.runtime.store.head()
    assert (await tell(city, told(41))).is_problem(409, "counter-reading-differs")
    assert (await tell(city, told(40, 1, ref="a"))).is_problem(409, "counter-ref-reused")
    assert (await tell(city, told(40, 60 * 72))).is_problem(409, "time-out-of-order")
    other = told(40, device_id="L2")
    assert (await tell(city, other)).is_problem(403, "not-your-device")
    assert (await tell(city, told(40, device_id="C1"), subject="C1")).is_problem(
        403, "not-your-device"
    )
    for name in ("G9", "Z1", "%20", "x" * 300):
        path = f"{FACILITIES}/{name}/readings"
        answer = await city.call("POST", path, "camera", subject="L1", json=told(40))
        assert answer.is_problem(404, "stream-not-found"), name
    for role in ("operator", "official", "citizen", "kiosk"):
        assert (await tell(city, told(40, 9), role)).is_problem(403, "role-missing")
    assert await city.runtime.store.head() == head


@pytest.mark.parametrize(
    "path",
    [
        "?at=yesterday",
        "?south=1",
        "?radius_m=5",
        "?south=1&west=1&north=2&east=2&latitude=1&longitude=1&radius_m=5",
        "?limit=0",
        "?colour=red",
        "/G1?at=noon",
        "/G1/occupancy?since=2026-09-15T00:00:00Z&until=2026-09-14T00:00:00Z",
        "/G1/occupancy?after=!!!",
        "/G1/occupancy?after=e30",
        "/G1/occupancy?since=2026-09-14T00:00:00",
        "/G1/metrics?since=2026-01-01&until=2026-02-01",
        "/G1/metrics?since=2026-02-01&until=2026-01-01",
        "/G1/metrics?since=0000-01-01",
        "/G1/metrics?zone=moon",
    ],
)
async def test_odd_questions_are_malformed(city: Api, path: str) -> None:
    assert (await city.call("GET", f"{FACILITIES}{path}")).is_problem(400, "malformed-request")


async def test_a_facility_that_is_not_there_is_not_found(city: Api) -> None:
    for path in ("/G9", "/Z1", "/G9/occupancy", "/Z1/metrics", "/G1?at=2020-01-01T00:00:00Z"):
        answer = await city.call("GET", f"{FACILITIES}{path}")
        assert answer.is_problem(404, "stream-not-found"), path

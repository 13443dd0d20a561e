"""What the centre watches, over HTTP: the desk, what is near, deadlines, heat, rates."""

from typing import Any

import pytest

from citybrain.geo.gcj02 import wgs84_to_gcj02
from tests.given.api import Api
from tests.given.cases_over_http import EAST, NORTH, WORKS, act, dispatched


async def get(api: Api, path: str, role: str = "operator", **options: Any) -> Any:
    """A read model's answer, at the head of the log."""
    head = await api.runtime.store.head()
    join = "&" if "?" in path else "?"
    answer = await api.call("GET", f"{path}{join}min_position={head}", role, **options)
    assert answer.status == 200, answer.body
    return answer.json


async def test_the_desk_over_http(api: Api) -> None:
    case_id = await dispatched(api)
    await dispatched(api, "d2", latitude=NORTH + 0.01, class_code="road_damage")
    (row,) = (await get(api, "/v1/cases?class=displaced_manhole_cover&area=410103"))["cases"]
    assert (row["case_id"], row["detections"], row["lead"]) == (case_id, 1, WORKS)
    for empty in ("overdue=true", "waiting=true", "source=citizen", "status=closed", "open=false"):
        assert (await get(api, f"/v1/cases?{empty}"))["cases"] == []
    asked = await act(api, case_id, "requests", "official", WORKS, change="void", reason="a shadow")
    assert asked.status == 200, asked.body
    (waiting,) = (await get(api, "/v1/cases?waiting=true", "supervisor"))["cases"]
    assert waiting["requests"] == ["void"]
    wrong = await api.call("GET", "/v1/cases?department=landscape", "official", department=WORKS)
    assert wrong.is_problem(403, "forbidden")


async def test_what_is_near_comes_in_the_clients_coordinates(api: Api) -> None:
    case_id = await dispatched(api)
    await dispatched(api, "d2", latitude=NORTH + 0.01)
    latitude, longitude = wgs84_to_gcj02(NORTH, EAST)
    path = f"/v1/cases/near?latitude={latitude}&longitude={longitude}&radius_m=200&crs=gcj02"
    (row,) = (await get(api, path))["cases"]
    assert row["case_id"] == case_id
    assert row["distance_m"] < 0.1
    assert abs(row["latitude"] - latitude) < 1e-6
    far = await api.call("GET", f"{path}0000", "operator")
    assert far.status == 400


async def test_deadlines_and_their_summary(api: Api) -> None:
    await dispatched(api)
    board = await get(api, "/v1/deadlines?stage=handling&limit=2")
    assert [each["code"] for each in board["deadlines"]] == ["acceptance", "made-safe"]
    rest = await get(api, f"/v1/deadlines?stage=handling&after={board['next']}")
    assert [each["code"] for each in rest["deadlines"]] == ["handling"]
    assert (await get(api, "/v1/deadlines?within_hours=0"))["deadlines"] == []
    counts = (await get(api, "/v1/deadlines/summary"))["counts"]
    assert {count["responsible"]: count["running"] for count in counts} == {WORKS: 3, "centre": 1}
    other = await get(api, "/v1/deadlines", "official", department="landscape")
    assert other["deadlines"] == []
    made_up = await api.call("GET", "/v1/deadlines?after=W10", "operator")
    assert made_up.is_problem(400, "malformed-request")


async def test_heat_is_geojson(api: Api) -> None:
    await dispatched(api)
    (square,) = (await get(api, "/v1/statistics/heat"))["features"]
    assert square["properties"]["reported"] == 1
    west, south = square["geometry"]["coordinates"][0][0]
    assert west <= EAST <= west + 0.005
    assert south <= NORTH <= south + 0.005
    assert (await get(api, "/v1/statistics/heat?bbox=0,0,1,1"))["features"] == []
    wrong = await api.call("GET", "/v1/statistics/heat?bbox=5,5,1,1", "operator")
    assert wrong.is_problem(400, "malformed-request")


@pytest.mark.parametrize("by", ["area", "department", "class", "day"])
async def test_rates_over_http(api: Api, by: str) -> None:
    await dispatched(api)
    found = await get(api, f"/v1/statistics/evaluation?by={by}")
    assert found["total"]["counts"]["dispatched"] == 1
    assert found["total"]["rates"]["filed"] == 1.0
    assert found["total"]["rates"]["handled_in_time"] is None


async def test_a_departments_card(api: Api) -> None:
    await dispatched(api)
    card = await get(api, f"/v1/statistics/departments/{WORKS}")
    assert card["total"]["counts"]["dispatched"] == 1
    assert card["deadlines"]["running"] == 3
    assert [each["key"] for each in card["classes"]] == ["displaced_manhole_cover"]
    unknown = await api.call("GET", "/v1/statistics/departments/nobody", "operator")
    assert unknown.is_problem(404, "department-not-found")

"""SPaT over HTTP and as a stream: everybody reads it, cheaply, and hears of each change."""

import asyncio
from collections.abc import AsyncGenerator
from typing import Any

import orjson

from tests.given.api import Api
from tests.given.signals.told import Told
from tests.given.waiting import PATIENCE_SECONDS

SPAT = "/v1/signals/spat"


async def test_everybody_reads_what_lamps_show_and_only_when_it_changes(
    api: Api, told: Told
) -> None:
    first = await api.call("GET", SPAT)
    (junction,) = first.json["intersections"]
    assert (first.status, junction["name"], junction["id"]) == (200, "x1", {"id": 1234})
    assert junction["status"] == ["trafficDependentOperation"]
    assert (junction["timeMark"], junction["timeStamp"]) == (0, 0)
    assert junction["moy"] == (256 * 24 + 2) * 60  # 14 September, two o'clock
    by_name = {each["movementName"]: each for each in junction["states"]}
    assert by_name["V1"]["signalGroup"] == 4
    assert by_name["V1"]["state-time-speed"] == [
        {
            "eventState": "protected-Movement-Allowed",
            "timing": {"startTime": 0, "minEndTime": 70, "maxEndTime": 36001, "likelyTime": 36001},
        }
    ]
    known = {"If-None-Match": first.headers["ETag"]}
    told.clock(3)
    tag = known["If-None-Match"]
    for said in (tag, f'W/{tag}, "other"', "*"):
        again = await api.call("GET", SPAT, headers={"If-None-Match": said})
        assert (again.status, again.body) == (304, b""), said
    told.street.wish(7, "C")
    await told.tell()
    told.clock(7.5)
    changed = await api.call("GET", f"{SPAT}?junctions=x1", headers=known)
    states = changed.json["intersections"][0]["states"]
    (v2,) = [each for each in states if each["movementName"] == "V2"]
    assert [each["eventState"] for each in v2["state-time-speed"]] == [
        "stop-And-Remain",
        "protected-Movement-Allowed",
    ]
    assert v2["state-time-speed"][1]["timing"]["startTime"] == 270
    none = await api.call("GET", f"{SPAT}?junctions=x2")
    assert (none.status, none.json["intersections"]) == (200, [])
    assert (await api.call("GET", f"{SPAT}?junctions=,")).is_problem(400, "malformed-request")


async def messages(api: Api, path: str) -> AsyncGenerator[dict[str, Any], None]:
    async with api.session.get(api.url + path) as answer:
        assert answer.status == 200
        async for line in answer.content:
            if line.startswith(b"data: "):
                yield orjson.loads(line[6:])


async def test_who_follows_hears_of_decisions_and_of_lamps_that_change(
    api: Api, told: Told
) -> None:
    follower = messages(api, f"{SPAT}/live?junctions=x1,x2")

    async def shows(expected: str) -> None:
        """Messages come until V1 shows this; before, it shows what it did."""
        while True:
            said = await asyncio.wait_for(anext(follower), PATIENCE_SECONDS)
            (junction,) = said["intersections"]
            states = {each["movementName"]: each["state-time-speed"] for each in junction["states"]}
            if states["V1"][0]["eventState"] == expected:
                return

    await shows("protected-Movement-Allowed")
    told.street.wish(7, "C")
    told.clock(9.5)
    await told.tell()
    await shows("protected-clearance")
    told.clock(10)  # half a second later: nothing is said of it, it was decided before
    await shows("stop-And-Remain")
    await follower.aclose()


async def test_lanes_and_movements_have_the_groups_of_spat(api: Api) -> None:
    answer = await api.call("GET", "/v1/signals/map?junctions=renmin_1,renmin_2&limit=1")
    assert (answer.status, answer.json["next"]) == (200, "renmin_1")
    (junction,) = answer.json["intersections"]
    assert (junction["name"], junction["id"]) == ("renmin_1", {"id": 1001})
    lanes = {each["laneID"]: each for each in junction["laneSet"]}
    by_name = {each["name"]: each for each in lanes.values()}
    west = by_name["W1"]
    assert west["maneuvers"] == ["maneuverRightAllowed", "maneuverStraightAllowed"]
    assert west["laneAttributes"] == {"directionalUse": ["ingressPath"], "laneType": "vehicle"}
    right, through = west["connectsTo"]
    assert (right["name"], right["remoteIntersection"], right["signalGroup"]) == ("WR", None, 4)
    assert through["remoteIntersection"] == {"id": 1002}
    beyond = lanes[through["connectingLane"]["lane"]]
    assert (beyond["name"], beyond["laneAttributes"]["directionalUse"]) == ("XE1", ["egressPath"])
    assert beyond["egressApproach"] == by_name["E1"]["ingressApproach"]
    crossings = [each for each in lanes.values() if each["laneAttributes"]["laneType"] != "vehicle"]
    assert sorted(each["name"] for each in crossings) == ["P1", "P1", "P2", "P2"]

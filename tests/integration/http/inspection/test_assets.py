"""Things in the street: the register, and cases that go to who looks after them."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from citybrain.systems import SYSTEMS, projection_named
from citybrain.systems.system import System
from projections.rebuild import compare
from tests.given.api import REPORT, Answer, Api
from tests.given.read_models import caught_up

LAMP = {
    "kind": "lamp",
    "name": "路燈 42",
    "owner": "municipal-works",
    "latitude": 34.7,
    "longitude": 113.6,
    "address": None,
}
CODE = "4101050300000042"


@pytest.fixture
def at_work() -> Sequence[System]:
    """The read models, and no process manager that would take a step first."""
    return [replace(system, processes=()) for system in SYSTEMS]


async def put(api: Api, code: str = CODE, **said: object) -> Answer:
    return await api.call("PUT", f"/v1/assets/{code}", "operator", json=LAMP | said)


async def codes(api: Api, query: str) -> list[str]:
    await caught_up(api.runtime.store)
    answer = await api.call("GET", f"/v1/assets?{query}", "official")
    assert answer.status == 200, answer.body
    return [each["asset_code"] for each in answer.json["assets"]]


async def test_a_case_about_a_thing_goes_to_its_owner(api: Api) -> None:
    assert [(await put(api)).json["version"] for _ in range(2)] == [1, 1]
    await put(api, "bench-7", kind="bench", owner="landscape", latitude=34.8)
    assert (await put(api, owner="nobody")).is_problem(422, "unknown-department")
    for query, found in (
        ("", [CODE, "bench-7"]),
        ("kind=lamp", [CODE]),
        ("owner=landscape", ["bench-7"]),
        ("latitude=34.7001&longitude=113.6&radius_m=50", [CODE]),
        ("limit=1", [CODE]),
        (f"after={CODE}", ["bench-7"]),
    ):
        assert await codes(api, query) == found, query
    half = await api.call("GET", "/v1/assets?latitude=34.7", "official")
    assert half.status == 400

    case = await api.call("POST", "/v1/cases", "gateway", json=REPORT)
    path = f"/v1/cases/{case.json['case_id']}"
    unknown = await api.call("POST", f"{path}/asset", "operator", json={"asset_code": "x"})
    assert unknown.is_problem(404, "stream-not-found")
    named = await api.call("POST", f"{path}/asset", "operator", json={"asset_code": CODE})
    filed = await api.step(named, "file", "operator")
    sent = await api.step(filed, "dispatch", "operator")
    assert sent.status == 200, sent.body
    state = (await api.call("GET", path, "operator")).json
    assert (state["asset_code"], state["departments"]) == (CODE, ["municipal-works"])
    await caught_up(api.runtime.store)
    desk = await api.call("GET", f"/v1/cases?asset={CODE}", "operator")
    assert [each["asset_code"] for each in desk.json["cases"]] == [CODE]

    removal = f"/v1/assets/{CODE}/removal"
    gone = await api.call("POST", removal, "operator", json={"reason": "the road is closed"})
    assert gone.json["retired"]
    refused = await api.call("POST", f"{path}/asset", "operator", json={"asset_code": CODE})
    assert refused.is_problem(409, "asset-retired")
    assert await codes(api, "retired=true") == [CODE]
    assert (await put(api, name="路燈 42 新")).json == {
        "asset_code": CODE,
        "retired": False,
        "version": 3,
    }
    await caught_up(api.runtime.store)
    for model in ("assets", "case_desk"):
        assert (await compare(api.runtime.store, projection_named(model))).equal, model

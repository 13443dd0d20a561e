"""Buses ask for priority over HTTP: the gateway of their company, each junction for itself."""

from typing import Any

import pytest

from citybrain.http.signals.board import members
from tests.given.api import Answer, Api
from tests.given.read_models import project
from tests.given.signals.attack import CITY
from tests.given.signals.told import Told
from tests.given.signals.x1 import at

PATH = "/v1/signals/buses/requests"


@pytest.fixture
def definition() -> dict[str, Any]:
    lines = {"m1": {"group": "V1", "headway": 300}, "m2": {"group": "V2", "headway": 300}}
    return CITY | {"buses": {"again_after": 180, "lines": lines}}


def item(comes: float = 10, **said: Any) -> dict[str, Any]:
    asked = {"junction": "x1", "line": "m1", "request": "m1-7", "late_s": 90}
    asked |= {"request_type": "priorityRequest", "arrives_at": at(comes).isoformat()}
    return asked | said


async def ask(api: Api, *items: Any, role: str = "gateway") -> Answer:
    return await api.call("POST", PATH, role, subject="bus:m1", json={"requests": list(items)})


def told_of(answer: Answer) -> list[tuple[str | None, str | None]]:
    return [(each["status"], each["because"]) for each in answer.json["told"]]


async def test_a_late_bus_is_granted_and_the_junction_shows_it_until_it_has_passed(
    told: Told,
) -> None:
    api = told.api
    on_time, late = item(request="m1-6", late_s=10), item()
    answer = await ask(api, on_time, late)
    assert told_of(answer) == [("rejected", "on-time"), ("granted", "late")]
    assert answer.json["told"][1]["until"] == "2026-09-14T02:00:20Z"
    await project(api.runtime.store, "signal_junctions")
    path = "/v1/signals/junctions/x1"
    shown = (await api.call("GET", path, "official", department="traffic_police")).json["buses"]
    assert [(each["request"], each["status"], each["late_s"]) for each in shown] == [
        ("m1-6", "rejected", 10.0),
        ("m1-7", "granted", 90.0),
    ]
    (junction,) = (await members(api.runtime))["signals"]["junctions"]
    assert junction["bus"] == {"line": "m1", "late_s": 90}
    gone: dict[str, Any] = {
        "request_type": "priorityCancellation",
        "arrives_at": None,
        "passed": True,
    }
    assert told_of(await ask(api, item(**gone))) == [(None, None)]
    assert told_of(await ask(api, item(**gone))) == [(None, None)], "once more changes nothing"
    assert told_of(await ask(api, item(request="m1-8"))) == [("rejected", "close-behind")]


async def test_what_cannot_be_is_refused_for_itself(told: Told) -> None:
    wrong = [
        item(line="m2"),
        item(arrives_at=None),
        item(junction="x9"),
        item(comes=400),
        item(late_s=90.5),
        item(plate="豫A12345"),
    ]
    answer = await ask(told.api, *wrong, item())
    refused = {each["index"]: each["code"] for each in answer.json["refused"]}
    assert refused == {
        0: "not-your-device",
        1: "invalid-input",
        2: "signal-junction-not-in-service",
        3: "signal-bus-arrival-unlikely",
        4: "invalid-input",
        5: "invalid-input",
    }
    assert told_of(answer) == [("granted", "late")]
    assert "豫" not in answer.body.decode()


async def test_only_gateways_ask(told: Told) -> None:
    for role in ("official", "citizen", "vehicle", "camera", "auditor"):
        assert (await ask(told.api, item(), role=role)).is_problem(403, "role-missing")

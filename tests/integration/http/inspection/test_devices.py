"""Devices over HTTP: each reports in its own name, and in those that its token names."""

from typing import Any

import pytest

from tests.given.api import Answer, Api
from tests.given.cases_over_http import EAST, NORTH, seen

PLACE = {"latitude": NORTH, "longitude": EAST, "simulated": True}


async def switch(api: Api, camera: str, role: str, subject: str, online: bool = False) -> Answer:
    body = PLACE | {"online": online, "reason": "no picture"}
    return await api.call("PUT", f"/v1/cameras/{camera}", role, subject=subject, json=body)


@pytest.fixture
def with_workers() -> bool:
    return False


@pytest.mark.parametrize("role", ["camera", "vehicle"])
async def test_a_camera_switches_and_reports_for_itself_only(api: Api, role: str) -> None:
    assert (await switch(api, "eye-1", role, "eye-1", online=True)).status == 200
    assert (await switch(api, "eye-2", role, "eye-1")).is_problem(403, "not-your-device")
    head = await api.runtime.store.head()
    other = await switch(api, "eye-1", role, "eye-2")
    assert other.is_problem(403, "not-your-device")
    heard = await api.runtime.store.pool.fetchval(
        "SELECT count(*) FROM camera_heartbeats WHERE camera_id = 'eye-2'"
    )
    assert (heard, await api.runtime.store.head()) == (0, head)
    for camera, status in (("eye-1", 201), ("eye-2", 403)):
        answer = await api.call(
            "POST", "/v1/detections", role, subject="eye-1", json=seen("d1", camera_id=camera)
        )
        assert answer.status == status, answer.body


async def test_a_gateway_reports_for_the_cameras_that_its_token_names(api: Api) -> None:
    assert (await switch(api, "c-7", "gateway", "gateway-1", online=True)).status == 200
    assert (await switch(api, "d-7", "gateway", "gateway-1")).is_problem(403, "not-your-device")
    body: Any = {"detections": [seen("d1", camera_id=camera) for camera in ("c-7", "d-7")]}
    answer = await api.call("POST", "/v1/detections/batch", "gateway", json=body)
    refused = [(each["index"], each["code"]) for each in answer.json["refused"]]
    assert (answer.json["recorded"], refused) == (1, [(1, "not-your-device")])


async def test_a_reference_that_is_used_names_one_detection(api: Api) -> None:
    detection = seen("d1", camera_id="eye-1")
    for confidence, status in ((90, 201), (90, 200), (91, 409)):
        body = detection | {"confidence": confidence}
        answer = await api.call("POST", "/v1/detections", "camera", subject="eye-1", json=body)
        assert answer.status == status, answer.body
    assert answer.is_problem(409, "detection-ref-reused")


async def test_the_centre_switches_any_camera_and_a_kiosk_none(api: Api) -> None:
    assert (await switch(api, "c-7", "operator", "operator-1", online=True)).status == 200
    assert (await switch(api, "c-7", "kiosk", "c-7")).is_problem(403, "role-missing")


@pytest.mark.parametrize("role", ["camera", "gateway", "vehicle"])
async def test_a_street_device_knows_no_citizens(api: Api, role: str) -> None:
    citizen = f"/v1/citizens/citizen-{'1' * 32}"
    for path in (
        "/v1/faces/identification",
        f"{citizen}/face/challenges",
        f"{citizen}/face/verification",
        f"{citizen}/identity/codes",
        "/v1/applications",
    ):
        answer = await api.call("POST", path, role, json={"purpose": "refund-waiting-call-us"})
        assert answer.is_problem(403, "role-missing"), path

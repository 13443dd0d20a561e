"""Cases over HTTP beside their plain way: detections, joint decisions, approvals, merges."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.given.api import Api
from tests.given.cases_over_http import (
    DIGEST,
    EAST,
    NORTH,
    POLICE,
    WORKS,
    act,
    at_status,
    detect,
    dispatched,
    seen,
)
from tests.given.waiting import eventually


async def test_each_detection_of_a_batch_is_taken_for_itself(api: Api) -> None:
    sound = seen("d1")
    answer = await detect(api, sound, {"camera_id": "c-1"}, seen("d2", class_code="nothing"), sound)
    assert answer.status == 200, answer.body
    refused = [(each["index"], each["code"], each["retry"]) for each in answer.json["refused"]]
    assert refused == [(1, "invalid-input", False), (2, "unknown-class", False)]
    assert answer.json["recorded"] + answer.json["known"] == 2
    assert "camera_id" not in answer.json["refused"][0]["detail"]
    again = await detect(api, sound)
    assert (again.json["recorded"], again.json["known"]) == (0, 1)


@pytest.mark.parametrize(
    ("fields", "status", "code"),
    [
        ({"confidence": 0}, 422, "invalid-input"),
        ({"latitude": 91}, 422, "invalid-input"),
        ({"class_code": "nothing"}, 422, "unknown-class"),
        ({"occurred_at": "2999-01-01T00:00:00Z"}, 409, "time-out-of-order"),
        ({"camera_id": "../x"}, 422, "invalid-input"),
        ({"more": 1}, 422, "invalid-input"),
    ],
)
async def test_a_detection_that_is_wrong_leaves_nothing(
    api: Api, fields: dict[str, Any], status: int, code: str
) -> None:
    head = await api.runtime.store.head()
    answer = await api.call("POST", "/v1/detections", "gateway", json=seen("d1", **fields))
    assert answer.is_problem(status, code)
    assert await api.runtime.store.head() == head


async def test_a_batch_has_its_limits_and_its_role(api: Api) -> None:
    assert (await detect(api)).is_problem(422, "invalid-input")
    assert (await detect(api, *[{}] * 1001)).is_problem(422, "invalid-input")
    body = {"detections": [seen("d1")]}
    answer = await api.call("POST", "/v1/detections/batch", "citizen", json=body)
    assert answer.is_problem(403, "role-missing")


async def test_unsure_detections_wait_for_a_person(api: Api) -> None:
    unsure = [
        seen(f"d{number}", confidence=40, latitude=NORTH + number / 100) for number in range(3)
    ]
    answer = await detect(api, *unsure)
    path = f"/v1/detections?min_position={answer.headers['X-Position']}"
    page = (await api.call("GET", f"{path}&limit=2", "operator")).json
    rest = (await api.call("GET", f"{path}&after={page['next']}", "operator")).json
    ids = [each["detection_id"] for each in page["detections"] + rest["detections"]]
    assert len(set(ids)) == 3
    confirmed = await api.call("POST", f"/v1/detections/{ids[0]}/confirm", "operator", json={})
    assert confirmed.json["status"] == "confirmed"
    body = {"reason": "a shadow"}
    dismissed = await api.call("POST", f"/v1/detections/{ids[1]}/dismiss", "operator", json=body)
    assert dismissed.json["status"] == "dismissed"
    again = await api.call("POST", f"/v1/detections/{ids[1]}/confirm", "operator", json={})
    assert again.is_problem(409, "not-awaiting-confirmation")
    path = f"/v1/detections?min_position={dismissed.headers['X-Position']}"
    left = (await api.call("GET", path, "operator")).json["detections"]
    assert [each["detection_id"] for each in left] == [ids[2]]
    state = (await api.call("GET", f"/v1/detections/{ids[0]}", "auditor")).json
    assert (state["status"], state["confidence"]) == ("confirmed", 40)


async def test_cameras_that_are_off_are_seen(api: Api) -> None:
    place = {"latitude": NORTH, "longitude": EAST, "simulated": True}
    for number, online in ((1, True), (2, False), (3, True), (3, False)):
        answer = await api.call(
            "PUT", f"/v1/cameras/c-{number}", "gateway", json=place | {"online": online}
        )
        assert answer.json["online"] is online
    path = f"/v1/cameras?min_position={answer.headers['X-Position']}"
    found = (await api.call("GET", f"{path}&online=false", "operator")).json
    assert ([camera["camera_id"] for camera in found["cameras"]], found["total"]) == (
        ["c-2", "c-3"],
        3,
    )
    (
        await api.call("PUT", "/v1/cameras/a%20b", "gateway", json=place | {"online": True})
    ).is_problem(400, "malformed-request")


async def test_a_joint_decision_from_end_to_end(api: Api) -> None:
    case_id = await dispatched(api)
    for department in (WORKS, POLICE):
        assert (await act(api, case_id, "accept", "official", department)).status == 200
    tasks = [{"department": POLICE, "task": "close the lane"}]
    decided = await act(api, case_id, "decide", "official", WORKS, plan="new cover", tasks=tasks)
    assert decided.status == 200, decided.body
    early = await act(api, case_id, "handle", "official", WORKS, evidence_sha256=[DIGEST])
    assert early.is_problem(409, "tasks-open")
    assert early.json["departments"] == [POLICE]
    assert (await act(api, case_id, "tasks", "official", POLICE)).status == 200
    safe = await act(api, case_id, "milestones", "official", WORKS, milestone="made-safe")
    assert safe.status == 200, safe.body
    handled = await act(api, case_id, "handle", "official", WORKS, evidence_sha256=[DIGEST])
    assert handled.json["status"] == "handled"


async def test_a_change_takes_two_people(api: Api) -> None:
    case_id = await dispatched(api)
    asked = await act(
        api,
        case_id,
        "requests",
        "official",
        WORKS,
        change="extension",
        reason="rain",
        deadline="handling",
        amount=6,
    )
    assert asked.status == 200, asked.body
    request = {"request_id": asked.json["request_id"], "note": "granted"}
    for role in ("operator", "official"):
        refused = await act(api, case_id, "approve", role, **request)
        assert refused.is_problem(403, "role-missing")
    path = f"/v1/cases/{case_id}/approve"
    assert api.runtime.development is not None
    token = api.runtime.development.token(f"official-{WORKS}", ["supervisor"], None)
    own = await api.call("POST", path, json=request, headers={"Authorization": f"Bearer {token}"})
    assert own.is_problem(403, "same-person")
    approved = await act(api, case_id, "approve", "supervisor", **request)
    assert approved.status == 200, approved.body
    state = (await api.call("GET", f"/v1/cases/{case_id}", "supervisor")).json
    assert (state["times_extended"], state["requests"]) == (1, [])


async def test_a_deferred_case_is_resumed(api: Api) -> None:
    case_id = await dispatched(api)
    until_then = (datetime.now(UTC) + timedelta(days=2)).isoformat()
    asked = await act(
        api,
        case_id,
        "requests",
        "official",
        WORKS,
        change="deferral",
        reason="frost",
        until=until_then,
    )
    await act(api, case_id, "approve", "supervisor", request_id=asked.json["request_id"])
    still = await act(api, case_id, "accept", "official", WORKS)
    assert still.is_problem(409, "case-deferred")
    assert (await act(api, case_id, "resume", "operator")).status == 200
    assert (await act(api, case_id, "accept", "official", WORKS)).status == 200


async def test_two_cases_are_merged_and_stand_alone_again(api: Api) -> None:
    one = await dispatched(api, "d1")
    other = await dispatched(api, "d2", latitude=NORTH + 0.001)
    merged = await act(api, one, "merge", "operator", into_case_id=other, reason="the same")
    assert merged.json["case_id"] == other
    state = await eventually(lambda: at_status(api, one, "merged"))
    assert state.json["merged_into"] == other
    assert (await act(api, one, "accept", "official", WORKS)).is_problem(409, "wrong-case-status")
    assert (await act(api, one, "unmerge", "operator", reason="not")).json["status"] == "dispatched"
    itself = await act(api, one, "merge", "operator", into_case_id=one, reason="the same")
    assert itself.is_problem(422, "invalid-input")


async def test_a_detection_gets_a_case_of_its_own(api: Api) -> None:
    case_id = await dispatched(api)
    again = await api.call("POST", "/v1/detections", "gateway", json=seen("d2"))
    detection_id = again.json["detection_id"]

    async def both() -> Any:
        case = (await api.call("GET", f"/v1/cases/{case_id}", "operator")).json
        return len(case["detections"]) == 2

    await eventually(both)
    separated = await act(
        api, case_id, "separate", "operator", detection_id=detection_id, reason="another cover"
    )
    assert separated.status == 200, separated.body
    last = await act(api, case_id, "separate", "operator", detection_id=detection_id, reason="x")
    assert last.is_problem(409, "no-such-detection")


async def test_an_unsure_camera_sends_a_detection_not_a_case(api: Api) -> None:
    body = {
        "source": "camera",
        "class_code": "displaced_manhole_cover",
        "latitude": NORTH,
        "longitude": EAST,
        "confidence": 40,
        "simulated": True,
    }
    answer = await api.call("POST", "/v1/cases", "gateway", json=body)
    assert answer.is_problem(422, "confidence-too-low")
    assert await api.runtime.store.head() == 0


async def test_a_case_is_read_by_whom_it_concerns(api: Api) -> None:
    case_id = await dispatched(api)
    head = await api.runtime.store.head()
    for path in (f"/v1/cases/{case_id}", f"/v1/cases/{case_id}/timeline?min_position={head}"):
        for department, status in ((WORKS, 200), (POLICE, 200), ("landscape", 404)):
            answer = await api.call("GET", path, "official", department=department)
            assert answer.status == status, (path, department)
        assert (await api.call("GET", path, "supervisor")).status == 200


async def test_a_reporter_sees_nothing_of_what_others_reported(api: Api) -> None:
    ids = []
    for number in (1, 2):
        body = {
            "source": "citizen",
            "class_code": "road_damage",
            "latitude": NORTH,
            "longitude": EAST,
            "description": f"from {number}",
            "simulated": True,
        }
        told = await api.call(
            "POST", "/v1/cases", "citizen", subject=f"citizen-{number}", json=body
        )
        ids.append(told.json["case_id"])
        await eventually(lambda: at_status(api, ids[-1], "dispatched"))
    merged = await act(api, ids[1], "merge", "operator", into_case_id=ids[0], reason="one hole")
    assert merged.status == 200, merged.body
    head = await api.runtime.store.head()
    path = f"/v1/cases/{ids[0]}/timeline?merged=true&min_position={head}"
    own = await api.call("GET", path, "citizen", subject="citizen-1")
    assert b"from 2" not in own.body
    assert b"from 2" in (await api.call("GET", path, "operator")).body


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/v1/cases/case-%00", 404),
        ("/v1/cases/case-%00/timeline", 404),
        ("/v1/cases/case-%00/comments", 404),
        ("/v1/cameras?after=%00", 400),
    ],
)
async def test_odd_questions_are_answered(api: Api, path: str, status: int) -> None:
    assert (await api.call("GET", path, "operator")).status == status

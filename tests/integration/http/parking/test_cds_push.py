"""CDS events that devices push: each for itself, once by its id, and nothing that is wrong."""

from typing import Any
from uuid import uuid4

import orjson
import pytest

from citybrain.http.parking.cds.identities import uuid_of
from tests.given.api import Answer, Api
from tests.given.parking.cds.city import ended, happened, opened_street
from tests.given.parking.cds.client import analyst, json_type, ms, refused
from tests.given.parking.cds.schemas import PUSHED
from tests.given.parking.city import GARAGE, Street, at
from tests.given.read_models import caught_up

PLATE = "豫A12345"


@pytest.fixture
async def street(api: Api) -> Street:
    """The small city, at noon."""
    return await opened_street(api)


def pushed(**members: Any) -> dict[str, Any]:
    """An event as a device of 1.1 sends it."""
    return {
        "event_id": str(uuid4()),
        "event_type": "park_start",
        "event_time": ms(at("11:10")),
        "event_publication_time": ms(at("11:11")),
        "data_source_type": "camera",
        "data_source_device_id": uuid_of("c-1"),
        "event_location": {"type": "Point", "coordinates": [113.6253, 34.7466]},
        "curb_space_id": uuid_of("Z1-001"),
        "vehicle_license_plate": PLATE,
        "vehicle_license_plate_confidence": 97,
    } | members


async def push(api: Api, events: Any, path: str = "event", **options: Any) -> Answer:
    """As the camera `c-1`, or as nobody; a body as it is, where it is bytes."""
    body = events if isinstance(events, bytes) else orjson.dumps(events)
    role = options.pop("role", "camera")
    headers = {"Content-Type": "application/json"} | options.pop(
        "headers", {"Accept": json_type("1.1")}
    )
    return await api.call(
        "POST",
        f"/cds/events/{path}",
        role,
        subject=options.pop("subject", "c-1"),
        data=body,
        headers=headers,
    )


def outcome(answer: Answer, status: int) -> dict[str, Any]:
    assert answer.status == status, answer.body
    assert answer.headers["Content-Type"] == json_type("1.1")
    body: dict[str, Any] = answer.json
    assert PUSHED.is_valid(body), [each.message for each in PUSHED.iter_errors(body)]
    assert body["success"] + len(body["failures"]) == body["total"]
    return body


async def test_p64_push_the_same_batch_again(api: Api, street: Street) -> None:
    batch = [
        pushed(),
        pushed(curb_space_id=uuid_of("Z1-002"), vehicle_license_plate_confidence=0.9),
        pushed(event_type="park_end", event_time=ms(at("11:40"))),
    ]
    first = outcome(await push(api, batch), 201)
    assert (first["success"], first["total"]) == (2, 3)
    (failure,) = first["failures"]
    assert failure["item"]["event_id"] == batch[1]["event_id"]
    assert failure["error"] == "bad_param"
    assert "vehicle_license_plate_confidence" in failure["error_details"]
    assert PLATE not in orjson.dumps(first).decode()
    recorded = await happened(api, "parking.detected")
    again = outcome(await push(api, batch), 200)
    assert (again["success"], again["total"]) == (2, 3)
    assert await happened(api, "parking.detected") == recorded == 2
    more = outcome(await push(api, [pushed(curb_space_id=uuid_of("Z1-003"))], "events"), 201)
    assert more["success"] == 1
    other = outcome(await push(api, [batch[0] | {"event_time": ms(at("11:12"))}]), 200)
    assert other["failures"][0]["error"] == "parking_detection_ref_reused"
    device = outcome(await push(api, [batch[0] | {"data_source_device_id": uuid_of("c-2")}]), 200)
    assert len(device["failures"]) == 1
    await caught_up(api.runtime.store, "parking_cds_events")
    found = await analyst(api, "1.1").list("events/events")
    assert {batch[0]["event_id"], batch[2]["event_id"]} <= {each["event_id"] for each in found}
    refused(await push(api, batch, role=None), 401, "unauthorized", "1.1")


async def test_what_is_pushed_becomes_a_session(api: Api, street: Street) -> None:
    batch = [pushed(), pushed(event_type="park_end", event_time=ms(at("11:40")))]
    outcome(await push(api, batch), 201)
    await ended(api, 1)
    session = await street.one()
    assert (session.arrived_at, session.left_at) == (at("11:10"), at("11:40"))
    assert session.plate is not None


@pytest.mark.parametrize(
    ("members", "type_told"),
    [
        ({"event_type": "enter_area", "custom_attributes": {"facility": GARAGE}}, "enter_area"),
        ({"event_type": "exit_area", "custom_attributes": {"facility": GARAGE}}, "exit_area"),
        ({"event_type": "vehicle_detected"}, "vehicle_detected"),
        ({"event_type": "scheduled_report", "curb_occupants": []}, "scheduled_report"),
        (
            {"event_type": "scheduled_report", "curb_occupants": [{"type": "car"}]},
            "vehicle_detected",
        ),
        ({"event_type": "comms_lost"}, "comms_lost"),
        ({"event_type": "comms_restored"}, "comms_restored"),
        ({"vehicle_license_plate_jurisdiction": "CN-HA"}, "park_start"),
        ({"vehicle_color": "red", "something": {"else": 1}}, "park_start"),
    ],
)
async def test_what_is_taken_in(
    api: Api, street: Street, members: dict[str, Any], type_told: str
) -> None:
    if members.get("event_type", "").startswith("comms"):
        members = members | {
            "vehicle_license_plate": None,
            "vehicle_license_plate_confidence": None,
        }
    event = pushed(**members)
    body = outcome(await push(api, [event]), 201)
    assert body["failures"] == []
    await caught_up(api.runtime.store, "parking_cds_events", "parking_places")
    (found,) = await analyst(api, "1.1").list("events/events")
    assert (found["event_id"], found["event_type"]) == (event["event_id"], type_told)


FEATURE = {
    "type": "Feature",
    "properties": {"timestamp": 1789347600000},
    "geometry": {"type": "Point", "coordinates": [113.6253, 34.7466]},
}
WRONG: list[tuple[Any, str]] = [
    (None, "bad_param"),
    (1, "bad_param"),
    ("x", "bad_param"),
    ([], "bad_param"),
    ({}, "missing_param"),
    (pushed(event_id="x"), "bad_param"),
    (pushed(event_id=None), "bad_param"),
    (pushed(event_type="parked"), "bad_param"),
    (pushed(event_type="citation_issued"), "bad_param"),
    (pushed(event_type="decommissioned"), "bad_param"),
    (pushed(event_type=None), "bad_param"),
    (pushed(event_time="1789347600000"), "bad_param"),
    (pushed(event_time=1789347600), "bad_param"),
    (pushed(event_time=-1), "bad_param"),
    (pushed(event_time=1789347600000.5), "bad_param"),
    (pushed(event_time=1 << 62), "bad_param"),
    (pushed(event_time=True), "bad_param"),
    (pushed(data_source_type="drone"), "bad_param"),
    (pushed(data_source_device_id=str(uuid4())), "bad_param"),
    (pushed(data_source_device_id=uuid_of("Z1")), "bad_param"),
    (pushed(curb_space_id=str(uuid4())), "bad_param"),
    (pushed(curb_space_id=uuid_of("Z1")), "bad_param"),
    (pushed(curb_space_id=None), "missing_param"),
    (pushed(event_location=FEATURE), "bad_param"),
    (pushed(event_location={"type": "Point", "coordinates": [[113.6, 34.7]]}), "bad_param"),
    (pushed(event_location={"type": "Point", "coordinates": ["113.6", "x"]}), "bad_param"),
    (pushed(vehicle_license_plate="豫AI12345"), "plate_letter_unused"),
    (pushed(vehicle_license_plate=""), "bad_param"),
    (pushed(vehicle_license_plate="\x00"), "bad_param"),
    (pushed(vehicle_license_plate_confidence=0), "bad_param"),
    (pushed(vehicle_license_plate_confidence=101), "bad_param"),
    (pushed(vehicle_license_plate_confidence="97"), "bad_param"),
    (pushed(vehicle_license_plate_jurisdiction="china"), "bad_param"),
    (pushed(event_type="scheduled_report"), "missing_param"),
    (pushed(event_type="enter_area"), "missing_param"),
    (pushed(event_type="enter_area", custom_attributes={"facility": "'; --"}), "missing_param"),
    (
        pushed(event_type="enter_area", custom_attributes={"facility": "nowhere"}),
        "parking_place_unknown",
    ),
    (pushed(event_time=ms(at("12:00", "2026-09-15"))), "time_out_of_order"),
    (pushed(custom_attributes={"a": 1}), "bad_param"),
]


async def test_what_is_not_taken_in_costs_no_other(api: Api, street: Street) -> None:
    good = pushed(curb_space_id=uuid_of("Z1-009"))
    batch = [item for item, _ in WRONG]
    body = outcome(await push(api, [*batch, good]), 201)
    assert body["success"] == 1
    assert [failure["error"] for failure in body["failures"]] == [error for _, error in WRONG]
    assert [each["error_details"][0] for each in body["failures"]] == [
        f"item {number}" for number in range(len(WRONG))
    ]
    assert "豫A" not in orjson.dumps(body).decode()
    assert await happened(api, "parking.detected") == 1


async def test_whose_device_it_is(api: Api, street: Street) -> None:
    body = outcome(await push(api, [pushed()], subject="c-2"), 200)
    assert body["failures"][0]["error"] == "not_your_device"
    for role in ("official", "citizen", "auditor", "kiosk"):
        answer = await push(api, [pushed()], role=role)
        refused(answer, 401, "insufficient_scope", "1.1")


async def test_bodies_that_are_no_batch(api: Api, street: Street) -> None:
    for body in (
        b"",
        b"{",
        b"null",
        b"{}",
        b'"x"',
        b"\xff\xfe[]",
        b"[NaN]",
        b"[" * 100_000,
        b"[" + b",".join([b"1"] * 1001) + b"]",
    ):
        refused(await push(api, body), 400, "bad_param", "1.1")
    refused(await push(api, b" " * (2 * 1024 * 1024 + 1)), 413, "body_too_large", "1.1")
    text = {"Content-Type": "text/plain", "Accept": json_type("1.1")}
    refused(await push(api, [pushed()], headers=text), 415, "unsupported_media_type", "1.1")
    assert outcome(await push(api, []), 200) == {"success": 0, "total": 0, "failures": []}
    assert await happened(api, "parking.detected") == 0


@pytest.mark.parametrize("path", ["event", "events"])
async def test_1_0_has_no_push(api: Api, street: Street, path: str) -> None:
    old = {"Accept": json_type("1.0")}
    refused(await push(api, [pushed()], path, headers=old), 404, "not_found")
    anything: dict[str, str] = {}
    outcome(await push(api, [pushed()], path, headers=anything), 201)

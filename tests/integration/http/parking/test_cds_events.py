"""CDS Events over HTTP: what is told of what happened, to whom, and what is taken in."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from citybrain.http.parking.cds.identities import uuid_of
from commands.parking.places import NewPlace
from tests.given.api import Api
from tests.given.parking.cds.city import NOW, described, ended, opened_street, told
from tests.given.parking.cds.client import BOTH, Client, analyst, json_type, ms, refused
from tests.given.parking.city import GARAGE, Street, at, places

PLATE = "豫A12345"


@pytest.fixture
async def street(api: Api) -> Street:
    """The small city, at noon."""
    return await opened_street(api)


def officer(api: Api, version: str) -> Client:
    """Somebody who may see plates."""
    return Client(api, version, "official", "officer-1", "parking")


async def a_morning(street: Street, api: Api) -> None:
    """One of each."""
    await told(
        street,
        api,
        street.sign("arrived", "Z1-001", at("11:10"), plate=PLATE),
        street.sign("occupied", "Z1-001", at("11:15"), plate=PLATE),
        street.sign("occupied", "Z1-001", at("11:20")),
        street.sign("left", "Z1-001", at("11:30")),
        street.sign("empty", "Z1-001", at("11:35")),
        street.sign("arrived", GARAGE, at("11:40"), plate="豫A54321"),
        street.sign("left", GARAGE, at("11:45"), plate="豫A54321"),
        street.sign("lost", None, at("11:50"), device_id="c-2", ref="l1"),
        street.sign("restored", None, at("11:55"), device_id="c-2", ref="l2"),
    )
    await ended(api, 2)


def types(events: Sequence[dict[str, Any]]) -> list[str]:
    return [event["event_type"] for event in events]


@BOTH
async def test_ours_and_theirs(api: Api, street: Street, version: str) -> None:
    await a_morning(street, api)
    found = await analyst(api, version).list("events/events")
    expected = [
        "comms_restored",
        "comms_lost",
        "exit_area",
        "enter_area",
        "scheduled_report",
        "park_end",
        "scheduled_report",
        *(["vehicle_detected"] if version == "1.1" else []),
        "park_start",
    ]
    assert types(found) == expected, "newest first; a client of 1.0 is not shown what it lacks"
    by_type = {event["event_type"]: event for event in found}
    start = by_type["park_start"]
    assert start["curb_space_id"] == uuid_of("Z1-001")
    assert start["curb_zone_id"] == uuid_of("Z1")
    assert start["curb_area_ids"] == [uuid_of("A-1")]
    assert start["data_source_device_id"] == uuid_of("c-1")
    assert start["event_time"] == ms(at("11:10"))
    assert UUID(start["event_session_id"]) == UUID(by_type["park_end"]["event_session_id"])
    assert by_type["enter_area"]["event_session_id"] == by_type["exit_area"]["event_session_id"]
    assert by_type["enter_area"]["curb_area_ids"] == [uuid_of("A-1")]
    reports = [each for each in found if each["event_type"] == "scheduled_report"]
    assert [each["curb_occupants"] for each in reports] == [[], [{"type": "unspecified"}]]
    assert by_type["comms_lost"]["curb_zone_id"] == uuid_of("Z1")


@BOTH
async def test_a_device_that_is_retired(api: Api, street: Street, version: str) -> None:
    other, camera = [each for each in places() if each.place_id in ("c-1", "c-2")]
    gone = replace(camera.version, valid_from=at("11:58"), retired=True)
    loop = replace(other.version, valid_from=at("11:58"), device_type="in_ground")
    await described(api, NewPlace("c-2", camera.kind, gone), NewPlace("c-1", other.kind, loop))
    client = analyst(api, version)
    (event,) = await client.list("events/events")
    assert (event["event_type"], event["event_time"]) == ("decommissioned", ms(at("11:58")))
    status = {each["data_source_device_id"]: each for each in await client.list("events/status")}
    assert status[uuid_of("c-2")]["sensor_status_is_commissioned"] is False
    assert status[uuid_of("c-1")]["sensor_status_is_commissioned"] is True
    types = [status[uuid_of(each)]["data_source_type"] for each in ("c-1", "c-2")]
    assert types == ["in_ground", "other"]


@BOTH
async def test_status_follows_from_silence_and_loss(api: Api, street: Street, version: str) -> None:
    await a_morning(street, api)
    client = analyst(api, version)

    async def online() -> dict[str, bool]:
        found = await client.list("events/status", limit=1)
        return {each["data_source_device_id"]: each["sensor_status_is_online"] for each in found}

    one, two = uuid_of("c-1"), uuid_of("c-2")
    for clock, expected in (
        ("11:46", {one: True, two: False}),
        ("11:52", {one: True, two: False}),
        ("11:56", {one: True, two: True}),
        ("12:00", {one: False, two: True}),
        ("12:10", {one: False, two: False}),
    ):
        street.clock(at(clock))
        assert await online() == expected, clock
    assert len(await client.list("events/status", curb_object_id=one)) == 1
    assert len(await client.list("events/status", curb_space_id=uuid_of("Z1-001"))) == 2
    assert len(await client.list("events/status", curb_zone_id=uuid_of("Z1"))) == 2
    assert len(await client.list("events/status", curb_area_id=uuid_of("A-1"))) == 2


@BOTH
async def test_p63_where_it_happened_by_version(api: Api, street: Street, version: str) -> None:
    street.clock(at("09:30"))
    await told(street, api, street.sign("arrived", "Z1-001", at("09:00")))
    (event,) = await analyst(api, version).list("events/events")
    location = event["event_location"]
    if version == "1.0":
        assert location["type"] == "Feature"
        assert location["properties"]["timestamp"] == 1789347600000
        location = location["geometry"]
    longitude, latitude = location["coordinates"]
    assert (location["type"], round(longitude), round(latitude)) == ("Point", 114, 35)


@BOTH
async def test_one_place_only(api: Api, street: Street, version: str) -> None:
    await told(
        street,
        api,
        street.sign("arrived", "Z1-001", at("11:10")),
        street.sign("arrived", "Z1-002", at("11:20"), device_id="c-2"),
        street.sign("arrived", GARAGE, at("11:30"), plate=PLATE),
    )
    client = analyst(api, version)
    for query, clocks in (
        ({"curb_space_id": uuid_of("Z1-001")}, ["11:10"]),
        ({"curb_zone_id": uuid_of("Z1")}, ["11:20", "11:10"]),
        ({"curb_area_id": uuid_of("A-1")}, ["11:30", "11:20", "11:10"]),
        ({"curb_object_id": uuid_of("c-2")}, ["11:20"]),
        ({"curb_object_id": uuid_of("c-2"), "curb_space_id": uuid_of("Z1-001")}, []),
    ):
        found = await client.list("events/events", **query)
        assert [each["event_time"] for each in found] == [ms(at(clock)) for clock in clocks]
    for name in ("curb_space_id", "curb_zone_id", "curb_area_id", "curb_object_id"):
        answer = await client.raw("events/events", **{name: str(uuid4())})
        refused(answer, 404, "not_found", version)
        refused(await client.raw("events/events", **{name: "x"}), 400, "bad_param", version)


async def test_1_0_has_all_and_1_1_the_last_hour_or_one(api: Api, street: Street) -> None:
    clocks = ["09:59:59", "10:00", "10:59:59", "11:00", "11:30"]
    await told(street, api, *(street.sign("arrived", "Z1-001", at(clock)) for clock in clocks))
    old, new = analyst(api, "1.0"), analyst(api, "1.1")

    async def seen(client: Client, **query: Any) -> list[str]:
        found = [each["event_time"] for each in await client.list("events/events", **query)]
        return [clock for clock in reversed(clocks) if ms(at(clock)) in found]

    assert await seen(old) == clocks[::-1]
    assert await seen(old, limit=2) == clocks[::-1]
    assert await seen(new) == ["11:30", "11:00"]
    assert await seen(new, limit=1) == ["11:30", "11:00"]
    assert await seen(new, event_time="2026-09-14T02") == ["10:59:59", "10:00"], "UTC"
    assert await seen(new, event_time="2026-09-14T05") == []
    for wrong in (
        "2026-09-14",
        "2026-09-14T24",
        "2026-09-14T2",
        "2026-13-14T02",
        "x",
        "0000-01-01T00",
    ):
        answer = await new.raw("events/events", event_time=wrong)
        refused(answer, 400, "bad_param", "1.1")


@BOTH
async def test_pages_stay_as_they_were_while_data_arrive(
    api: Api, street: Street, version: str
) -> None:
    clocks = ["11:01", "11:10", "11:20", "11:30"]
    await told(street, api, *(street.sign("arrived", "Z1-001", at(each)) for each in clocks))
    client = analyst(api, version)
    first = (await client.raw("events/events", limit=2)).json
    following = first["links"]["next"].removeprefix(f"{api.url}/cds/")
    await told(street, api, street.sign("arrived", "Z1-002", at("11:40")))
    street.clock(NOW + timedelta(minutes=2))
    second = (await client.raw(following)).json
    times = [each["event_time"] for page in (first, second) for each in page["data"]["events"]]
    assert times == [ms(at(clock)) for clock in reversed(clocks)]
    assert second["links"]["next"] is None
    made_up = await client.raw("events/events", cursor="WzEsMl0")
    refused(made_up, 400, "bad_param", version)


@BOTH
async def test_what_came_late_is_found_by_when_it_was_published(
    api: Api, street: Street, version: str
) -> None:
    await told(street, api, street.sign("arrived", "Z1-001", at("11:30")))
    client = analyst(api, version)
    (known,) = await client.list("events/events")
    await told(street, api, street.sign("arrived", "Z1-002", at("08:00")))
    since = known["event_publication_time"] + 1
    (late,) = await client.list("events/events", published_since=since)
    assert late["event_time"] == ms(at("08:00"))
    answer = await client.raw("events/events", published_since=1789347600)
    refused(answer, 400, "bad_param", version)


# --- who may read --------------------------------------------------------------------------


@BOTH
@pytest.mark.parametrize("path", ["events/events", "events/status"])
async def test_events_take_a_token(api: Api, version: str, path: str) -> None:
    answer = await Client(api, version).raw(path)
    refused(answer, 401, "unauthorized", version)
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")
    for role in ("citizen", "kiosk", "camera", "clerk"):
        wrong = await Client(api, version, role).raw(path, curb_zone_id=str(uuid4()))
        refused(wrong, 401, "insufficient_scope", version)
        assert 'error="insufficient_scope"' in wrong.headers["WWW-Authenticate"]
    made_up = {"Accept": json_type(version), "Authorization": "Bearer x.y.z"}
    refused(await api.call("GET", f"/cds/{path}", headers=made_up), 401, "unauthorized", version)
    unknown = await Client(api, version).raw(path, curb_zone_id=str(uuid4()))
    refused(unknown, 401, "unauthorized", version)


@BOTH
async def test_p68_plates_are_for_those_who_may_see_them(
    api: Api, street: Street, version: str
) -> None:
    await a_morning(street, api)
    for client in (
        analyst(api, version),
        Client(api, version, "auditor"),
        Client(api, version, "official", "official-1", "sanitation"),
    ):
        answer = await client.raw("events/events")
        assert answer.status == 200
        assert b"vehicle_license_plate" not in answer.body
        assert "12345" not in answer.body.decode()
    before = await looks(api)
    assert before == 0
    found = await officer(api, version).list("events/events")
    start = next(each for each in found if each["event_type"] == "park_start")
    assert start["vehicle_license_plate"] == PLATE
    assert ("vehicle_license_plate_confidence" in start) == (version == "1.1")
    assert await looks(api) > 0, "that they were shown is on the record"


async def looks(api: Api) -> int:
    query = """SELECT count(*) FROM stored_events
        WHERE convert_from(state, 'UTF8') LIKE '%get_cds_events_events%'"""
    return int(await api.runtime.store.pool.fetchval(query))


async def test_events_have_no_other_methods(api: Api) -> None:
    client = analyst(api, "1.1")
    refused(await client.raw("events/event"), 405, "method_not_allowed", "1.1")
    refused(await client.raw("events/status", "POST"), 405, "method_not_allowed", "1.1")
    refused(await client.raw("events/events", "DELETE"), 405, "method_not_allowed", "1.1")
    refused(await client.raw("events/nothing"), 404, "not_found", "1.1")

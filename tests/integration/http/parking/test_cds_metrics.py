"""CDS Metrics over HTTP: sessions and aggregates as CSV, by the hours of the wall clock."""

import csv
from datetime import timedelta
from io import StringIO
from typing import Any
from uuid import UUID, uuid4

import pytest

from citybrain.http.parking.cds.identities import uuid_of
from tests.given.api import Answer, Api
from tests.given.parking.cds.city import ended, opened_street, told
from tests.given.parking.cds.client import BOTH, ms, refused
from tests.given.parking.city import GARAGE, Street, at
from tests.given.read_models import caught_up
from tests.given.waiting import eventually

SESSION = [
    "session_type",
    "event_session_id",
    "event_id_start",
    "event_id_end",
    "event_location_start_latitude",
    "event_location_start_longitude",
    "event_location_end_latitude",
    "event_location_end_longitude",
    "event_time_start",
    "event_time_end",
    "curb_zone_id",
    "curb_area_ids",
    "curb_space_id",
    "vehicle_length",
    "vehicle_type",
]
AGGREGATE = ["curb_place_type", "curb_place_id", "metric_type", "date", "hour", "value"]
BERTH = {"curb_place_type": "space", "curb_place_id": uuid_of("Z1-001")}
ZONE = {"curb_place_type": "zone", "curb_place_id": uuid_of("Z1")}


def csv_type(version: str) -> str:
    return f"application/vnd.cds+csv;version={version}"


@pytest.fixture
async def street(api: Api) -> Street:
    """The small city, in the afternoon."""
    street = await opened_street(api)
    street.clock(at("15:00"))
    return street


async def ask(
    api: Api, name: str, version: str, role: str | None = "operator", **query: Any
) -> Answer:
    asked = "&".join(f"{key}={value}" for key, value in query.items())
    headers = {"Accept": csv_type(version)}
    return await api.call("GET", f"/cds/metrics/{name}?{asked}", role, headers=headers)


async def rows(api: Api, name: str, version: str, **query: Any) -> list[dict[str, str]]:
    """The rows of an answer whose header is right."""
    answer = await ask(api, name, version, **query)
    assert answer.status == 200, answer.body
    assert answer.headers["Content-Type"] == csv_type(version)
    text = answer.body.decode("utf-8")
    assert not text.startswith("\ufeff")
    assert text.endswith("\r\n")
    header, *lines = csv.reader(StringIO(text, newline=""))
    expected = AGGREGATE if name == "aggregates" else SESSION
    if name == "sessions" and version == "1.1":
        expected = [*SESSION, "curb_object_id"]
    assert header == expected
    return [dict(zip(header, line, strict=True)) for line in lines]


async def a_stay(street: Street, api: Api, *more: dict[str, Any]) -> None:
    """One vehicle from 10:20 to 11:40 on the first berth."""
    await told(
        street,
        api,
        street.sign("arrived", "Z1-001", at("10:20"), plate="豫A12345"),
        street.sign("left", "Z1-001", at("11:40")),
        *more,
    )
    await ended(api, 1)


def values(found: list[dict[str, str]], metric: str) -> dict[int, float]:
    """By hour."""
    return {int(row["hour"]): float(row["value"]) for row in found if row["metric_type"] == metric}


@BOTH
async def test_an_empty_city(api: Api, version: str) -> None:
    for name in ("sessions", "aggregates"):
        assert await rows(api, name, version) == []


@BOTH
async def test_p60_over_http(api: Api, street: Street, version: str) -> None:
    await a_stay(street, api)
    time = {"start_time": ms(at("10:00")), "end_time": ms(at("12:00"))}
    found = await rows(api, "aggregates", version, **BERTH, **time)
    assert values(found, "occupancy_percent") == {10: 0.6667, 11: 0.6667}
    assert values(found, "total_sessions") == {10: 1, 11: 0}
    assert values(found, "turnover") == {10: 1, 11: 0}
    assert values(found, "average_dwell_time") == {10: 80}
    assert values(found, "total_events") == ({10: 1, 11: 1} if version == "1.1" else {})
    assert {row["date"] for row in found} == {"2026-09-14"}
    assert {(row["curb_place_type"], row["curb_place_id"]) for row in found} == {
        ("space", uuid_of("Z1-001"))
    }


@BOTH
async def test_p60_a_zone_has_the_time_of_all_its_berths(
    api: Api, street: Street, version: str
) -> None:
    beats = [
        street.sign("empty", "Z1-002", at("10:00") + timedelta(minutes=10 * number))
        for number in range(12)
    ]
    await a_stay(street, api, *beats)
    time = {"start_time": ms(at("10:00")), "end_time": ms(at("12:00"))}
    for place in (ZONE, {"curb_place_type": "area", "curb_place_id": uuid_of("A-1")}):
        found = await rows(api, "aggregates", version, **place, **time)
        expected = round(40 / (9 * 60), 4)
        assert values(found, "occupancy_percent") == {10: expected, 11: expected}
        assert values(found, "total_sessions") == {10: 1, 11: 0}


@BOTH
async def test_hours_in_which_nobody_looked_are_offline(
    api: Api, street: Street, version: str
) -> None:
    beats = [
        street.sign("empty", "Z1-002", at("10:00") + timedelta(minutes=10 * number))
        for number in range(6)
    ]
    lost = [
        street.sign("lost", None, at("11:20")),
        street.sign("restored", None, at("11:55")),
        street.sign("lost", None, at("11:20"), device_id="c-2", ref="l"),
    ]
    await told(street, api, *beats, *lost, street.sign("empty", "Z1-002", at("12:00")))
    time = {"start_time": ms(at("10:00")), "end_time": ms(at("14:00"))}
    found = await rows(api, "aggregates", version, **BERTH, **time)
    assert values(found, "total_sessions") == {10: 0, 11: -1, 12: -1, 13: -1}
    assert values(found, "occupancy_percent") == {10: 0, 11: -1, 12: -1, 13: -1}


@BOTH
async def test_sessions(api: Api, street: Street, version: str) -> None:
    await a_stay(
        street,
        api,
        street.sign("arrived", "Z1-002", at("12:00")),
        street.sign("arrived", GARAGE, at("12:10"), plate="豫A54321"),
    )

    async def opened() -> bool:
        query = "SELECT count(*) FROM stored_events WHERE topic = 'parking.opened'"
        return bool(await api.runtime.store.pool.fetchval(query) == 3)

    await eventually(opened)
    await caught_up(api.runtime.store, "parking_sessions", "parking_cds_events")
    stay, half, garage = await rows(api, "sessions", version)
    assert (stay["session_type"], garage["session_type"]) == ("parking", "area")
    for name in ("event_session_id", "event_id_start", "event_id_end"):
        assert UUID(stay[name])
    assert (stay["event_time_start"], stay["event_time_end"]) == (
        str(ms(at("10:20"))),
        str(ms(at("11:40"))),
    )
    assert stay["curb_space_id"] == uuid_of("Z1-001")
    assert stay["curb_zone_id"] == uuid_of("Z1")
    assert stay["curb_area_ids"] == garage["curb_area_ids"] == uuid_of("A-1")
    assert float(stay["event_location_end_longitude"]) == pytest.approx(113.6254)
    for name in ("event_id_end", "event_time_end", "event_location_end_latitude"):
        assert half[name] == garage[name] == ""
    assert garage["curb_zone_id"] == garage["curb_space_id"] == stay["vehicle_type"] == ""
    found = await rows(api, "sessions", version, **BERTH)
    assert [row["event_session_id"] for row in found] == [stay["event_session_id"]]
    found = await rows(api, "sessions", version, **ZONE, start_time=ms(at("11:00")))
    assert [row["event_session_id"] for row in found] == [half["event_session_id"]]
    around = {"lat": 34.7466, "lng": 113.6254, "radius": 100_000}
    assert len(await rows(api, "sessions", version, **around)) == 2


@BOTH
async def test_p61_the_specifications_own_example(api: Api, street: Street, version: str) -> None:
    query: dict[str, Any] = {"start_time": 1641738460, "end_time": 1642119064}
    for name in ("sessions", "aggregates"):
        body = refused(await ask(api, name, version, **query), 400, "bad_param")
        assert "milliseconds" in body["error_description"]
        assert (await ask(api, name, version, start_time=1641738460000)).status == 200
        whole = {key: value * 1000 for key, value in query.items()}
        assert await rows(api, name, version, **whole) == []


async def test_p62_metrics_are_csv(api: Api) -> None:
    for accept, served in ((csv_type("1.1"), "1.1"), ("*/*", "1.0"), (csv_type("1.0.1"), "1.0")):
        answer = await api.call(
            "GET", "/cds/metrics/sessions", "operator", headers={"Accept": accept}
        )
        assert answer.headers["Content-Type"] == csv_type(served)
    for accept in ("text/csv", "application/vnd.cds+json;version=1.1"):
        answer = await api.call(
            "GET", "/cds/metrics/sessions", "operator", headers={"Accept": accept}
        )
        version = "1.1" if "json" in accept else "1.0"
        body = refused(answer, 406, "not_acceptable", version)
        assert csv_type("1.0") in body["error_details"]


WRONG: list[tuple[dict[str, Any], int, str]] = [
    ({"curb_place_type": "zone"}, 400, "missing_param"),
    ({"curb_place_id": str(uuid4())}, 400, "missing_param"),
    ({"curb_place_type": "street", "curb_place_id": str(uuid4())}, 400, "bad_param"),
    ({"curb_place_type": "zone", "curb_place_id": "x"}, 400, "bad_param"),
    ({"curb_place_type": "zone", "curb_place_id": str(uuid4())}, 404, "not_found"),
    ({"curb_place_type": "zone", "curb_place_id": uuid_of("Z1-001")}, 404, "not_found"),
    ({"start_time": "x"}, 400, "bad_param"),
    ({"start_time": ms(at("12:00")), "end_time": ms(at("11:00"))}, 400, "bad_param"),
    ({"lat": 1, "lng": 1}, 400, "missing_param"),
    ({"time": ms(at("12:00"))}, 400, "bad_param"),
]


@BOTH
async def test_wrong_questions(api: Api, street: Street, version: str) -> None:
    for query, status, error in WRONG:
        for name in ("sessions", "aggregates"):
            refused(await ask(api, name, version, **query), status, error)
    refused(await ask(api, "aggregates", version, metric_type="revenue"), 400, "bad_param")
    refused(await ask(api, "sessions", version, metric_type="turnover"), 400, "bad_param")
    for metric in ("turnover", "total_events"):
        answer = await ask(api, "aggregates", version, metric_type=metric)
        taken = metric == "turnover" or version == "1.1"
        assert answer.status == (200 if taken else 400)


@BOTH
async def test_metrics_take_a_token(api: Api, version: str) -> None:
    for name in ("sessions", "aggregates"):
        refused(await ask(api, name, version, role=None), 401, "unauthorized")
        refused(await ask(api, name, version, role="citizen"), 401, "insufficient_scope")


async def test_what_is_too_much_is_refused(api: Api, street: Street) -> None:
    await told(street, api, street.sign("empty", "Z1-001", at("10:00", "2020-09-14")))
    answer = await ask(api, "aggregates", "1.1", start_time=ms(at("10:00", "2020-09-14")))
    refused(answer, 400, "bad_param")


@BOTH
async def test_no_plate_is_in_any_metric(api: Api, street: Street, version: str) -> None:
    await a_stay(street, api)
    for name in ("sessions", "aggregates"):
        answer = await ask(api, name, version, role="auditor")
        assert answer.status == 200
        assert "12345" not in answer.body.decode().replace(uuid_of("Z1-001"), "")
        assert "豫" not in answer.body.decode()

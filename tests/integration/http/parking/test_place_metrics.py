"""Occupancy, turnover and mean stay by place and hour, for whoever works for the city."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from citybrain.domain.parking.hours import OFFLINE
from citybrain.domain.parking.place import PlaceKind
from commands.parking.places import NewPlace
from tests.given.api import Api
from tests.given.parking.cds.city import described, ended, opened_street, told
from tests.given.parking.city import GARAGE, Street, at, version
from tests.given.read_models import caught_up

DAY = "2026-09-14"
MEASURES = ("stays", "turnover", "mean_stay_minutes", "occupancy")


@pytest.fixture
async def street(api: Api) -> Street:
    """The small city, in the afternoon."""
    street = await opened_street(api)
    street.clock(at("15:00"))
    return street


async def hours(api: Api, place_id: str, day: str = DAY) -> dict[int, dict[str, Any]]:
    """The hours of a day, by hour."""
    await caught_up(api.runtime.store, "parking_sessions", "parking_cds_events", "parking_places")
    path = f"/v1/parking/places/{place_id}/metrics?since={day}&until={day}"
    answer = await api.call("GET", path, "operator")
    assert answer.status == 200, answer.body
    found = {row["hour"]: row for row in answer.json["hours"]}
    assert len(found) == len(answer.json["hours"])
    return found


def taken(found: dict[int, dict[str, Any]]) -> float:
    """The seconds of a berth for which somebody stood there."""
    known = [row for row in found.values() if row["occupancy"] != OFFLINE]
    return float(sum(row["occupancy"] * row["seconds"] for row in known))


def beats(street: Street, place: str, begins: datetime, minutes: int) -> list[dict[str, Any]]:
    """A camera that reports an empty berth every ten minutes."""
    each = range(0, minutes, 10)
    return [street.sign("empty", place, begins + timedelta(minutes=minute)) for minute in each]


async def test_p60_one_stay_over_two_hours(api: Api, street: Street) -> None:
    await told(
        street,
        api,
        *beats(street, "Z1-002", at("10:00"), 150),
        street.sign("arrived", "Z1-001", at("10:20"), plate="豫A12345"),
        street.sign("left", "Z1-001", at("11:40")),
    )
    await ended(api, 1)
    found = await hours(api, "Z1-001")
    rows = [tuple(found[hour][name] for name in MEASURES) for hour in (10, 11)]
    assert rows == [(1, 1, 80, pytest.approx(40 / 60)), (0, 0, None, pytest.approx(40 / 60))]
    assert taken(found) == pytest.approx(4800)
    for place in ("Z1", "A-1"):  # nine berths
        found = await hours(api, place)
        assert found[10]["occupancy"] == pytest.approx(40 / (9 * 60))
        assert found[10]["turnover"] == 1


async def test_p18_hours_in_which_the_camera_was_silent_are_offline(
    api: Api, street: Street
) -> None:
    await told(
        street,
        api,
        street.sign("arrived", "Z1-006", at("09:15"), plate="豫A5S510"),
        street.sign("lost", None, at("10:00")),
        street.sign("lost", None, at("10:00"), device_id="c-2", ref="lost"),
        street.sign("restored", None, at("13:00")),
        *beats(street, "Z1-006", at("13:00"), 120),
    )
    await ended(api, 1)
    found = await hours(api, "Z1-006")
    for hour in (10, 11, 12):
        measures = {found[hour][name] for name in MEASURES if name != "mean_stay_minutes"}
        assert measures == {OFFLINE}, hour
    assert found[9]["stays"] == 1
    assert found[9]["mean_stay_minutes"] == 45
    assert (found[13]["stays"], found[13]["occupancy"]) == (0, 0)


async def test_p31_an_hour_that_the_clocks_repeat_is_one_row_and_one_they_skip_is_none(
    api: Api, street: Street
) -> None:
    berlin = version("Straße", 2000, parent="A-1", tariff_zone="1", time_zone="Europe/Berlin")
    watches = version("camera", 2000, watches=["B1-001"])
    berth = version("B1-001", 2000, parent="B1", number=1, length_cm=500)
    await described(
        api,
        NewPlace("B1", PlaceKind.ZONE, berlin),
        NewPlace("B1-001", PlaceKind.BERTH, berth),
        NewPlace("c-9", PlaceKind.DEVICE, watches),
    )
    for day, begins, right in (
        ("2026-03-29", datetime(2026, 3, 29, 0, 30, tzinfo=UTC), {1: 3600, 3: 3600}),
        ("2026-10-25", datetime(2026, 10, 25, 0, 30, tzinfo=UTC), {2: 7200}),
    ):
        street.clock(begins + timedelta(hours=3))
        ends = begins + timedelta(hours=1)
        car = {"device_id": "c-9", "plate": "豫A12345"}
        await told(
            street,
            api,
            street.sign("arrived", "B1-001", begins, **car),
            street.sign("left", "B1-001", ends, **car),
        )
        await ended(api, 1 if day == "2026-03-29" else 2)
        for place in ("B1", "B1-001"):
            found = await hours(api, place, day)
            seconds = {hour: row["seconds"] for hour, row in found.items() if row["occupancy"] > 0}
            assert seconds == right, place
            taken = sum(
                row["occupancy"] * row["seconds"] for row in found.values() if row["stays"] >= 0
            )
            assert taken == pytest.approx(3600), place
        assert (2 in found) is (day == "2026-10-25")


async def test_a_day_is_asked_for_and_a_place_that_has_berths(api: Api, street: Street) -> None:
    path = "/v1/parking/places/{}/metrics"
    for place in (GARAGE, "c-1", "nothing"):
        answer = await api.call("GET", path.format(place), "auditor")
        assert answer.is_problem(404, "stream-not-found")
    for query in ("since=2026-09-15&until=2026-09-14", "since=2026-09-01&until=2026-09-08"):
        answer = await api.call("GET", f"{path.format('Z1')}?{query}", "auditor")
        assert answer.status == 400
    assert (await api.call("GET", path.format("Z1"), "auditor")).json["hours"] == []
    assert (await api.call("GET", path.format("Z1"))).status == 401
    assert (await api.call("GET", path.format("Z1"), "citizen")).is_problem(403, "role-missing")

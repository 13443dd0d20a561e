"""The scenarios of counts (P57, P58): what publishers report, and what silence is, over HTTP."""

import csv
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from citybrain.http.parking.cds.identities import uuid_of
from citybrain.settings import Settings
from tests.given.parking.archives import imported
from tests.given.parking.cds.client import Client, ms
from tests.given.parking.city import GARAGE, at
from tests.given.parking.town import ParkingTown, open_town
from tests.given.shared_data import PARKING_PLACES, PARKING_WEEK, needs_parking_week

FACILITIES = "/v1/parking/facilities"
SENTINEL, RARE = "vtmanager-duesseldorf-parken-PH-03", "vtmanager-duesseldorf-parken-PH-46"
DRIFTS = "oldenburg-service-parken-Parkplatz-Pferdemarkt"
TOO_MANY = "vtmanager-duesseldorf-parken-PH-25"
UNSAID = "bonn-bcp-parken-bike-ride"
FEW = (SENTINEL, RARE, DRIFTS, TOO_MANY, UNSAID)

Told = dict[str, list[tuple[datetime, int]]]


@pytest.fixture
async def town(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[ParkingTown]:
    async with open_town(settings, monkeypatch, at("12:00")) as found:
        yield found


def few_of(week: list[Path], folder: Path) -> tuple[list[Path], Told]:
    """The files with these columns only, and the numbers in them."""
    told: Told = {name: [] for name in FEW}
    files = []
    for path in week:
        with path.open(newline="") as file:
            rows = list(csv.DictReader(file))
        copy = folder / path.name
        with copy.open("w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(["timestamp", *FEW])
            for row in rows:
                writer.writerow([row["timestamp"], *(row.get(name) or "" for name in FEW)])
        for row in rows:
            for name in FEW:
                if row.get(name):
                    moment = datetime.fromisoformat(row["timestamp"])
                    told[name].append((moment, int(row[name])))
        files.append(copy)
    return files, told


async def readings(town: ParkingTown, name: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    after = ""
    while True:
        span = "since=2026-08-09T00:00:00Z&until=2026-08-18T00:00:00Z&limit=500"
        answer = await town.api.call("GET", f"{FACILITIES}/{name}/occupancy?{span}{after}")
        assert answer.status == 200, answer.body
        found += answer.json["readings"]
        if answer.json["next"] is None:
            return found
        after = f"&after={answer.json['next']}"


@needs_parking_week
async def test_p57_a_week_of_odd_counters_is_shown_as_it_was_reported(
    town: ParkingTown, tmp_path: Path
) -> None:
    files, told = few_of(PARKING_WEEK, tmp_path)
    services, numbers = town.api.runtime.services, sum(map(len, told.values()))
    first = await imported(services, *files, places=PARKING_PLACES)
    assert (first.recorded, first.rejected) == (numbers, [])
    head = await town.api.runtime.store.head()
    again = await imported(services, *files, places=PARKING_PLACES)
    assert (again.recorded, again.known) == (0, numbers)
    assert await town.api.runtime.store.head() == head
    await town.quiet()
    shown = {name: await readings(town, name) for name in FEW}
    for name, rows in shown.items():
        seen = [(datetime.fromisoformat(row["read_at"]), row["free"]) for row in rows]
        assert seen == told[name], name
        assert all(row["occupancy"] is None or 0 <= row["occupancy"] <= 1 for row in rows)
    judged = {
        name: {(row["free"], row["state"], row["anomaly"], row["off_by"]) for row in rows}
        for name, rows in shown.items()
    }
    assert {each for each in judged[SENTINEL] if each[0] < 0} == {(-100, "unknown", "sentinel", 0)}
    assert {each for each in judged[RARE] if each[0] < 0} == {(-560, "unknown", "sentinel", 0)}
    below = {each for each in judged[DRIFTS] if each[0] < 0}
    assert {each[0] for each in below} >= {-1, -27}
    for free, state, anomaly, off_by in below:
        near = free >= -5
        assert (state, anomaly) == (
            ("full-counter-off", "counter-off") if near else ("unknown", "counter-drifted")
        )
        assert off_by == -free
    above = {each for each in judged[TOO_MANY] if each[0] > 250}
    assert (479, "unknown", "free-above-capacity", 0) in above
    assert {each[1:3] for each in above} == {("unknown", "free-above-capacity")}
    assert {row["occupancy"] for row in shown[UNSAID]} == {None}
    assert {row["state"] for row in shown[UNSAID]} == {"known"}
    unknown = {
        name: await hours_unknown_where_most_of_them_is(town, name, shown[name]) for name in FEW
    }
    assert min(unknown[TOO_MANY], unknown[DRIFTS]) > 0
    assert unknown[UNSAID] == 0


async def hours_unknown_where_most_of_them_is(
    town: ParkingTown, name: str, rows: list[dict[str, Any]]
) -> int:
    """Each hour beside the time for which its readings are worth something; how many are -1."""
    asked = f"{FACILITIES}/{name}/metrics?since=2026-08-11&until=2026-08-15&zone=city"
    hours = (await town.api.call("GET", asked)).json["hours"]
    assert len(hours) == 5 * 24
    spans = [(datetime.fromisoformat(row["read_at"]), row["state"] != "unknown") for row in rows]
    ends = [*(moment for moment, _ in spans[1:]), spans[-1][0] + timedelta(days=1)]
    for hour in hours:
        begins = at(f"{hour['hour']:02}:00", hour["date"])
        over = begins + timedelta(hours=1)
        known = timedelta()
        for (since, sure), until in zip(spans, ends, strict=True):
            if sure:
                known += max(min(until, over) - max(since, begins), timedelta())
        assert (hour["mean_free"] == -1) == (known < timedelta(minutes=30)), (name, hour, known)
        assert hour["occupancy"] is None or hour["occupancy"] == -1 or 0 <= hour["occupancy"] <= 1
    return sum(hour["mean_free"] == -1 for hour in hours)


# --- P58 --------------------------------------------------------------------------------------


async def test_p58_what_nobody_speaks_of_is_unknown_and_not_free(town: ParkingTown) -> None:
    town.clock(at("10:00:05"))
    await town.say(town.sign("empty", "Z1-003", at("10:00")))
    for clock, state in (("10:14:59", "free"), ("10:15:00", "unknown")):
        town.clock(at(clock))
        board = (await town.api.call("GET", "/v1/parking/berths?zone_id=Z1")).json
        (berth,) = [each for each in board["berths"] if each["place_id"] == "Z1-003"]
        assert berth["state"] == state
        assert board["counts"].get("free", 0) == (state == "free")
    town.clock(at("10:14:59", "2026-09-15"))
    for version in ("1.0", "1.1"):
        client = Client(town.api, version)
        for clock, free in (("10:14:59", True), ("10:15:00", None)):
            asked = ms(at(clock))
            space = await client.one(f"curbs/spaces/{uuid_of('Z1-003')}", time=asked)
            (zone,) = await client.list("curbs/zones", time=asked)
            assert (space.get("available"), "available" in space) == (free, free is not None)
            assert space["availability_time"] == ms(at("10:00"))
            counted = zone.get("available_spaces")
            assert counted == (1 if free and version == "1.1" else None)


async def test_p58_a_facility_that_is_silent_shows_its_last_count_as_stale(
    town: ParkingTown,
) -> None:
    town.clock(at("10:00:05"))
    told = {"device_id": "c-1", "occurred_at": at("10:00").isoformat(), "free": 40}
    path = f"{FACILITIES}/{GARAGE}/readings"
    answer = await town.api.call("POST", path, "camera", subject="c-1", json=told)
    assert answer.status == 201, answer.body
    await town.quiet()
    town.clock(at("10:14:59", "2026-09-15"))
    found = []
    for clock in ("10:14:59", "10:15:00"):
        asked = at(clock).isoformat().replace("+", "%2B")
        row = (await town.api.call("GET", f"{FACILITIES}/{GARAGE}?at={asked}")).json
        found.append((row["state"], row["free"], row["occupancy"]))
        assert datetime.fromisoformat(row["counted_at"]).astimezone(UTC) == at("10:00")
    assert found == [("known", 40, 0.6), ("stale", 40, None)]

"""What is known of the berths of places in an hour, for whoever shows metrics of it."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from citybrain.definitions.parking.rules import parking_rules_at
from citybrain.domain.parking.hours import (
    Berth,
    Interval,
    LocalHour,
    Stay,
    common,
    silences,
    united,
)
from citybrain.domain.parking.place import PlaceKind, stream_of
from citybrain.domain.parking.presence import Sign
from citybrain.http.runtime import Runtime
from projections.parking import cds_metrics, curbs
from projections.reading import Pool

Row = dict[str, Any]


async def with_clocks(pool: Pool, places: Sequence[Row]) -> list[Row]:
    """Places with the time zone that holds there: that of a berth is its block face's."""
    faces = {place["parent"] for place in places if place["kind"] == PlaceKind.BERTH}
    rows = await curbs.of_streams(pool, [stream_of(face) for face in sorted(faces)])
    clocks = {row["place_id"]: row["time_zone"] for row in rows}
    return [
        place | {"time_zone": clocks.get(place["parent"], place["time_zone"])}
        if place["kind"] == PlaceKind.BERTH
        else place
        for place in places
    ]


async def berths_during(
    runtime: Runtime, places: Sequence[Row], hour: LocalHour
) -> dict[str, list[Berth]]:
    """The berths of each place, as they were when an hour began: a berth is one itself.

    With who stood there in that hour, and when nobody was looking.
    """
    inside = await _inside(runtime.store.models, places, hour.begins)
    every = sorted({berth for some in inside.values() for berth in some})
    known = await _known(runtime, every, hour)
    return {place: [known[each] for each in some] for place, some in inside.items()}


async def _inside(pool: Pool, places: Sequence[Row], at: datetime) -> dict[str, list[str]]:
    """The ids of the berths of each place at a moment."""
    areas = [each["place_id"] for each in places if each["kind"] == PlaceKind.AREA]
    zones = await curbs.within(pool, PlaceKind.ZONE, areas, at)
    named = {each["place_id"] for each in places if each["kind"] == PlaceKind.ZONE}
    named |= {each["place_id"] for some in zones.values() for each in some}
    berths = await curbs.within(pool, PlaceKind.BERTH, sorted(named), at)
    of_zone = {zone: [each["place_id"] for each in some] for zone, some in berths.items()}
    found: dict[str, list[str]] = {}
    for place in places:
        place_id = place["place_id"]
        if place["kind"] == PlaceKind.AREA:
            of_area = [of_zone[each["place_id"]] for each in zones[place_id]]
            found[place_id] = [berth for some in of_area for berth in some]
        else:
            found[place_id] = of_zone.get(place_id, [place_id])
    return found


async def _known(runtime: Runtime, berths: Sequence[str], hour: LocalHour) -> dict[str, Berth]:
    """Who stood on berths in an hour, and when nobody was looking."""
    pool, services = runtime.store.models, runtime.services
    limit = parking_rules_at(services.definitions, hour.begins).silence_limit
    watchers = await curbs.watching(pool, berths, hour.begins)
    devices = sorted({each for some in watchers.values() for each in some})
    before = await cds_metrics.heard_before(pool, devices, hour.begins)
    signs = await cds_metrics.signs(pool, devices, berths, hour.begins, hour.ends)
    found = {berth: Berth() for berth in berths}
    for stay in await cds_metrics.stays(pool, berths, hour.begins, hour.ends):
        found[stay["place_id"]].stays.append(Stay(stay["arrived_at"], stay["left_at"]))
    for sign in signs:
        if sign["place_id"] in found:
            found[sign["place_id"]].events.append(sign["occurred_at"])
    own: dict[str, list[Row]] = {device: [] for device in devices}
    for sign in signs:
        if sign["device_id"] in own and not sign["by_hand"]:
            own[sign["device_id"]].append(sign)
    dark = {device: _dark(own[device], before[device], hour, limit) for device in devices}
    for berth, watching in watchers.items():
        silent = [(hour.begins, hour.ends)]
        lost = [(hour.begins, hour.ends)] if watching else []
        for device in watching:
            silent, lost = common(silent, dark[device][0]), common(lost, dark[device][1])
        found[berth].silent, found[berth].lost = silent, lost
    return found


def _dark(
    signs: Sequence[Row], before: Row, hour: LocalHour, limit: timedelta
) -> tuple[list[Interval], list[Interval]]:
    """When nothing was known from a device in an hour, and when it said so itself."""
    heard = [] if before["heard_at"] is None else [before["heard_at"]]
    gone_since = None
    if before["lost_at"] is not None and not (heard and heard[0] > before["lost_at"]):
        gone_since = hour.begins
    lost: list[Interval] = []
    for sign in signs:
        if sign["sign"] == Sign.LOST:
            gone_since = gone_since or sign["occurred_at"]
            continue
        heard.append(sign["occurred_at"])
        if gone_since is not None:
            lost.append((gone_since, sign["occurred_at"]))
            gone_since = None
    if gone_since is not None:
        lost.append((gone_since, hour.ends))
    silent = silences(heard, (hour.begins, hour.ends), limit)
    return united([*silent, *lost]), united(lost)

"""The Metrics endpoints: sessions, and what they come to by place and hour, as CSV."""

import csv
from collections.abc import AsyncIterator, Iterable, Sequence
from datetime import datetime, timedelta
from io import StringIO
from typing import Any, Final
from uuid import UUID

from aiohttp import web

from citybrain.domain.parking.cutting import zone_named
from citybrain.domain.parking.hours import LocalHour, hours_between, metrics_of
from citybrain.domain.parking.place import PlaceKind
from citybrain.http.parking.cds import inventory
from citybrain.http.parking.cds.asking import AROUND, Asked, milliseconds
from citybrain.http.parking.cds.errors import BadParameter, MissingParameter
from citybrain.http.parking.cds.identities import uuid_of
from citybrain.http.parking.cds.inventory import Wanted
from citybrain.http.parking.cds.shapes import DIGITS
from citybrain.http.parking.cds.versions import Media, Version
from citybrain.http.parking.hourly import berths_during, with_clocks
from projections.parking import cds_metrics

Row = dict[str, Any]

TIMES: Final = ("start_time", "end_time")
PLACE: Final = ("curb_place_type", "curb_place_id")
SESSION_QUERY: Final = (*PLACE, *AROUND, *TIMES)
AGGREGATE_QUERY: Final = (*SESSION_QUERY, "metric_type")

SESSION: Final = (
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
)
AGGREGATE: Final = ("curb_place_type", "curb_place_id", "metric_type", "date", "hour", "value")
KINDS: Final = {"area": PlaceKind.AREA, "zone": PlaceKind.ZONE, "space": PlaceKind.BERTH}
METRICS: Final = ("total_sessions", "turnover", "average_dwell_time", "occupancy_percent")
LATER_METRICS: Final = ("total_events",)
DAY: Final = timedelta(days=1)
MOST_ROWS, MOST_PLACES = 100_000, 10_000


async def sessions(asked: Asked) -> web.Response:
    """Sessions that began in a time, and departures of nobody: the last day where none is asked."""
    since, until = _time(asked)
    where = await _where(asked)
    pool = asked.runtime.store.models
    rows = await cds_metrics.sessions(pool, since, until, where, MOST_ROWS + 1)
    if len(rows) > MOST_ROWS:
        raise BadParameter(f"that is more than {MOST_ROWS} rows: ask for less time", TIMES)
    later = asked.version is not Version.V1_0
    header = (*SESSION, "curb_object_id") if later else SESSION
    table = (_session(row) + ((None,) if later else ()) for row in rows)
    return _csv(asked, header, table)


def _session(row: Row) -> tuple[Any, ...]:
    """A session as CSV has it; what is not known is left out."""
    latitude, longitude = (
        None if degrees is None else round(degrees, DIGITS)
        for degrees in (row["latitude"], row["longitude"])
    )
    arrived, left = row.get("arrived_at"), row.get("left_at")
    begun, ended = arrived is not None, left is not None
    on_street = row["zone_id"] is not None
    session_id = row.get("session_id")
    return (
        "parking" if on_street else "area",
        None if session_id is None else UUID(hex=session_id[-32:]),
        row.get("event_id_start"),
        row.get("event_id_end"),
        latitude if begun else None,
        longitude if begun else None,
        latitude if ended else None,
        longitude if ended else None,
        None if arrived is None else milliseconds(arrived),
        None if left is None else milliseconds(left),
        uuid_of(row["zone_id"]) if on_street else None,
        None if row["area_id"] is None else uuid_of(row["area_id"]),
        uuid_of(row["place_id"]) if on_street else None,
        None,
        None,
    )


async def aggregates(asked: Asked) -> web.Response:
    """Metrics of places by local hour; of the last day where no time is asked for.

    Hours that are over, and no further back than anything is known.
    """
    since, until = _time(asked)
    pool = asked.runtime.store.models
    first = await cds_metrics.first(pool)
    wanted = _metrics(asked)
    places = await with_clocks(pool, await _places(asked))
    table: list[tuple[Any, ...]] = []
    if first is not None:
        since = max(since, first.replace(minute=0, second=0, microsecond=0))
        for time_zone in sorted({place["time_zone"] for place in places}):
            of_zone = [place for place in places if place["time_zone"] == time_zone]
            hours = hours_between(since, min(until, asked.now), zone_named(time_zone))
            if len(table) + len(hours) * len(of_zone) * len(wanted) > MOST_ROWS:
                raise BadParameter(f"that is more than {MOST_ROWS} rows: ask for less", TIMES)
            table += [row async for row in _table(asked, of_zone, hours, wanted)]
    return _csv(asked, AGGREGATE, table)


async def _table(
    asked: Asked, places: Sequence[Row], hours: Sequence[LocalHour], wanted: Sequence[str]
) -> AsyncIterator[tuple[Any, ...]]:
    """Row by row, an hour's places after one another: berths are what they were in that hour."""
    for hour in hours:
        inside = await berths_during(asked.runtime, places, hour)
        for place in places:
            found = metrics_of(hour, inside[place["place_id"]])
            for name in wanted:
                if name in found:
                    yield (
                        "space" if place["kind"] == PlaceKind.BERTH else place["kind"],
                        uuid_of(place["place_id"]),
                        name,
                        hour.day.isoformat(),
                        hour.hour,
                        _number(found[name]),
                    )


# --- what is asked for --------------------------------------------------------------------


def _time(asked: Asked) -> tuple[datetime, datetime]:
    """From when until before when."""
    since, until = asked.moment("start_time"), asked.moment("end_time")
    until = until or asked.now
    since = since or until - DAY
    if since > until:
        raise BadParameter("start_time lies after end_time", TIMES)
    return since, until


def _metrics(asked: Asked) -> tuple[str, ...]:
    """The metrics that a version has, or the one that is asked for."""
    known = METRICS if asked.version is Version.V1_0 else METRICS + LATER_METRICS
    wanted = asked.parameters.get("metric_type")
    if wanted is not None and wanted not in known:
        raise BadParameter(f"metric_type is one of {', '.join(known)}", ["metric_type"])
    return known if wanted is None else (wanted,)


async def _where(asked: Asked) -> dict[str, Sequence[str]]:
    """Which places sessions are asked of; all where none is named."""
    if not set(asked.parameters) & {*PLACE, *AROUND}:
        return {}
    places = await _places(asked)
    kind = asked.parameters.get("curb_place_type", "zone")
    return {kind: [each["place_id"] for each in places]}


async def _places(asked: Asked) -> list[Row]:
    """The place that is named; the zones in a box or a circle; else all there are."""
    kind, identity = asked.parameters.get(PLACE[0]), asked.identity(PLACE[1])
    if (kind is None) != (identity is None):
        missing = PLACE[0] if kind is None else PLACE[1]
        raise MissingParameter(f"{PLACE[0]} and {PLACE[1]} are given together", [missing])
    if kind is not None and kind not in KINDS:
        raise BadParameter(f"curb_place_type is one of {', '.join(KINDS)}", [PLACE[0]])
    around = asked.around()
    if identity is not None and kind is not None:
        rows = await inventory.one(asked, KINDS[kind], identity)
        return [rows[-1]]
    kinds = (PlaceKind.ZONE,) if around else tuple(KINDS.values())
    return await inventory.every(asked, Wanted(kinds, asked.now, lambda _: True), MOST_PLACES)


def _number(value: float) -> str:
    """A number without an exponent, to four digits."""
    return f"{value:.4f}".rstrip("0").rstrip(".")


def _csv(asked: Asked, header: Sequence[str], rows: Iterable[Sequence[Any]]) -> web.Response:
    """RFC 4180: lines end with CR LF, and nothing is an empty cell."""
    text = StringIO()
    writer = csv.writer(text)
    writer.writerow(header)
    writer.writerows(rows)
    headers = {"Content-Type": Media.CSV.of(asked.version), "Vary": "Accept"}
    return web.Response(body=text.getvalue().encode(), headers=headers)

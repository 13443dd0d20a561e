"""Occupancy, turnover and the mean stay of a district, a block face or a berth, hour by hour.

The numbers of CDS Metrics (`citybrain.domain.parking.hours`) for those who work for the city: hours
of one berth say when one vehicle stood there, so they are not for everybody.
"""

from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from aiohttp import web
from pydantic import BaseModel, Field

from citybrain.domain.actor import Role
from citybrain.domain.parking.hours import LocalHour, hours_between, metrics_of
from citybrain.domain.parking.place import PlaceKind, stream_of
from citybrain.eventstore import StreamNotFound
from citybrain.http.paging import DatedQuery, wait_for_position
from citybrain.http.parking.hourly import Row, berths_during, with_clocks
from citybrain.http.problems import Malformed
from citybrain.http.routing import Answer, Call, Route, json_response
from projections.parking import cds_metrics, curbs

MODELS = ("parking_places", "parking_cds_events", "parking_sessions")
KINDS = (PlaceKind.AREA, PlaceKind.ZONE, PlaceKind.BERTH)
READERS = (Role.OFFICIAL, Role.SUPERVISOR, Role.OPERATOR, Role.AUDITOR)
MOST_DAYS = 7


class PlaceHour(BaseModel):
    """An hour that is over. All but the time is -1 where nobody was looking for most of it."""

    date: date
    hour: int = Field(description="of the wall clock there")
    seconds: int = Field(description="7200 where the clocks repeat an hour")
    stays: int = Field(description="that began in it")
    turnover: float = Field(description="stays that began in it, for an hour of 3600 seconds")
    mean_stay_minutes: float | None = Field(
        description="of the stays that began in it and have ended; null: there is none"
    )
    occupancy: float = Field(description="time taken of all time of all berths, from 0 to 1")


class PlaceMetrics(BaseModel):
    """The hours of some days."""

    place_id: str
    kind: PlaceKind
    time_zone: str
    hours: list[PlaceHour]


class PlaceMetricsQuery(DatedQuery):
    """Which days, both included, 7 at most; today where left out."""


async def show(call: Call) -> web.Response:
    """The hours of some days: no further back than anything is known."""
    query: PlaceMetricsQuery = call.query
    for model in MODELS:
        await wait_for_position(call.runtime, model, query.min_position)
    pool, place = call.runtime.store.models, await _place(call)
    zone = ZoneInfo(place["time_zone"])
    now = call.runtime.services.clock()
    today = now.astimezone(zone).date()
    first, last = _days(query, today)
    since = datetime.combine(first, time(), zone)
    until = min(datetime.combine(last + timedelta(days=1), time(), zone), now)
    began = await cds_metrics.first(pool)
    found: list[PlaceHour] = []
    if began is not None and since < until:
        since = max(since, began.replace(minute=0, second=0, microsecond=0))
        for hour in hours_between(since, until, zone):
            berths = await berths_during(call.runtime, [place], hour)
            found.append(_hour(hour, metrics_of(hour, berths[place["place_id"]])))
    return json_response(
        PlaceMetrics(
            place_id=place["place_id"], kind=place["kind"], time_zone=zone.key, hours=found
        )
    )


def _days(query: PlaceMetricsQuery, today: date) -> tuple[date, date]:
    last = query.until or query.since or today
    first = query.since or last
    if first > last or (last - first).days >= MOST_DAYS:
        raise Malformed(f"since lies before until, at most {MOST_DAYS} days")
    return first, last


async def _place(call: Call) -> Row:
    """The last version of a place that has berths; raises `StreamNotFound`."""
    place_id = call.request.match_info["place_id"]
    rows = await curbs.of_streams(call.runtime.store.models, [stream_of(place_id)])
    if not rows or rows[-1]["kind"] not in KINDS:
        raise StreamNotFound("there is no such district, block face or berth")
    return (await with_clocks(call.runtime.store.models, rows[-1:]))[0]


def _hour(hour: LocalHour, found: dict[str, float]) -> PlaceHour:
    return PlaceHour(
        date=hour.day,
        hour=hour.hour,
        seconds=round(hour.seconds),
        stays=round(found["total_sessions"]),
        turnover=found["turnover"],
        mean_stay_minutes=found.get("average_dwell_time"),
        occupancy=found["occupancy_percent"],
    )


ROUTES = (
    Route(
        method="GET",
        path="/v1/parking/places/{place_id}/metrics",
        tag="parking",
        summary="Occupancy, turnover and mean stay by hour; -1 where nobody was looking",
        handler=show,
        roles=READERS,
        query=PlaceMetricsQuery,
        answers={200: Answer("the hours", PlaceMetrics)},
    ),
)

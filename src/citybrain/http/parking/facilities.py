"""Facilities off the street over HTTP: what their counters say, and how full they are and were."""

from datetime import date, datetime, time, timedelta
from enum import StrEnum
from operator import itemgetter
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from aiohttp import web
from pydantic import BaseModel, Field

from citybrain.city_day import CITY_ZONE
from citybrain.domain.actor import WATCHERS
from citybrain.domain.parking.occupancy import Hour, hours
from citybrain.domain.parking.place import PlaceKind
from citybrain.eventstore import StreamNotFound
from citybrain.geo.gcj02 import Crs, from_wgs84
from citybrain.http.batches import BatchAnswer, answered, parsed
from citybrain.http.commanding import context
from citybrain.http.paging import (
    DatedQuery,
    PagedQuery,
    decode_cursor,
    encode_cursor,
    page_by,
    wait_for_position,
)
from citybrain.http.parking.places import AroundQuery, AsOfQuery
from citybrain.http.problems import Malformed
from citybrain.http.routing import Answer, Call, Route, json_response
from commands.fields import Moment
from commands.handling import Command
from commands.parking import counter as commands
from commands.parking.fields import PlaceId
from commands.parking.places import UnknownPlace
from projections.parking import occupancy, places
from projections.parking.occupancy import FacilityRow, ReadingRow
from projections.parking.places import WantedPlaces

MODEL = "parking_occupancy"
MOST = 1000
BATCH_BYTES = 2 * 1024 * 1024
MOST_DAYS = 31


class CounterBatch(Command):
    """Many readings; each is checked for itself."""

    readings: Annotated[list[Any], Field(min_length=1, max_length=MOST)] = Field(
        description="bodies of `POST /v1/parking/facilities/{facility_id}/readings`, "
        "each with its `facility_id`"
    )


class ReadingAnswer(BaseModel):
    """A reading that is durable, and what it is worth."""

    known: bool = Field(description="it had been recorded before")
    state: str
    anomaly: str | None
    off_by: int


class NearFacilityRow(FacilityRow):
    """A facility around a point."""

    distance_m: float


class Facilities(BaseModel):
    """A page of facilities, by id; around a point the nearest first, in one page."""

    facilities: list[NearFacilityRow | FacilityRow]
    next: str | None


class FacilitiesQuery(AroundQuery):
    """Which facilities."""

    parent: PlaceId | None = Field(None, description="only those of this area")


class Occupancy(BaseModel):
    """What a counter said, in the order of time."""

    facility_id: str
    readings: list[ReadingRow]
    next: str | None


class OccupancyQuery(PagedQuery):
    """From when until before when; the last day where left out."""

    since: Moment | None = None
    until: Moment | None = None


class HoursOf(StrEnum):
    """Whose clock hours are of."""

    CITY = "city"
    FACILITY = "facility"


class MetricsQuery(DatedQuery):
    """Which days, both included, 31 at most; by whose clock."""

    zone: HoursOf = HoursOf.FACILITY


class HourRow(BaseModel):
    """An hour that is over; −1: the count was not known for most of it."""

    date: date
    hour: int
    seconds: int = Field(description="7200 where the clocks repeat an hour")
    known_seconds: int
    readings: int
    occupancy: float | None = Field(description="mean, from 0 to 1; null: no capacity is known")
    mean_free: float


class Metrics(BaseModel):
    """The hours of some days."""

    facility_id: str
    time_zone: str
    hours: list[HourRow]


def facility_id_of(call: Call) -> str:
    """The facility that the path names."""
    return call.request.match_info["facility_id"]


async def read(call: Call) -> web.Response:
    """Record what a counter says."""
    said = call.body.model_dump() | {"facility_id": facility_id_of(call)}
    command = commands.ReadFacilityCounter.model_construct(**said)
    try:
        found = await commands.read_counter(command, context(call), call.runtime.services)
    except UnknownPlace as error:
        raise StreamNotFound("there is no such facility in use then") from error
    answer = ReadingAnswer(
        known=found.known, state=found.state, anomaly=found.anomaly, off_by=found.off_by
    )
    status = 200 if found.known else 201
    return json_response(answer, status=status, headers={"X-Position": str(found.position)})


async def read_batch(call: Call) -> web.Response:
    """Record what many counters say: each for itself."""
    sound, refused = parsed(call, commands.ReadFacilityCounter, call.body.readings)
    found = await commands.read_counters(
        [command for _, command in sound], context(call), call.runtime.services
    )
    return answered([index for index, _ in sound], found, refused)


async def list_facilities(call: Call) -> web.Response:
    """A page of facilities."""
    query: FacilitiesQuery = call.query
    await _caught_up(call, query.min_position)
    at = query.at or call.runtime.services.clock()
    pool, circle = call.runtime.store.models, query.circle()
    if circle is not None:
        return json_response(Facilities(facilities=await _near(call, query, at), next=None))
    rows = await occupancy.facilities(
        pool, at, parent=query.parent, box=query.box(), after=query.after, limit=query.limit + 1
    )
    shown, following = page_by(rows, query.limit, itemgetter("place_id"))
    found = [FacilityRow(**_seen(row, query.crs)) for row in shown]
    return json_response(Facilities(facilities=[*found], next=following))


async def _near(call: Call, query: FacilitiesQuery, at: datetime) -> list[Any]:
    """The facilities of a circle, nearest first."""
    pool, circle = call.runtime.store.models, query.circle()
    query.box()
    assert circle is not None
    latitude, longitude, radius_m = circle
    wanted = WantedPlaces(kinds=[PlaceKind.FACILITY.value], parent=query.parent)
    around = await places.near(
        pool, at, latitude, longitude, radius_m=radius_m, wanted=wanted, limit=query.limit
    )
    ids = [row["place_id"] for row in around]
    counted = await occupancy.facilities(pool, at, ids=ids, limit=len(ids))
    by_id = {row["place_id"]: row for row in counted}
    return [
        NearFacilityRow(**_seen(by_id[row["place_id"]], query.crs), distance_m=row["distance_m"])
        for row in around
        if row["place_id"] in by_id
    ]


async def show(call: Call) -> web.Response:
    """A facility as of a moment."""
    query: AsOfQuery = call.query
    await _caught_up(call, query.min_position)
    at = query.at or call.runtime.services.clock()
    return json_response(FacilityRow(**_seen(await _facility(call, at), query.crs)))


async def series(call: Call) -> web.Response:
    """What a counter said."""
    query: OccupancyQuery = call.query
    await _caught_up(call, query.min_position)
    until = query.until or call.runtime.services.clock()
    since = query.since or until - timedelta(days=1)
    if since > until:
        raise Malformed("since lies before until")
    if query.after is not None:
        since = decode_cursor(query.after, 1)[0] + timedelta(microseconds=1)
    facility_id = await _known(call)
    rows = await occupancy.readings(
        call.runtime.store.models, facility_id, since, until, limit=query.limit + 1
    )
    shown, following = page_by(rows, query.limit, lambda row: encode_cursor(row["read_at"]))
    found = [ReadingRow(**row) for row in shown]
    return json_response(Occupancy(facility_id=facility_id, readings=found, next=following))


async def metrics(call: Call) -> web.Response:
    """The hours of some days."""
    query: MetricsQuery = call.query
    await _caught_up(call, query.min_position)
    now = call.runtime.services.clock()
    facility_id = await _known(call)
    zone = CITY_ZONE if query.zone is HoursOf.CITY else await _zone(call, facility_id)
    first, last = query.days(now.astimezone(zone).date())
    if (last - first).days >= MOST_DAYS:
        raise Malformed(f"at most {MOST_DAYS} days")
    since = datetime.combine(first, time(), zone)
    until = min(datetime.combine(last + timedelta(days=1), time(), zone), _whole_hour(now, zone))
    found: list[Hour] = []
    if since < until:
        counts = await occupancy.counts(call.runtime.store.models, facility_id, since, until)
        found = hours(counts, since, until, zone)
    rows = [_hour(each) for each in found]
    return json_response(Metrics(facility_id=facility_id, time_zone=zone.key, hours=rows))


def _hour(hour: Hour) -> HourRow:
    return HourRow(
        date=hour.date,
        hour=hour.hour,
        seconds=round(hour.seconds),
        known_seconds=round(hour.known_seconds),
        readings=hour.readings,
        occupancy=hour.occupancy,
        mean_free=hour.mean_free,
    )


def _whole_hour(now: datetime, zone: ZoneInfo) -> datetime:
    """When the hour of the wall clock began."""
    local = now.astimezone(zone)
    into = timedelta(minutes=local.minute, seconds=local.second, microseconds=local.microsecond)
    return now - into


async def _caught_up(call: Call, position: int) -> None:
    for model in (MODEL, "parking_places"):
        await wait_for_position(call.runtime, model, position)


async def _facility(call: Call, at: datetime) -> dict[str, Any]:
    found = await occupancy.facilities(
        call.runtime.store.models, at, ids=[facility_id_of(call)], limit=1
    )
    if not found:
        raise StreamNotFound("there is no such facility, or not then")
    return found[0]


async def _known(call: Call) -> str:
    """The facility that the path names, if it ever was one."""
    facility_id = facility_id_of(call)
    versions = await places.versions(call.runtime.store.models, [facility_id])
    if not versions or versions[0]["kind"] != PlaceKind.FACILITY:
        raise StreamNotFound("there is no such facility")
    return facility_id


async def _zone(call: Call, facility_id: str) -> ZoneInfo:
    versions = await places.versions(call.runtime.store.models, [facility_id])
    return ZoneInfo(versions[-1]["time_zone"])


def _seen(row: dict[str, Any], crs: Crs) -> dict[str, Any]:
    """A row in the client's coordinates."""
    if crs is Crs.WGS84 or row["latitude"] is None:
        return row
    latitude, longitude = from_wgs84(row["latitude"], row["longitude"], crs)
    return row | {"latitude": latitude, "longitude": longitude}


ROUTES = (
    Route(
        method="POST",
        path="/v1/parking/facilities/readings/batch",
        tag="parking",
        summary=f"Record up to {MOST} readings of counters, each for itself",
        handler=read_batch,
        roles=WATCHERS,
        body=CounterBatch,
        body_limit_bytes=BATCH_BYTES,
        answers={200: Answer("what became of them", BatchAnswer)},
    ),
    Route(
        method="POST",
        path="/v1/parking/facilities/{facility_id}/readings",
        tag="parking",
        summary="Record how many places are free, as the counter says",
        handler=read,
        roles=WATCHERS,
        body=commands.ReadCounter,
        answers={
            201: Answer("recorded", ReadingAnswer),
            200: Answer("known before", ReadingAnswer),
        },
    ),
    Route(
        method="GET",
        path="/v1/parking/facilities",
        tag="parking",
        summary="Facilities with their free places, as of a moment",
        handler=list_facilities,
        query=FacilitiesQuery,
        answers={200: Answer("a page", Facilities)},
    ),
    Route(
        method="GET",
        path="/v1/parking/facilities/{facility_id}",
        tag="parking",
        summary="A facility with its free places, as of a moment",
        handler=show,
        query=AsOfQuery,
        answers={200: Answer("the facility", FacilityRow)},
    ),
    Route(
        method="GET",
        path="/v1/parking/facilities/{facility_id}/occupancy",
        tag="parking",
        summary="What the counter of a facility said, in the order of time",
        handler=series,
        query=OccupancyQuery,
        answers={200: Answer("a page", Occupancy)},
    ),
    Route(
        method="GET",
        path="/v1/parking/facilities/{facility_id}/metrics",
        tag="parking",
        summary="The occupancy of a facility by hour; −1 where it was not known for most of it",
        handler=metrics,
        query=MetricsQuery,
        answers={200: Answer("the hours", Metrics)},
    ),
)

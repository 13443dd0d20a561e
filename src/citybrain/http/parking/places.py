"""Places over HTTP: as they are and as they were, and how those who look after them say so."""

from datetime import datetime
from operator import itemgetter
from typing import Annotated, Any

from aiohttp import web
from pydantic import BaseModel, Field

from citybrain.domain.actor import Role
from citybrain.domain.parking.place import IMPORTERS, PlaceKind
from citybrain.eventstore import StreamNotFound
from citybrain.geo.areas import Box
from citybrain.geo.gcj02 import Crs, from_wgs84, to_wgs84
from citybrain.geo.geojson import moved
from citybrain.http.commanding import context
from citybrain.http.paging import CrsQuery, PagedQuery, ReadModelQuery, page_by, wait_for_position
from citybrain.http.problems import Malformed
from citybrain.http.routing import Answer, Call, Route, json_response
from commands.fields import Flag, Moment
from commands.handling import Command
from commands.parking.fields import PlaceId
from commands.parking.place_fields import PlaceDeclared
from commands.parking.register import Declared, register_places
from projections.parking import places
from projections.parking.places import NearPlaceRow, PlaceRow, WantedPlaces

MODEL = "parking_places"
MOST = 1000
BODY_BYTES = 4 * 1024 * 1024
KEEPERS = tuple(role for role in IMPORTERS if role is not Role.SYSTEM)

Degrees = Annotated[float, Field(ge=-180, le=180, allow_inf_nan=False)]
Northern = Annotated[float, Field(ge=-90, le=90, allow_inf_nan=False)]


class DeclarePlaces(Command):
    """What holds of places, each from a moment on: all of it is taken, or nothing."""

    places: list[PlaceDeclared] = Field(min_length=1, max_length=MOST)
    dry_run: Flag = Field(False, description="check everything and write nothing")


class DeclaredAnswer(BaseModel):
    """How many places are new, have a new version, or were known as they are declared."""

    opened: int
    changed: int
    unchanged: int


class Places(BaseModel):
    """A page of places, by id; around a point the nearest first, in one page."""

    places: list[NearPlaceRow | PlaceRow]
    next: str | None = Field(description="send as `after` for the next page")


class PlaceVersions(BaseModel):
    """What held of a place, the oldest first."""

    versions: list[PlaceRow]


class AsOfQuery(ReadModelQuery, CrsQuery):
    """As of which moment."""

    at: Moment | None = Field(None, description="as it was then")


class AroundQuery(PagedQuery, CrsQuery):
    """In a box or in a circle: each of them whole, and not both."""

    at: Moment | None = Field(None, description="as they were then; now where left out")
    after: PlaceId | None = Field(None, description="`next` of the page before")
    south: Northern | None = None
    west: Degrees | None = None
    north: Northern | None = None
    east: Degrees | None = None
    latitude: Northern | None = None
    longitude: Degrees | None = None
    radius_m: float | None = Field(None, gt=0, le=50_000, allow_inf_nan=False)

    def box(self) -> Box | None:
        """In our coordinates; raises `Malformed`."""
        sides = [
            side for side in (self.south, self.west, self.north, self.east) if side is not None
        ]
        if not sides:
            return None
        if len(sides) < 4 or self.circle() is not None:
            raise Malformed("a box is south, west, north and east, without a circle")
        south, west, north, east = sides
        return *to_wgs84(south, west, self.crs), *to_wgs84(north, east, self.crs)

    def circle(self) -> tuple[float, float, float] | None:
        """Latitude and longitude in our coordinates, and the radius; raises `Malformed`."""
        if self.latitude is None and self.longitude is None and self.radius_m is None:
            return None
        if self.latitude is None or self.longitude is None or self.radius_m is None:
            raise Malformed("a circle is latitude, longitude and radius_m")
        return *to_wgs84(self.latitude, self.longitude, self.crs), self.radius_m


class PlacesQuery(AroundQuery):
    """Which places."""

    kind: PlaceKind | None = None
    parent: PlaceId | None = Field(None, description="the area of zones, the zone of berths")
    watching: PlaceId | None = Field(None, description="only devices that report on this place")
    geometry: bool = Field(True, description="with geometries")


async def declare(call: Call) -> web.Response:
    """Declare places."""
    body: DeclarePlaces = call.body
    plan = await register_places(
        [Declared(f"places/{index}", place) for index, place in enumerate(body.places)],
        context(call),
        call.runtime.services,
        dry_run=body.dry_run,
    )
    position = await call.runtime.store.head()
    return json_response(DeclaredAnswer(**plan.summary()), headers={"X-Position": str(position)})


async def show_all(call: Call) -> web.Response:
    """Places in use at a moment."""
    query: PlacesQuery = call.query
    await wait_for_position(call.runtime, MODEL, query.min_position)
    at: datetime = query.at or call.runtime.services.clock()
    wanted = WantedPlaces(
        kinds=None if query.kind is None else [query.kind.value],
        parent=query.parent,
        watching=query.watching,
        box=query.box(),
    )
    pool, circle = call.runtime.store.models, query.circle()
    if circle is not None:
        latitude, longitude, radius_m = circle
        rows = await places.near(
            pool, at, latitude, longitude, radius_m=radius_m, wanted=wanted, limit=query.limit
        )
        near = [NearPlaceRow(**seen(row, query.crs, query.geometry)) for row in rows]
        return json_response(Places(places=[*near], next=None))
    rows = await places.page(pool, at, wanted, after=query.after, limit=query.limit + 1)
    shown, following = page_by(rows, query.limit, itemgetter("place_id"))
    found = [PlaceRow(**seen(row, query.crs, query.geometry)) for row in shown]
    return json_response(Places(places=[*found], next=following))


async def show(call: Call) -> web.Response:
    """What held of a place: all of it, or what did at a moment."""
    query: AsOfQuery = call.query
    await wait_for_position(call.runtime, MODEL, query.min_position)
    place_id = call.request.match_info["place_id"]
    rows = await places.versions(call.runtime.store.models, [place_id])
    if query.at is not None:
        held = [row for row in rows if row["valid_from"] <= query.at][-1:]
        rows = [row for row in held if not row["retired"]]
    if not rows:
        raise StreamNotFound("there is no such place, or not then")
    versions = [PlaceRow(**seen(row, query.crs)) for row in rows]
    return json_response(PlaceVersions(versions=versions))


def seen(row: dict[str, Any], crs: Crs, geometry: bool = True) -> dict[str, Any]:
    """A row in the client's coordinates, with its geometry or without."""
    shape = row["geometry"] if geometry else None
    if crs is Crs.WGS84 or row["latitude"] is None:
        return row | {"geometry": shape}
    latitude, longitude = from_wgs84(row["latitude"], row["longitude"], crs)
    if shape is not None:
        shape = moved(shape, lambda north, east: from_wgs84(north, east, crs))
    return row | {"geometry": shape, "latitude": latitude, "longitude": longitude}


ROUTES = (
    Route(
        method="POST",
        path="/v1/parking/places",
        tag="parking",
        summary="Declare what holds of places, each from a moment on: all of it, or nothing",
        handler=declare,
        roles=KEEPERS,
        body=DeclarePlaces,
        body_limit_bytes=BODY_BYTES,
        answers={200: Answer("what became of them", DeclaredAnswer)},
    ),
    Route(
        method="GET",
        path="/v1/parking/places",
        tag="parking",
        summary="Districts, zones, berths, facilities, devices and kiosks, as of a moment",
        handler=show_all,
        roles=None,
        query=PlacesQuery,
        answers={200: Answer("a page", Places)},
    ),
    Route(
        method="GET",
        path="/v1/parking/places/{place_id}",
        tag="parking",
        summary="All that ever held of a place, or what did at a moment",
        handler=show,
        roles=None,
        query=AsOfQuery,
        answers={200: Answer("its versions", PlaceVersions)},
    ),
)

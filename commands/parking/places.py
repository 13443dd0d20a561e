"""Where things are, for commands: a place by its id, what a device watches, how it comes to be.

Places are read from their own streams when they are first asked for, and kept in memory. Once a
second, at most, the log is asked which of them have changed: these are read again.
"""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from weakref import WeakKeyDictionary

from citybrain.domain.actor import NotYourDevice
from citybrain.domain.parking.place import ParkingPlace, PlaceKind, PlaceVersion, centre, stream_of
from citybrain.domain.parking.session import Place
from citybrain.errors import CitybrainError, InvalidInput
from citybrain.eventstore import StreamNotFound
from commands.handling import CommandContext
from commands.services import Services

AT_ONCE = 64
MOST_KEPT = 200_000
LOOK_SECONDS = 1.0
STANDING = (PlaceKind.BERTH.value, PlaceKind.FACILITY.value)

CHANGED = """
SELECT DISTINCT originator_id FROM stored_events
WHERE notification_id > $1 AND notification_id <= $2 AND topic = 'parking.place_described'
"""


class UnknownPlace(InvalidInput):
    """There is no such berth or facility, or it is not in use."""

    code = "parking-place-unknown"


@dataclass(frozen=True, slots=True)
class NewPlace:
    """A version of a place that is to be known."""

    place_id: str
    kind: PlaceKind
    version: PlaceVersion
    simulated: bool = False


class PlaceBook:
    """The places of one process."""

    def __init__(self, services: Services) -> None:
        self._store = services.store
        self._places: OrderedDict[str, ParkingPlace | None] = OrderedDict()
        self._position = 0
        self._looked = 0.0
        self._looking = asyncio.Lock()

    async def place(self, place_id: str, at: datetime) -> Place:
        """A berth or a facility as it was at a moment; raises `UnknownPlace`."""
        kind, version = await self._standing(place_id, at)
        zone_id = version.parent if kind == PlaceKind.BERTH else None
        priced = version if zone_id is None else await self._version(zone_id, at)
        if priced is None or priced.tariff_zone is None:
            raise UnknownPlace("this place has no tariff zone")
        return Place(
            place_id=place_id,
            kind=kind,
            zone_id=zone_id,
            area_id=priced.parent,
            tariff_zone=priced.tariff_zone,
            time_zone=priced.time_zone,
        )

    async def position_of(self, place_id: str, at: datetime) -> tuple[float, float] | None:
        """Latitude and longitude, WGS-84 degrees; None where they are not known."""
        _, version = await self._standing(place_id, at)
        longitude, latitude = centre(version.geometry)
        return None if latitude is None or longitude is None else (latitude, longitude)

    async def watched_by(self, device_id: str, at: datetime) -> tuple[str, ...]:
        """The places that a device reports on; none where it is not known."""
        version = await self._version(device_id, at)
        return () if version is None else tuple(version.watches)

    async def check_watches(self, device_id: str, place_id: str, at: datetime) -> None:
        """Raise `UnknownPlace`, or `NotYourDevice` where the device does not look there."""
        await self._standing(place_id, at)
        if place_id not in await self.watched_by(device_id, at):
            raise NotYourDevice("this device does not watch that place")

    async def _standing(self, place_id: str, at: datetime) -> tuple[str, PlaceVersion]:
        place = await self._place(place_id)
        version = None if place is None else place.at(at)
        if place is None or version is None or place.kind not in STANDING:
            raise UnknownPlace("there is no such berth or facility in use then")
        return place.kind, version

    async def _version(self, place_id: str, at: datetime) -> PlaceVersion | None:
        place = await self._place(place_id)
        return None if place is None else place.at(at)

    async def _place(self, place_id: str) -> ParkingPlace | None:
        await self._look()
        stream_id = stream_of(place_id)
        if stream_id not in self._places:
            try:
                self._places[stream_id] = await self._store.load(ParkingPlace, stream_id)
            except StreamNotFound:
                return None
            if len(self._places) > MOST_KEPT:
                self._places.popitem(last=False)
        return self._places[stream_id]

    async def _look(self) -> None:
        """Forget what has changed, at most once a second."""
        async with self._looking:
            if time.monotonic() - self._looked < LOOK_SECONDS:
                return
            head = await self._store.head()
            if head > self._position:
                rows = await self._store.pool.fetch(CHANGED, self._position, head)
                for row in rows:
                    self._places.pop(row["originator_id"], None)
                self._position = head
            self._looked = time.monotonic()

    def forget(self, place_id: str) -> None:
        """It was changed by this process: read it again."""
        self._places.pop(stream_of(place_id), None)


_BOOKS: WeakKeyDictionary[object, PlaceBook] = WeakKeyDictionary()


def place_book(services: Services) -> PlaceBook:
    """The book of this process."""
    return _BOOKS.setdefault(services.store, PlaceBook(services))


async def describe_places(
    places: Sequence[NewPlace], context: CommandContext, services: Services
) -> list[int | CitybrainError]:
    """Take in versions of places; for each its position in the log, or why it is refused."""
    limit = asyncio.Semaphore(AT_ONCE)

    async def one(new: NewPlace) -> int | CitybrainError:
        async with limit:
            try:
                return await _describe(new, context, services)
            except CitybrainError as error:
                return error

    return await asyncio.gather(*map(one, places))


async def _describe(new: NewPlace, context: CommandContext, services: Services) -> int:
    now, actor = services.clock(), context.actor
    try:
        place = await services.store.load(ParkingPlace, stream_of(new.place_id))
    except StreamNotFound:
        place = ParkingPlace.open(
            actor, now, place_id=new.place_id, kind=new.kind, simulated=new.simulated
        )
    place.describe(actor, now, new.kind, new.version)
    if not place.pending_events:
        return await services.store.head()
    saved = await services.store.save(place, metadata=context.metadata())
    place_book(services).forget(new.place_id)
    return saved.position

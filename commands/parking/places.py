"""Where things are, for commands: a place by its id, what a device watches, how it comes to be.

Places are read from their own streams when they are first asked for, many at once, and kept in
memory up to a bound, also that there is none. Whoever changes one in this process drops it; what
others change is seen in the log after a second at most.
"""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from citybrain.domain.actor import NotYourDevice
from citybrain.domain.parking.place import ParkingPlace, PlaceKind, PlaceVersion, centre, stream_of
from citybrain.domain.parking.session import Place
from citybrain.errors import CitybrainError, InvalidInput
from citybrain.eventstore import EventStore, StreamNotFound
from commands.handling import CommandContext
from commands.services import Services

AT_ONCE = 64
MOST_KEPT = 200_000
LOOK_SECONDS = 1.0
FAR = 20_000  # events behind: to read places again is cheaper than to look which have changed
STANDING = (PlaceKind.BERTH.value, PlaceKind.FACILITY.value)
TOPICS = [event.TOPIC for event in ParkingPlace.EVENTS]


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
    """The places of one process. Get it from `place_book`."""

    def __init__(self, store: EventStore, most: int = MOST_KEPT) -> None:
        self._store = store
        self._most = most
        self._places: OrderedDict[str, ParkingPlace | None] = OrderedDict()
        self._position = 0
        self._looked = 0.0
        self._looking = asyncio.Lock()

    async def find(
        self, place_ids: Iterable[str], *, fresh: bool = False
    ) -> dict[str, ParkingPlace]:
        """The places that there are of these, by one question for all that are not in memory.

        With `fresh`, one that was not there is looked for again.
        """
        ids = {stream_of(place_id): place_id for place_id in place_ids}
        asked = time.monotonic()
        fresh = fresh and any(self._places.get(stream_id, self) is None for stream_id in ids)
        since = asked if fresh else asked - LOOK_SECONDS
        if self._looked <= since or any(stream_id not in self._places for stream_id in ids):
            async with self._looking:
                if self._looked <= since:  # nobody has looked while this one waited
                    await self._look()
                await self._load([each for each in ids if each not in self._places])
        found = {}
        for stream_id, place_id in ids.items():
            place = self._places.get(stream_id)
            if place is not None:
                self._places.move_to_end(stream_id)
                found[place_id] = place
        while len(self._places) > self._most:
            self._places.popitem(last=False)
        return found

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

    async def facility(self, place_id: str, at: datetime) -> PlaceVersion:
        """A facility as it was at a moment; raises `UnknownPlace`."""
        kind, version = await self._standing(place_id, at)
        if kind != PlaceKind.FACILITY:
            raise UnknownPlace("there is no such facility in use then")
        return version

    async def _standing(self, place_id: str, at: datetime) -> tuple[str, PlaceVersion]:
        place = (await self.find([place_id])).get(place_id)
        version = None if place is None else place.at(at)
        if place is None or version is None or place.kind not in STANDING:
            raise UnknownPlace("there is no such berth or facility in use then")
        return place.kind, version

    async def _version(self, place_id: str, at: datetime) -> PlaceVersion | None:
        place = (await self.find([place_id])).get(place_id)
        return None if place is None else place.at(at)

    async def _look(self) -> None:
        """Forget what has changed in the log since it was last looked at."""
        looked, head = time.monotonic(), await self._store.head()
        if not self._places or head - self._position > FAR:
            self._places.clear()
        elif head > self._position:
            changed = await self._store.read_all(
                self._position, topics=TOPICS, limit=head - self._position, up_to=head
            )
            for stream_id in {event.stream_id for event in changed}:
                self._places.pop(stream_id, None)
        self._position, self._looked = head, looked

    async def _load(self, stream_ids: Sequence[str]) -> None:
        if not stream_ids:
            return
        found: dict[str, Any] = dict.fromkeys(stream_ids)
        for event in await self._store.read_streams(stream_ids, topics=TOPICS):
            place = found[event.stream_id]
            found[event.stream_id] = self._store.to_domain_event(event).mutate(place)
        self._places.update(found)

    def forget(self, *place_ids: str) -> None:
        """They were changed by this process: read them again."""
        for place_id in place_ids:
            self._places.pop(stream_of(place_id), None)

    def __len__(self) -> int:
        return len(self._places)


def place_book(services: Services) -> PlaceBook:
    """The book of this process."""
    return services.held(PlaceBook, lambda services: PlaceBook(services.store))


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

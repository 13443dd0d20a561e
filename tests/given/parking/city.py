"""A small city that parks: a street, a garage, a camera; and a clock that the test sets."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

from citybrain.city_day import CITY_ZONE
from citybrain.domain.actor import Actor, Role, system_actor
from citybrain.domain.parking.place import PlaceKind, PlaceVersion
from citybrain.domain.parking.session import ParkingSession
from citybrain.errors import CitybrainError
from citybrain.eventstore import RecordedEvent
from commands.handling import CommandContext
from commands.parking.detection import Recorded, RecordParkingDetection, record_detections
from commands.parking.places import NewPlace, describe_places
from commands.parking.processes.sessions import ParkingSessions
from commands.services import Services
from tests.given.services import context

METRE_NORTH = 1 / 111_195
WATCHER = Actor("c-1", frozenset({Role.CAMERA}), acts_for=frozenset({"c-*"}))
IMPORT = system_actor("places")
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
GARAGE, LORRIES = "G-1", "G-2"


def at(clock: str, day: str = "2026-09-14") -> datetime:
    """A time of the city, as `09:40`, `09:40:20`."""
    parsed = datetime.fromisoformat(f"{day}T{clock}")
    return parsed.replace(tzinfo=CITY_ZONE).astimezone(UTC)


def point(metres: float = 0) -> dict[str, Any]:
    """So far north of the middle of the city."""
    return {"type": "Point", "coordinates": [113.6254, 34.7466 + metres * METRE_NORTH]}


def version(name: str, metres: float = 0, **members: Any) -> PlaceVersion:
    """What holds since long ago."""
    return PlaceVersion(valid_from=LONG_AGO, name=name, geometry=point(metres), **members)


def places() -> list[NewPlace]:
    """One block face with nine berths of five metres, a garage 18 km away, and who watches them."""
    berths = [f"Z1-{number:03}" for number in range(1, 10)]
    return [
        NewPlace("A-1", PlaceKind.AREA, version("district")),
        NewPlace("Z1", PlaceKind.ZONE, version("street", parent="A-1", tariff_zone="1")),
        *(
            NewPlace(
                berth,
                PlaceKind.BERTH,
                version(berth, 5.0 * number, parent="Z1", number=number, length_cm=500),
            )
            for number, berth in enumerate(berths, 1)
        ),
        NewPlace(
            GARAGE,
            PlaceKind.FACILITY,
            version("garage", 18_000, parent="A-1", tariff_zone="1", capacity=100),
        ),
        NewPlace("c-1", PlaceKind.DEVICE, version("camera", watches=[*berths, GARAGE])),
        NewPlace("c-2", PlaceKind.DEVICE, version("camera", watches=berths)),
    ]


@dataclass
class Street:
    """The city at work. `services.clock` is the test's; signs are told when it says."""

    services: Services
    process: ParkingSessions = field(default_factory=ParkingSessions)
    position: int = 0
    told: int = 0

    @classmethod
    async def open(cls, services: Services, now: datetime) -> "Street":
        """The places are known."""
        street = cls(services)
        street.clock(now)
        command_id = uuid4()
        by = CommandContext(IMPORT, "import", command_id, command_id)
        for each in await describe_places(places(), by, services):
            assert not isinstance(each, CitybrainError), each
        return street

    def clock(self, now: datetime) -> None:
        """It is this time now."""
        self.services.clock = lambda: now

    def sign(self, sign: str, place: str | None, when: datetime, **said: Any) -> dict[str, Any]:
        """What a camera says; sure of the plate, if it says one."""
        self.told += 1
        sure = {"confidence": 97} if said.get("plate") else {}
        return {
            "device_id": "c-1",
            "ref": f"r{self.told}",
            "sign": sign,
            "place_id": place,
            "occurred_at": when,
            **sure,
            **said,
        }

    async def say(self, *signs: dict[str, Any]) -> list[str]:
        """Tell signs in one batch, and let sessions follow; the ids of the detections."""
        commands = [RecordParkingDetection.model_validate(each) for each in signs]
        found = await record_detections(commands, context(WATCHER), self.services)
        ids = []
        for each in found:
            assert isinstance(each, Recorded), each
            ids.append(each.detection_id)
        await self.follow()
        return ids

    async def follow(self) -> None:
        """The process manager takes what has happened since."""
        while events := await self._new():
            await self.process.react_all(events, self.services)

    async def _new(self) -> list[RecordedEvent]:
        found = [
            event
            for event in await self.services.store.read_all(after=self.position, limit=1000)
            if event.topic in self.process.topics
        ]
        self.position = await self.services.store.head()
        return found

    async def sessions(
        self, wanted: Callable[[ParkingSession], bool] = lambda session: not session.voided
    ) -> list[ParkingSession]:
        """The sessions that there are, by their arrival."""
        rows = await self.services.store.pool.fetch(
            "SELECT originator_id FROM stored_events WHERE topic = 'parking.opened'"
        )
        found = [await self.services.store.load(ParkingSession, row[0]) for row in rows]
        return sorted(filter(wanted, found), key=lambda each: (each.arrived_at, each.place_id))

    async def one(self) -> ParkingSession:
        """The only session."""
        (session,) = await self.sessions()
        return session

    async def topics(self, session: ParkingSession) -> list[str]:
        """What happened to a session."""
        return [event.topic for event in await self.services.store.read(session.id)]


def minutes(session: ParkingSession) -> float | None:
    """How long it stood there."""
    if session.left_at is None:
        return None
    return (session.left_at - session.arrived_at) / timedelta(minutes=1)

"""A city with all that money follows from: a street, a registry, a gateway; taken along by hand."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any

from citybrain.domain.parking.claim import Claim
from citybrain.domain.parking.session import ParkingSession
from citybrain.settings import Settings
from commands.parking.pricing import OtherStays
from commands.parking.processes.charging import ParkingCharging, may_debit
from commands.parking.processes.collecting import Collecting
from commands.parking.processes.repricings import ParkingRepricings
from commands.parking.processes.rights import ParkingRights
from commands.processes.runner import context_of
from commands.services import Services
from projections.parking.session_ids import ended_between_as_of, of_plate
from tests.given.parking.binding_world import Drivers
from tests.given.parking.city import Street, at
from tests.given.parking.collecting import Street as Gateway
from tests.given.parking.collecting import collecting
from tests.given.read_models import project

BANK = "bank-payments"
OTHERS = OtherStays(of_plate)


@dataclass
class Owners:
    """Who has which vehicle, where they park, and what they pay."""

    drivers: Drivers
    street: Street
    gateway: Gateway
    managers: Sequence[Any] = field(
        default_factory=lambda: (
            ParkingCharging(of_plate),
            ParkingRights(of_plate),
            ParkingRepricings(ended_between_as_of, of_plate),
            Collecting(may_debit),
        )
    )
    seen: dict[str, int] = field(default_factory=dict)

    @property
    def services(self) -> Services:
        return self.gateway.services

    async def work(self, *without: str) -> None:
        """All process managers go as far as they can, but for these."""
        while await self._round(without):
            pass

    async def _round(self, without: Sequence[str]) -> bool:
        await self.drivers.follow()
        await self.street.follow()
        found = False
        for manager in self.managers:
            if manager.name in without:
                continue
            await project(self.services.store, "parking_sessions")
            since = self.seen.get(manager.name, 0)
            events = await self.services.store.read_all(after=since, limit=1000)
            for event in events:
                if event.topic in manager.topics:
                    own = partial(context_of, manager, event)
                    await manager.react(event, self.services, own)
                self.seen[manager.name] = event.position
            found = found or bool(events)
        return found

    async def parked(
        self, plate: str, begins: datetime, ends: datetime, *without: str, place: str = "Z1-001"
    ) -> str:
        """A car came and went, and what follows was done; the session."""
        self.street.clock(ends)
        known = {each.id for each in await self.street.sessions()}
        await self.street.say(
            self.street.sign("arrived", place, begins, plate=plate),
            self.street.sign("left", place, ends, plate=plate),
        )
        await self.work(*without)
        (session,) = [each.id for each in await self.street.sessions() if each.id not in known]
        return session

    async def session(self, session_id: str) -> ParkingSession:
        return await self.services.store.load(ParkingSession, session_id)

    async def owed(self, session_id: str) -> list[tuple[str | None, int, int]]:
        """Of whom what is owed for a session, and what is open of it, claim by claim."""
        session = await self.session(session_id)
        found = [await self.services.store.load(Claim, each) for each in session.claims]
        return [(each.citizen_id, each.amount_fen, each.open_fen) for each in found]


@asynccontextmanager
async def owners(settings: Settings) -> AsyncIterator[Owners]:
    """A registry and a gateway that answer at once, and a street with berths in zone 1."""
    async with collecting(settings) as gateway:
        street = await Street.open(gateway.services, at("12:00", "2026-09-01"))
        yield Owners(Drivers(gateway.services, gateway.departments), street, gateway)

"""A city that parks and charges: its street, its gateway, and who is debited for which plate."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

import pytest

from citybrain.domain.actor import Actor, Role
from citybrain.domain.parking.claim import Claim
from citybrain.domain.parking.session import ParkingSession
from citybrain.settings import Settings
from commands.parking.bindings import Payer, Why
from commands.parking.plates import PlateKeeper
from commands.parking.processes import charging
from commands.parking.processes.charging import ParkingCharging, may_debit
from commands.parking.processes.collecting import Collecting
from commands.processes.runner import context_of
from commands.services import Services
from projections.parking.session_ids import of_plate
from tests.given.parking.city import Street, at
from tests.given.parking.collecting import Street as Gateway
from tests.given.parking.collecting import collecting
from tests.given.parking.plates import plate as a_plate

OFFICER = Actor("officer-1", frozenset({Role.OFFICIAL}), "parking")
CAR = "豫A12345"


@dataclass
class City:
    """A street and its gateway; who is debited for which plate is the test's to say."""

    street: Street
    gateway: Gateway
    holders: dict[str, str]
    given_back: int = 0

    @property
    def services(self) -> Services:
        """Those of the gateway's city."""
        return self.gateway.services

    async def work(self) -> None:
        """Both process managers go as far as they can."""
        managers: tuple[Any, ...] = (ParkingCharging(of_plate), Collecting(may_debit))
        seen = 0
        while events := await self.services.store.read_all(after=seen, limit=500):
            seen = events[-1].position
            for event in events:
                for manager in managers:
                    if event.topic in manager.topics:
                        own = partial(context_of, manager, event)
                        await manager.react(event, self.services, own)

    async def parked(self, begins: str, ends: str, plate: str = CAR, **said: Any) -> ParkingSession:
        """A car came and went, and all that follows was done."""
        street = self.street
        await street.say(
            street.sign("arrived", "Z1-001", at(begins), plate=plate, **said),
            street.sign("left", "Z1-001", at(ends), plate=plate, **said),
        )
        await self.work()
        return (await street.sessions())[-1]

    async def again(self, session: ParkingSession) -> ParkingSession:
        """After all that follows was done."""
        await self.street.follow()
        await self.work()
        return await self.services.store.load(ParkingSession, session.id)

    async def claims(self, session: ParkingSession) -> list[Claim]:
        """What was asked for it."""
        return [await self.services.store.load(Claim, claim) for claim in session.claims]

    async def bound(self, plate: str = CAR) -> tuple[str, str]:
        """Somebody who is debited for a plate, and their number at the bank."""
        citizen, number = await self.gateway.citizen()
        sealed = await PlateKeeper(self.services).seal(a_plate(plate))
        self.holders[sealed.plate_id] = citizen
        return citizen, number


@asynccontextmanager
async def charged_city(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[City]:
    """At noon, with nobody bound."""
    async with collecting(settings) as gateway:
        street = await Street.open(gateway.services, at("12:00"))
        city = City(street, gateway, {})

        async def payer_of(plate_id: str, *, services: Services, **_: Any) -> Payer | Why:
            holder = city.holders.get(plate_id)
            return Why.NOT_BOUND if holder is None else Payer(holder, "binding-1", 10_000)

        async def give_back_debit(*_: Any) -> None:
            city.given_back += 1

        monkeypatch.setattr(charging, "payer_of", payer_of)
        monkeypatch.setattr(charging, "take_debit", payer_of)
        monkeypatch.setattr(charging, "give_back_debit", give_back_debit)
        yield city

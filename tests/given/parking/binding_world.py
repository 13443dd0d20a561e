"""Citizens, a vehicle registry and a clock that is set: bindings taken along their way by hand."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import date, datetime, timedelta
from functools import partial
from typing import Any
from uuid import uuid4

from citybrain.app import open_services
from citybrain.domain.actor import Actor, Role
from citybrain.domain.parking.binding import PlateBinding
from citybrain.domain.parking.holding import ParkingPlate
from citybrain.eventstore import RecordedEvent
from citybrain.settings import Settings
from commands.citizens.citizen import RegisterCitizen, register_citizen
from commands.handling import CommandContext, CommandResult
from commands.parking import binding as commands
from commands.parking.bindings import payer_of
from commands.parking.plates import PlateKeeper
from commands.parking.processes.plate_bindings import PlateBindingAlarms, PlateBindings
from commands.processes.runner import context_of
from commands.services import Services
from ops.simulators.applications.departments import Departments, open_departments
from ops.simulators.applications.identity_numbers import identity_number
from tests.given.agreements import PARKING_NOTICE
from tests.given.driving import CLERK
from tests.given.numbers import next_number
from tests.given.parking.bindings import day
from tests.given.parking.plates import plate

BORN = date(1990, 5, 1)


def by(citizen: str, key: str | None = None) -> CommandContext:
    """A citizen sends something."""
    actor = Actor(citizen, frozenset({Role.CITIZEN}))
    return CommandContext(actor, "test", uuid4(), uuid4(), None, key)


class Drivers:
    """The city, as far as plates are bound in it."""

    def __init__(self, services: Services, departments: Departments) -> None:
        self.services, self.departments = services, departments
        self.process, self.alarms = PlateBindings(), PlateBindingAlarms()
        self._seen = 0
        self.clock(day("09-01"))

    def clock(self, now: datetime) -> None:
        """Set the clock."""
        self.services.clock = lambda: now

    @property
    def vehicles(self) -> Any:
        """The registry's book."""
        return self.departments.vehicles

    async def citizen(self, born: date = BORN) -> tuple[str, str]:
        """Somebody new, and their identity number."""
        number = identity_number(born, next_number("citizen"))
        result = await register_citizen(
            RegisterCitizen(name="張三", id_number=number, birth_date=born, simulated=True),
            CommandContext(CLERK, "test", uuid4(), uuid4()),
            self.services,
        )
        return result.stream_id, number

    async def ask(
        self, citizen: str, text: str = "豫A52K17", key: str | None = None, **fields: Any
    ) -> CommandResult:
        """They ask for a binding."""
        said = {
            "per_debit_limit_fen": 2000,
            "per_day_limit_fen": 5000,
            "notice_sha256": PARKING_NOTICE,
        }
        command = commands.BindPlate(plate=text, **said | fields)
        return await commands.bind_plate(command, by(citizen, key), self.services)

    async def bind(self, citizen: str, text: str = "豫A52K17", **fields: Any) -> PlateBinding:
        """They ask, and it is taken as far as it goes."""
        asked = await self.ask(citizen, text, **fields)
        await self.follow()
        return await self.binding(asked.stream_id)

    async def unbind(self, binding: PlateBinding) -> None:
        """They end it; what follows from that has not been done."""
        command = commands.UnbindPlate()
        await commands.unbind_plate(binding.id, command, by(binding.citizen_id), self.services)

    async def show_transfer(self, binding: PlateBinding, on: str) -> PlateBinding:
        """They show a transfer, and the registry is asked."""
        command = commands.ShowTransfer(transferred_on=day(on, "12:00:00").date())
        await commands.show_transfer(binding.id, command, by(binding.citizen_id), self.services)
        await self.follow()
        return await self.binding(binding.id)

    async def follow(self) -> None:
        """Let the process managers react to what has happened, until nothing happens any more."""
        while events := await self.services.store.read_all(self._seen, limit=1000):
            self._seen = events[-1].position
            await self.alarms.react_all(
                [event for event in events if event.topic in self.alarms.topics], self.services
            )
            for event in events:
                if event.topic in self.process.topics:
                    await self.react(event)

    async def react(self, event: RecordedEvent) -> None:
        """Let the process manager react to an event."""
        context_for = partial(context_of, self.process, event)
        await self.process.react(event, self.services, context_for)

    async def later(self, by: timedelta) -> None:
        """It is later; who is to be woken is."""
        self.clock(self.services.clock() + by)
        await self.alarms.ring_due(self.services)
        await self.follow()

    async def binding(self, binding_id: str) -> PlateBinding:
        return await self.services.store.load(PlateBinding, binding_id)

    async def plate_id(self, text: str = "豫A52K17") -> str:
        found = await PlateKeeper(self.services).find(plate(text))
        assert found is not None
        return found

    async def plate(self, text: str = "豫A52K17") -> ParkingPlate:
        stream_id = ParkingPlate.id_of(await self.plate_id(text))
        return await self.services.store.load(ParkingPlate, stream_id)

    async def pays(self, arrived: datetime, text: str = "豫A52K17", fen: int = 400) -> Any:
        """Who pays, or why nobody does."""
        return await payer_of(
            await self.plate_id(text),
            arrived_at=arrived,
            amount_fen=fen,
            now=self.services.clock(),
            services=self.services,
        )


@asynccontextmanager
async def drivers(settings: Settings) -> AsyncIterator[Drivers]:
    """A registry that answers at once, and services over it."""
    async with (
        open_departments(settings.data_dir, latency=(0.0, 0.0), seed=1) as departments,
        open_services(settings) as services,
    ):
        yield Drivers(services, departments)

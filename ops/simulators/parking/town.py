"""Parking in the simulated city: its cars, its cameras and gates, and its officers."""

import asyncio
import random

from ops.simulators.client import Client
from ops.simulators.parking.cameras import Clock, ParkingCameras, Pictures, now
from ops.simulators.parking.disputes import Disputes
from ops.simulators.parking.drivers import Drivers, Gateway
from ops.simulators.parking.officers import ParkingOfficers
from ops.simulators.parking.reading import Reader, grammar_of_now, made_up_plates
from ops.simulators.parking.reserving import Reserving
from ops.simulators.parking.traffic import Traffic

CARS = 200


class Town:
    """Everybody who has to do with parking, as clients of one server."""

    def __init__(
        self,
        client: Client,
        seed: int,
        *,
        gateway: Gateway | None = None,
        clock: Clock = now,
        speed: float = 1.0,
    ) -> None:
        chance, grammar = random.Random(seed), grammar_of_now()
        self.plates = made_up_plates(CARS, grammar, chance)
        self.traffic = Traffic(self.plates, chance)
        self.pictures = Pictures()
        beside = random.Random(seed + 1)  # what people do must not change what cars do
        reader = Reader(grammar, beside)
        self.cameras = ParkingCameras(
            client, self.traffic, reader, self.pictures, beside, clock=clock, speed=speed
        )
        self.drivers = Drivers(client, self.plates, random.Random(seed + 3), gateway)
        self.officers = ParkingOfficers(client, self.pictures, random.Random(seed + 2))
        self.reserving = Reserving(
            client, self.cameras.plans, self.drivers, random.Random(seed + 4), clock
        )
        self.disputes = Disputes(client, self.drivers, random.Random(seed + 5))

    async def run(self) -> None:
        """Park until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self.cameras.run())
            group.create_task(self.officers.run())
            group.create_task(self.drivers.run())
            group.create_task(self.reserving.run())
            group.create_task(self.disputes.run())

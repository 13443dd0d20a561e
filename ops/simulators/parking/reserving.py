"""Simulated drivers who plan ahead: they reserve a berth, and some think better of it."""

import asyncio
import random
from collections import deque
from collections.abc import Callable
from datetime import datetime, timedelta

from ops.simulators.client import Client
from ops.simulators.parking.drivers import Drivers
from ops.simulators.parking.traffic import Planned

LOOK_SECONDS = 1.0
SOONEST = timedelta(seconds=5)
GIVEN_UP_SHARE = 0.5  # of those who will not come: they say so

COLLECTION = "/v1/parking/reservations"


class Reserving:
    """What was planned in the streets is asked for over HTTP, as whoever the plate is of."""

    def __init__(
        self,
        client: Client,
        plans: deque[tuple[Planned, datetime]],
        drivers: Drivers,
        chance: random.Random,
        clock: Callable[[], datetime],
    ) -> None:
        self._client, self._plans, self._drivers = client, plans, drivers
        self._chance, self._clock = chance, clock

    async def run(self) -> None:
        """Reserve until cancelled."""
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            await self.look()

    async def look(self) -> None:
        """Reserve all that was planned meanwhile."""
        while self._plans:
            await self._reserve(*self._plans.popleft())

    async def _reserve(self, plan: Planned, said_at: datetime) -> None:
        begins, ends = (
            said_at + timedelta(seconds=seconds - plan.at) for seconds in (plan.begins, plan.ends)
        )
        citizen = await self._drivers.citizen(plan.plate)
        if citizen is None or begins < self._clock() + SOONEST:
            return
        body = {
            "berth": plan.berth,
            "start": begins.isoformat(),
            "end": ends.isoformat(),
            "plate": plan.plate,
            "simulated": True,
        }
        held = await self._client.command(citizen, COLLECTION, body)
        if held is None:  # somebody has it, or the citizen has as many as one may have
            return
        path = f"{COLLECTION}/{held['reservation_id']}"
        await self._client.command(citizen, f"{path}/confirmation", {})
        if not plan.comes and self._chance.random() < GIVEN_UP_SHARE:
            await self._client.command(citizen, f"{path}/cancellation", {})

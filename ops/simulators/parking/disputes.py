"""Simulated disputes: now and then a driver does not agree, and a supervisor of parking decides."""

import asyncio
import random
from typing import Any

from ops.simulators.client import Client, Person
from ops.simulators.parking.drivers import Drivers

DISPUTE_SECONDS, DECIDE_SECONDS = 60.0, 30.0
UPHELD_SHARE = 0.5
LOOK_AGAIN = 10  # drivers who look at what they were asked for, until one disagrees
SEEN_AT_ONCE, DECIDED_AT_ONCE = 20, 5
DONE = ("claimed", "deferred", "settled")
"""Sessions that are over and cost something."""

SUPERVISOR = Person("supervisor-parking-1", "supervisor", "parking")  # corrects no plate
GROUNDS = "模拟：我当时不在那里"


class Disputes:
    """Drivers who look at what they were asked for, and who decides about it."""

    def __init__(self, client: Client, drivers: Drivers, chance: random.Random) -> None:
        self._client, self._drivers, self._chance = client, drivers, chance

    async def run(self) -> None:
        """Dispute and decide until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._dispute())
            group.create_task(self._decide())

    async def _dispute(self) -> None:
        while True:
            await asyncio.sleep(DISPUTE_SECONDS * self._chance.uniform(0.5, 1.5))
            citizens = list(self._drivers.citizens.values())
            for citizen in self._chance.sample(citizens, min(len(citizens), LOOK_AGAIN)):
                if await self.disputed(citizen):
                    break

    async def disputed(self, citizen: Person) -> bool:
        """The newest that cost something and was not disputed before, where there is one."""
        for session in await self._sessions(citizen, f"limit={SEEN_AT_ONCE}"):
            if session["status"] in DONE and session["price_fen"] and not session["disputed"]:
                path = f"/v1/parking/sessions/{session['session_id']}/dispute"
                if await self._client.command(citizen, path, {"grounds": GROUNDS}) is not None:
                    return True
        return False

    async def _decide(self) -> None:
        while True:
            await asyncio.sleep(DECIDE_SECONDS * self._chance.uniform(0.5, 1.5))
            await self.decide()

    async def decide(self) -> None:
        """What waits; disputes of others than us are left alone."""
        query = f"status=disputed&limit={DECIDED_AT_ONCE}"
        for session in await self._sessions(SUPERVISOR, query):
            if session["simulated"]:
                path = f"/v1/parking/sessions/{session['session_id']}/dispute/decision"
                said = decision(session["price_fen"], self._chance)
                await self._client.command(SUPERVISOR, path, said)

    async def _sessions(self, person: Person, query: str) -> list[dict[str, Any]]:
        found = await self._client.get(person, f"/v1/parking/sessions?{query}")
        return list(found.get("sessions", ()))


def decision(price_fen: int, chance: random.Random) -> dict[str, Any]:
    """It stays as it is, or half of it is owed."""
    if chance.random() < UPHELD_SHARE:
        return {"upheld": True, "amount_fen": price_fen // 2, "reason": "goodwill"}
    return {"upheld": False, "reason": "unfounded"}

"""The officers of Renmin Road: they put its junctions in service, and go where one flashes."""

import asyncio
from collections.abc import Sequence

from ops.simulators.client import Client, Person

OFFICER = Person("road-officer", "official", "traffic_police")
ROUND_SECONDS = 30.0
BY_PEOPLE = ("by-hand", "police-arm")
"""Flashing that somebody wants."""


class Officers:
    """Those who look after some junctions."""

    def __init__(self, client: Client, junctions: Sequence[str]) -> None:
        self._client = client
        self._junctions = junctions

    async def put_in_service(self) -> None:
        """Those that are not in service yet."""
        for junction in self._junctions:
            path = f"/v1/signals/junctions/{junction}"
            if not await self._client.get(OFFICER, path):
                said = {"reason": "new", "simulated": True}
                await self._client.command(OFFICER, f"{path}/service", said)

    async def run(self) -> None:
        """Somebody goes there within a minute, looks at it, and ends the flashing."""
        while True:
            await asyncio.sleep(ROUND_SECONDS)
            for junction in self._junctions:
                path = f"/v1/signals/junctions/{junction}"
                flash = (await self._client.get(OFFICER, path)).get("flash")
                if flash is not None and flash["kind"] not in BY_PEOPLE:
                    await self._client.command(OFFICER, f"{path}/reset", {"reason": "repaired"})

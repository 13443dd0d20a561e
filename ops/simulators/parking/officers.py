"""Simulated officers of parking: they look at the pictures of what is held, and say what is so."""

import asyncio
import random
from datetime import datetime
from typing import Any

from ops.simulators.client import Client, Person
from ops.simulators.parking.cameras import Pictures

OFFICE_SECONDS = 20.0
AT_ONCE = 10
SOON_SHARE = 0.7  # of what is held that somebody gets to in a round
OFFICERS = tuple(Person(f"official-parking-{each}", "official", "parking") for each in (1, 2))


class ParkingOfficers:
    """The desk of what is held."""

    def __init__(self, client: Client, pictures: Pictures, chance: random.Random) -> None:
        self._client, self._pictures, self._chance = client, pictures, chance

    async def run(self) -> None:
        """Work until cancelled."""
        while True:
            await asyncio.sleep(OFFICE_SECONDS * self._chance.uniform(0.5, 1.5))
            await self.look(self._chance.choice(OFFICERS))

    async def look(self, officer: Person) -> None:
        """Go through the newest that are held; those of others than us are left alone."""
        path = f"/v1/parking/sessions?status=held&limit={AT_ONCE}"
        for session in (await self._client.get(officer, path)).get("sessions", ()):
            if session["simulated"] and self._chance.random() < SOON_SHARE:
                await self._decide(officer, session)

    async def _decide(self, officer: Person, session: dict[str, Any]) -> None:
        arrived_at = datetime.fromisoformat(session["arrived_at"])
        true = self._pictures.shown(session["place_id"], arrived_at)
        if true is None:  # of an earlier run: its pictures are gone
            return
        step, body = decision(session["plate"], true)
        path = f"/v1/parking/sessions/{session['session_id']}/{step}"
        await self._client.command(officer, path, body)


def decision(read: str | None, true: str) -> tuple[str, dict[str, str]]:
    """What an officer says who sees the true plate, and the command's body."""
    if read == true:
        return "release", {"reason": "reading-confirmed"}
    reason = "incomplete" if read == true[1:] else "misread"
    note = "simulated: as the picture shows"
    return "plate", {"plate": true, "reason": reason, "note": note}

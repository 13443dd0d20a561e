"""Simulated kiosks: made-up people register, enrol their faces and come back to be verified.

Now and then somebody tries with another face. Pictures are drawn by `ops.devfaces`.
"""

import asyncio
import base64
import random
from typing import Any

from ops.devfaces.kiosk import take
from ops.simulators.client import Client, Person

PEOPLE = 40
KIOSKS = 6
VISIT_SECONDS = 4.0
STRANGER_SHARE = 0.06
PURPOSES = ("housing-fund", "residence-permit", "social-security")
COUNTER = Person("official-counter", "official")
NOTICE = "6b86b273ff34fce19d6b804eff5a3f5747ada4eaa22f1d49c01e52ddb7875b4b"  # what was shown
FIRST_FACE = 70_000  # seed of the first person


class Kiosks:
    """Kiosks at which a small crowd turns up."""

    def __init__(self, client: Client, chance: random.Random) -> None:
        self._client = client
        self._chance = chance
        self._citizens: dict[int, str] = {}

    async def run(self) -> None:
        """Let people come until cancelled."""
        while True:
            await asyncio.sleep(self._chance.expovariate(1 / VISIT_SECONDS))
            person = self._chance.randrange(PEOPLE)
            kiosk = Person(f"kiosk-{self._chance.randrange(KIOSKS)}", "device")
            if person not in self._citizens:
                await self._come_first(person)
            else:
                stranger = self._chance.random() < STRANGER_SHARE
                face = (person + 1) % PEOPLE if stranger else person
                purpose = self._chance.choice(PURPOSES)
                await self._scan(kiosk, self._citizens[person], face, "verification", purpose)

    async def _come_first(self, person: int) -> None:
        """Register, agree and enrol, as far as this has not been done in an earlier run."""
        number = f"41010219900101{person:04}"
        registration = {
            "name": f"模擬市民{person}", "id_number": number, "birth_date": "1990-01-01",
            "simulated": True,
        }  # fmt: skip
        found = await self._client.command(COUNTER, "/v1/citizens", registration)
        if found is None:
            found = await self._client.command(
                COUNTER, "/v1/citizens/search", {"id_number": number}
            )
        if found is None:
            return
        citizen = found["citizen_id"]
        state = await self._client.get(COUNTER, f"/v1/citizens/{citizen}")
        if not state.get("face_consent"):
            await self._on(COUNTER, citizen, "face/consent", {"notice_sha256": NOTICE})
        if not state.get("face_enrolled"):
            await self._scan(COUNTER, citizen, person, "enrolment", "enrol")
        self._citizens[person] = citizen

    async def _scan(self, where: Person, citizen: str, face: int, what: str, purpose: str) -> None:
        """Ask for a challenge and answer it before the camera."""
        asked = await self._on(where, citizen, "face/challenges", {"purpose": purpose})
        if asked is None:
            return
        taken = [await asyncio.to_thread(take, FIRST_FACE + face, step) for step in asked["steps"]]
        body: dict[str, Any] = {
            "challenge_id": asked["challenge_id"],
            "nonce": asked["nonce"],
            "frames": [base64.b64encode(frame).decode() for frame in taken],
        }
        if what == "verification":
            body["purpose"] = purpose
        await self._on(where, citizen, f"face/{what}", body)

    async def _on(
        self, who: Person, citizen: str, path: str, body: dict[str, Any]
    ) -> dict[str, Any] | None:
        return await self._client.command(who, f"/v1/citizens/{citizen}/{path}", body)

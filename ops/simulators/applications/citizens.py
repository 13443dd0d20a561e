"""Simulated citizens: made-up people who apply all day, on four channels, some with trouble.

They register, enrol a face, and apply: at a kiosk, with a phone, on the web and then at a kiosk,
or at a counter without a face. Now and then a stranger tries, a couple applies for one loan at
once, somebody withdraws or appeals. Officers work through what is referred to them. Pictures are
drawn by `ops.devfaces`; what departments know of a person follows from the number
(`ops.simulators.applications.departments.people`).
"""

import asyncio
import base64
import random
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from ops.devfaces.kiosk import take
from ops.simulators.applications.identity_numbers import identity_number
from ops.simulators.client import Client, Person

PEOPLE = 2000  # couples: 0 and 1, 2 and 3, …
KIOSKS = 6
VISIT_SECONDS = 3.0
WAYS = {"kiosk": 0.35, "app": 0.35, "web": 0.15, "counter": 0.15}
STRANGER_SHARE = 0.05
TOGETHER_SHARE = 0.1
WITHDRAWAL_SHARE = 0.04
APPEAL_SHARE = 0.3
SECOND_LOOK_SHARE = 0.4
AGREED_SHARE = 0.8
PROPOSED = "application.review_proposed"
OFFICE_SECONDS = 5.0
REVIEWED_FEN = 50_000
REPAYMENT = "housing-fund-repayment"
SERVICES = {
    REPAYMENT: 0.5,
    "housing-fund-purchase": 0.1,
    "social-security-query": 0.15,
    "living-allowance": 0.1,
    "first-home-subsidy": 0.05,
    "residence-permit": 0.1,
}
FORMS = {"residence-permit": {"ground": "job"}}
CLERK = Person("clerk-1", "clerk", counter="counter-1")
AGREEMENT = "face-recognition"
FIRST_FACE = 70_000  # seed of the first person


@dataclass(frozen=True)
class Citizen:
    """A made-up person who is registered."""

    number: int
    citizen_id: str

    @property
    def phone(self) -> Person:
        """The person with a token of their own."""
        return Person(self.citizen_id, "citizen")


class Citizens:
    """A small crowd, and the officers who decide what rules cannot."""

    def __init__(self, client: Client, chance: random.Random) -> None:
        self._client = client
        self._chance = chance
        self._known: dict[int, Citizen] = {}

    async def run(self) -> None:
        """Let people come until cancelled."""
        departments = await self._departments()
        async with asyncio.TaskGroup() as group:
            for department in departments:
                for number in (1, 2, 3, 4):  # some decisions take two, and an appeal others
                    officer = Person(f"official-{department}-{number}", "official", department)
                    group.create_task(self._office(officer))
            while True:
                await asyncio.sleep(self._chance.expovariate(1 / VISIT_SECONDS))
                group.create_task(self._come(self._chance.randrange(PEOPLE)))

    async def _departments(self) -> list[str]:
        while True:
            rows = (await self._client.get(CLERK, "/v1/services")).get("services", [])
            if rows:
                return sorted({row["department"] for row in rows})
            await asyncio.sleep(OFFICE_SECONDS)

    async def _come(self, number: int) -> None:
        """One visit; a couple's two at once, now and then."""
        citizen = await self._citizen(number)
        if citizen is None:
            return
        if self._chance.random() >= TOGETHER_SHARE:
            service = self._chance.choices(list(SERVICES), list(SERVICES.values()))[0]
            await self._apply(citizen, service)
            return
        spouse = await self._citizen(number ^ 1)
        if spouse is not None:
            await asyncio.gather(self._apply(citizen, REPAYMENT), self._apply(spouse, REPAYMENT))

    async def _apply(self, citizen: Citizen, service: str) -> None:
        way = self._chance.choices(list(WAYS), list(WAYS.values()))[0]
        applied = await {
            "kiosk": self._at_a_kiosk,
            "app": self._with_a_phone,
            "web": self._begin_at_home,
            "counter": self._at_a_counter,
        }[way](citizen, service)
        if applied is None:
            return
        if self._chance.random() < WITHDRAWAL_SHARE:
            await self._on(citizen.phone, applied, "withdrawal", {})
            return
        await asyncio.sleep(OFFICE_SECONDS)
        shown = await self._client.get(citizen.phone, f"/v1/applications/{applied}")
        state = shown.get("application", {})
        if state.get("status") == "refused" and self._chance.random() < APPEAL_SHARE:
            await self._on(citizen.phone, applied, "appeal", {"grounds": "simulated: look again"})

    async def _at_a_kiosk(self, citizen: Citizen, service: str) -> str | None:
        kiosk = self._kiosk()
        stranger = self._chance.random() < STRANGER_SHARE
        face = (citizen.number + 2) % PEOPLE if stranger else citizen.number
        matched = await self._scan(kiosk, citizen, face, "verification", service)
        if not matched or not matched["matched"]:
            return None
        return await self._submit(kiosk, citizen, service, "kiosk")

    async def _with_a_phone(self, citizen: Citizen, service: str) -> str | None:
        applied = await self._submit(citizen.phone, citizen, service, "app")
        await self._scan(citizen.phone, citizen, citizen.number, "verification", service)
        return applied

    async def _begin_at_home(self, citizen: Citizen, service: str) -> str | None:
        """On the web without a camera; the face is shown at a kiosk, where it goes on."""
        applied = await self._submit(citizen.phone, citizen, service, "web")
        if applied is not None:
            await asyncio.sleep(self._chance.uniform(1, 10))
            kiosk = self._kiosk()
            if await self._scan(kiosk, citizen, citizen.number, "verification", service):
                await self._on(kiosk, applied, "takeover", {"channel": "kiosk"})
        return applied

    async def _at_a_counter(self, citizen: Citizen, service: str) -> str | None:
        """Without a face: an official looks at a document."""
        body = {"purpose": service, "document": "identity-card"}
        path = f"/v1/citizens/{citizen.citizen_id}/identity/confirmation"
        if await self._client.command(CLERK, path, body) is None:
            return None
        return await self._submit(CLERK, citizen, service, "counter")

    async def _submit(
        self, who: Person, citizen: Citizen, service: str, channel: str
    ) -> str | None:
        body = {
            "service": service,
            "channel": channel,
            "citizen_id": citizen.citizen_id,
            "form": FORMS.get(service, {}),
            "simulated": True,
        }
        applied = await self._client.command(who, "/v1/applications", body)
        return applied["application_id"] if applied else None

    async def _office(self, officer: Person) -> None:
        """An officer asks the departments again, approves, or refuses."""
        path = f"/v1/applications/queue?department={officer.department}&limit=20"
        while True:
            await asyncio.sleep(OFFICE_SECONDS * self._chance.uniform(0.5, 1.5))
            queue = (await self._client.get(officer, path)).get("applications", [])
            for waiting in queue:
                if waiting["simulated"] and self._chance.random() < 0.5:
                    await self._review(officer, waiting)

    async def _review(self, officer: Person, waiting: dict[str, Any]) -> None:
        application_id = waiting["application_id"]
        if waiting["status"] == "awaiting-second-reviewer":
            await self._second(officer, application_id)
            return
        if waiting["status"] not in ("referred", "payout-failed"):
            return
        if not waiting["appealed"] and self._chance.random() < SECOND_LOOK_SHARE:
            await self._on(officer, application_id, "evidence", {})
            return
        approved = self._chance.random() < 0.5
        body: dict[str, Any] = {
            "outcome": "approved" if approved else "refused",
            "note": "simulated",
        }
        if approved and waiting["pays"]:
            body["amount_fen"] = REVIEWED_FEN
        if not approved:
            body["reasons"] = ["conditions-not-met"]
        await self._on(officer, application_id, "review", body)

    async def _second(self, officer: Person, application_id: str) -> None:
        """Another officer than the first agrees, or does not."""
        found = await self._client.get(officer, f"/v1/applications/{application_id}")
        steps = [each["details"] for each in found.get("steps", []) if each["topic"] == PROPOSED]
        if not steps or steps[-1]["reviewer"] == officer.subject:
            return
        if self._chance.random() < AGREED_SHARE:
            body = {"amount_fen": steps[-1]["amount_fen"], "note": "simulated"}
            await self._on(officer, application_id, "review/confirmation", body)
        else:
            body = {"note": "simulated"}
            await self._on(officer, application_id, "review/turning-back", body)

    async def _citizen(self, number: int) -> Citizen | None:
        """Registered, agreed and enrolled, as far as this has not been done in an earlier run."""
        if number in self._known:
            return self._known[number]
        born, id_number = _identity_of(number)
        registration = {
            "name": f"模拟市民{number}",
            "id_number": id_number,
            "birth_date": born,
            "phone": f"+86 371 5555 {number:04}",
            "simulated": True,
        }
        found = await self._client.command(CLERK, "/v1/citizens", registration)
        if found is None:
            wanted = {"id_number": id_number}
            found = await self._client.command(CLERK, "/v1/citizens/search", wanted)
        if found is None:
            return None
        citizen = Citizen(number, found["citizen_id"])
        path = f"/v1/citizens/{citizen.citizen_id}"
        state = await self._client.get(citizen.phone, path)
        if not state.get("face_consent"):
            notice = {"notice_sha256": await self._notice()}
            await self._client.command(citizen.phone, f"{path}/face/consent", notice)
        if not state.get("face_enrolled"):
            await self._scan(citizen.phone, citizen, number, "enrolment", "enrol")
        self._known[number] = citizen
        return citizen

    async def _notice(self) -> str:
        """The digest of the text that is shown before a face is enrolled."""
        found = await self._client.get(CLERK, "/v1/agreements")
        shown = {each["code"]: each["sha256"] for each in found.get("agreements", ())}
        return str(shown.get(AGREEMENT))

    def _kiosk(self) -> Person:
        return Person(f"kiosk-{self._chance.randrange(KIOSKS)}", "kiosk")

    async def _scan(
        self, where: Person, citizen: Citizen, face: int, what: str, purpose: str
    ) -> dict[str, Any] | None:
        """Ask for a challenge and answer it before the camera."""
        path = f"/v1/citizens/{citizen.citizen_id}/face"
        asked = await self._client.command(where, f"{path}/challenges", {"purpose": purpose})
        if asked is None:
            return None
        taken = [await asyncio.to_thread(take, FIRST_FACE + face, step) for step in asked["steps"]]
        body: dict[str, Any] = {
            "challenge_id": asked["challenge_id"],
            "nonce": asked["nonce"],
            "frames": [base64.b64encode(frame).decode() for frame in taken],
        }
        if what == "verification":
            body["purpose"] = purpose
        return await self._client.command(where, f"{path}/{what}", body)

    async def _on(self, who: Person, application_id: str, what: str, body: dict[str, Any]) -> None:
        await self._client.command(who, f"/v1/applications/{application_id}/{what}", body)


def _identity_of(number: int) -> tuple[str, str]:
    """Date of birth and identity number; of a couple the second is the spouse."""
    couple, spouse = divmod(number, 2)
    born = date(1995, 1, 1) + timedelta(days=couple // 50)
    circumstance = number // 4 % 10
    return str(born), identity_number(born, couple, circumstance=circumstance, spouse=bool(spouse))

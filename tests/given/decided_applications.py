"""Applications that were decided, made straight on the aggregate."""

import base64
import hashlib
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import uuid4

import orjson

from citybrain.city_day import city_day
from citybrain.definitions.applications.catalogue import Catalogue
from citybrain.definitions.applications.deciding import decide
from citybrain.domain.actor import Actor, Role
from citybrain.domain.applications.application import Application, Channel, Terms
from citybrain.domain.applications.identity import note_identity
from citybrain.domain.citizens import Identification
from commands.applications.unsealed import FORM, STEPS, evidence_purpose
from commands.citizens.citizen import RegisterCitizen, register_citizen
from commands.services import Services
from ops.simulators.applications.identity_numbers import identity_number
from tests.given.catalogue import changed
from tests.given.services import context

NOW = datetime(2026, 3, 1, 2, 30, tzinfo=UTC)
CLERK = Actor("clerk-1", frozenset({Role.CLERK}), counter="counter-1")
FUND = Actor("official-fund", frozenset({Role.OFFICIAL}), "housing-fund")
REPAYMENT = "housing-fund-repayment"


async def registered(services: Services, number: int = 1) -> str:
    """A new citizen with a key."""
    command = RegisterCitizen(
        name="張三",
        id_number=identity_number(date(1990, 5, 1), number),
        birth_date=date(1990, 5, 1),
        simulated=True,
    )
    return (await register_citizen(command, context(CLERK), services)).stream_id


def signed(record: dict[str, Any], **claims: Any) -> str:
    """As a department or a bank answers, but for the header and the signature."""
    said = {"record": record} | claims
    payload = base64.urlsafe_b64encode(orjson.dumps(said)).rstrip(b"=").decode()
    return f"e30.{payload}.c2lnbmVk"


class Applying:
    """Takes an application of a citizen through its life, straight on the aggregate."""

    def __init__(
        self, services: Services, citizen_id: str, service: str = REPAYMENT, now: datetime = NOW
    ) -> None:
        self.services, self.citizen_id, self.now = services, citizen_id, now
        self.item = services.definitions.of(Catalogue).item(service, city_day(now))

    async def seal(self, purpose: str, value: str) -> str:
        return await self.services.vault.seal_text(self.citizen_id, purpose, value)

    async def submit(self, form: dict[str, Any]) -> None:
        self.form = form
        actor = Actor(self.citizen_id, frozenset({Role.CITIZEN}))
        self.application = Application.submit(
            actor,
            self.now,
            application_id=Application.new_id(),
            citizen_id=self.citizen_id,
            channel=Channel.APP,
            form_sealed=await self.seal(FORM, orjson.dumps(form).decode()),
            terms=Terms(
                service=self.item.code,
                item_version=self.item.version,
                department=self.item.department,
                pays=self.item.payout is not None,
                baseline={"materials": 6, "steps": 4, "trips": 1},
                identity_due_at=self.now + timedelta(minutes=30),
                promised_at=None,
                legal_due_on=None,
            ),
            simulated=True,
        )
        known = Identification("face", self.now, 1, "substantial")
        note_identity(self.application, self.now, known=known, needed="substantial")

    async def collect(
        self, evidence: dict[str, Any], failing: Sequence[str] = (), actor: Actor | None = None
    ) -> None:
        """One round: all departments are asked, and answer or fail."""
        requests = [
            {
                "material": each.name,
                "department": each.department,
                "record": each.record,
                "request_id": str(uuid4()),
            }
            for each in self.item.materials
        ]
        due = self.now + timedelta(seconds=10)
        if actor is None:
            self.application.request_evidence(self.now, requests=requests, due_at=due)
        else:
            self.application.request_evidence_again(actor, self.now, requests=requests, due_at=due)
        self.evidence = {name: each for name, each in evidence.items() if name not in failing}
        self.digests, results = {}, []
        for request in requests:
            name = request["material"]
            common = {**request, "milliseconds": 80, "attempts": 1}
            if name not in self.evidence:
                results.append(common | {"reason": "source-timeout"})
                continue
            text = signed(self.evidence[name])
            self.digests[name] = hashlib.sha256(text.encode()).hexdigest()
            results.append(
                common
                | {
                    "sha256": self.digests[name],
                    "key_id": "key-1",
                    "issued_at": self.now,
                    "hedged": False,
                    "signed_sealed": await self.seal(evidence_purpose(name), text),
                }
            )
        self.application.collect(self.now, results)

    async def decide(self, **falsely: Any) -> None:
        """By the rules; `falsely` records something else."""
        day = city_day(self.now)
        decision = decide(self.item, self.form, self.evidence, day)
        fields = {
            "outcome": decision.outcome.value,
            "item_version": decision.item_version,
            "decided_on": str(day),
            "parameters": decision.parameters,
            "inputs": [{"material": n, "sha256": sha256} for n, sha256 in self.digests.items()],
            "findings": {step.name: step.finding for step in decision.steps if step.finding},
            "reasons": list(decision.reasons),
            "amount_fen": decision.amount_fen,
            "claim_id": "entitlement-" + "e" * 32,
            "steps_sealed": await self.seal(STEPS, orjson.dumps(decision.steps).decode()),
        }
        self.application.decide(self.now, **(fields | falsely))

    async def save(self) -> str:
        metadata = context(CLERK).metadata()
        await self.services.store.save(self.application, metadata=metadata)
        return self.application.id


async def applied(
    services: Services,
    citizen_id: str,
    changes: dict[str, Any] | None = None,
    *,
    service: str = REPAYMENT,
    failing: Sequence[str] = (),
    now: datetime = NOW,
    **falsely: Any,
) -> Applying:
    """An application that was decided on the evidence of the catalogue's tests."""
    applying = Applying(services, citizen_id, service, now)
    form, evidence = changed(service, changes or {})
    await applying.submit(form)
    await applying.collect(evidence, failing)
    await applying.decide(**falsely)
    return applying

"""Claims that are collected from a gateway that listens: by hand, without a runner."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID, uuid4

import aiohttp

from citybrain.domain.actor import Actor, Role
from citybrain.domain.parking.claim import Claim
from citybrain.domain.parking.claim_events import Channel
from citybrain.exchange.directory import load_directory
from citybrain.settings import Settings
from commands.citizens.citizen import RegisterCitizen, register_citizen
from commands.handling import CommandContext
from commands.parking.callbacks import take_callback
from commands.parking.claim import raise_claim
from commands.parking.payment import Asked, request_payment
from commands.parking.processes.collecting import Collecting
from commands.processes.runner import context_of
from commands.services import Services
from ops.simulators.applications.departments import Departments, open_departments
from ops.simulators.applications.departments.ledger import OPENING_FEN
from ops.simulators.applications.identity_numbers import identity_number
from tests.given.driving import services_with_clock
from tests.given.numbers import next_number
from tests.given.parking.claims import DECISION

BORN = date(1990, 5, 1)
NOWHERE = "http://127.0.0.1:9/"
CLERK = Actor("clerk-1", frozenset({Role.CLERK}), counter="counter-1")
SUBJECT = "reservation-0123"  # of a session, the process of sessions has the last word


def context(actor: Actor = CLERK) -> CommandContext:
    """Of a command that somebody sends."""
    return CommandContext(actor, "test", uuid4(), uuid4())


async def anybody(claim: Claim, services: Services) -> str | None:
    """Whoever a debit was asked of may be debited."""
    return None


@dataclass
class Street:
    """The city and its gateway; what the gateway tells is held until somebody delivers it."""

    services: Services
    departments: Departments
    session: aiohttp.ClientSession
    url: str

    async def citizen(self) -> tuple[str, str]:
        """Somebody new, and their number at the bank."""
        number = identity_number(BORN, next_number("citizen"))
        result = await register_citizen(
            RegisterCitizen(name="張三", id_number=number, birth_date=BORN, simulated=True),
            context(),
            self.services,
        )
        return result.stream_id, number

    async def owes(
        self,
        amount_fen: int = 600,
        payer: str | None = None,
        number: int = 1,
        due_at: datetime | None = None,
    ) -> str:
        """Something is owed for a session; the claim."""
        return await raise_claim(
            context(),
            self.services,
            subject=SUBJECT,
            number=number,
            citizen_id=payer,
            amount_fen=amount_fen,
            due_at=due_at or self.services.clock() - timedelta(days=1),
            decision_sha256=DECISION,
        )

    async def ask(self, claim_id: str, channel: Channel, amount_fen: int | None = None) -> Asked:
        """A payment is asked for."""
        return await request_payment(
            claim_id,
            context(),
            self.services,
            request_id=uuid4(),
            channel=channel,
            amount_fen=amount_fen,
        )

    async def pay(self, order: Asked | str, means: str = "card-1", **said: Any) -> tuple[int, Any]:
        """Somebody hands an order to the gateway with their money; status and answer."""
        signed = order if isinstance(order, str) else order.order
        body = {"order": signed, "means": means} | said
        async with self.session.post(f"{self.url}/orders", json=body) as answer:
            is_json = answer.content_type == "application/json"
            return answer.status, (await answer.json()) if is_json else None

    async def deliver(self, order: Sequence[int] = ()) -> None:
        """What the gateway has to tell reaches us, in this order."""
        waiting = self.departments.gateway.callbacks.waiting
        messages = list(waiting.values())
        waiting.clear()
        for place in order or range(len(messages)):
            await take_callback(messages[place]["signed"], context(), self.services)

    async def drive(self, claim_id: str, process: Collecting | None = None) -> Claim:
        """Let the process manager react to the last event that it looks at."""
        process = process or Collecting(anybody)
        events = await self.services.store.read(claim_id)
        last = [event for event in events if event.topic in process.topics][-1]
        own = context_of(process, last, "collect").actor.subject
        assert last.metadata["actor"] != own, "it has done this itself"
        await process.react(last, self.services, partial(context_of, process, last))
        return await self.claim(claim_id)

    async def claim(self, claim_id: str) -> Claim:
        """As the stream has it."""
        return await self.services.store.load(Claim, claim_id)

    async def topics(self, claim_id: str) -> list[str]:
        """What happened to it."""
        return [event.topic for event in await self.services.store.read(claim_id)]

    def lines(self, payment_id: str | UUID) -> list[dict[str, Any]]:
        """What the gateway's book has under an id."""
        return [line for line in self.departments.ledger() if line["payment_id"] == str(payment_id)]

    def spent(self, number: str = "card-1") -> int:
        """What somebody has paid, less what came back."""
        return OPENING_FEN - self.departments.book.holds_fen(number)

    def earned(self) -> int:
        """What the city has got of parking."""
        return self.departments.book.balance_fen("parking")


@asynccontextmanager
async def collecting(settings: Settings) -> AsyncIterator[Street]:
    """A gateway that answers at once, and services over it."""
    async with (
        open_departments(
            settings.data_dir, latency=(0.0, 0.0), seed=1, callbacks=NOWHERE
        ) as departments,
        services_with_clock(settings) as services,
        aiohttp.ClientSession() as session,
    ):
        departments.gateway.callbacks.holding = True
        bank = load_directory(settings).bank
        assert bank is not None
        yield Street(services, departments, session, bank.url)

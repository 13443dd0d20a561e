"""What is asked for is got, and what is too much is given back: the gateway is told until it says.

Each step looks where the claim stands, tells the gateway under an id that the claim has recorded
before, and records what it says. A step that a crash cut short is taken again: the same id moves
money once.
"""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import ClassVar
from uuid import UUID
from weakref import WeakValueDictionary

from citybrain.domain.citizens import Citizen
from citybrain.domain.money import BANK_REFUSED
from citybrain.domain.parking import payment
from citybrain.domain.parking.claim import Claim
from citybrain.domain.parking.payment import Evidence, Next, Step
from citybrain.eventstore import RecordedEvent, StreamNotFound
from citybrain.payments import Instruction, PaymentUnknown, Receipt, charge, refund
from citybrain.vault.vault import NoSuchKey, PersonErased
from commands.handling import CommandContext
from commands.parking.claim import change_claim
from commands.parking.payment import evidence_of, order_of
from commands.services import Services

CANCELLED = "payment-cancelled"
PAYER_UNKNOWN = "payer-unknown"

MayDebit = Callable[[Claim, Services], Awaitable[str | None]]
"""Why a claim may not be debited now (a code), asked each time before the gateway is told."""


class Collecting:
    """The process manager of claims' money."""

    name: ClassVar[str] = "parking_collecting"
    topics: ClassVar[tuple[str, ...]] = (
        "parking.payment_requested",
        "parking.payment_captured",
        "parking.refund_requested",
        "parking.claim_reduced",
        "parking.claim_suspended",
        "parking.order_lapsed",
    )

    def __init__(self, may_debit: MayDebit) -> None:
        self._may_debit = may_debit
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def react(
        self, event: RecordedEvent, services: Services, context_for: Callable[[str], CommandContext]
    ) -> None:
        """Take a claim as far as the gateway lets it."""
        context = context_for("collect")
        if event.metadata.get("actor") == context.actor.subject:
            return  # we did this, and go on anyway
        async with self._locks.setdefault(event.stream_id, asyncio.Lock()):
            await _Drive(event.stream_id, context, services, self._may_debit).run()


class _Drive:
    """One claim, and what the gateway is told for it."""

    def __init__(
        self, claim_id: str, context: CommandContext, services: Services, may_debit: MayDebit
    ) -> None:
        self._id, self._context, self._services = claim_id, context, services
        self._may_debit = may_debit

    async def run(self) -> None:
        """Step after step, until nothing is to be told any more."""
        unanswered = 0
        while True:
            claim = await self._services.store.load(Claim, self._id)
            step = payment.next_step(claim)
            if step is None:
                return
            try:
                step, receipt = await self._tell(claim, step)
            except PaymentUnknown:
                unanswered += 1
                await self._services.payments.pause(unanswered)
                continue
            unanswered = 0
            await self.record(claim, step, receipt)

    async def _tell(self, claim: Claim, step: Next) -> tuple[Next, Receipt]:
        """What was told, and what the gateway says; raises `PaymentUnknown`."""
        payments = self._services.payments
        if step.step is Step.CHARGE:
            reason, instruction = await self._charge(claim, step.payment_id)
            if instruction is not None:
                return step, await payments.instruct(instruction)
            step = Next(Step.CANCEL, step.payment_id, reason)
        if step.step is Step.CANCEL:
            asked = payment.payment_in(claim, step.payment_id)
            return step, await payments.cancel(order_of(claim, asked))
        return step, await payments.instruct(_refund(claim, step.payment_id))

    async def _charge(self, claim: Claim, payment_id: str) -> tuple[str, Instruction | None]:
        """A debit as the gateway is told; or why it is not, now that it would be."""
        if reason := await self._may_debit(claim, self._services):
            return reason, None
        assert claim.citizen_id is not None
        try:
            citizen = await self._services.store.load(Citizen, claim.citizen_id)
            payer = await self._services.vault.open_text(
                claim.citizen_id, "id_number", citizen.id_number_sealed
            )
        except (StreamNotFound, PersonErased, NoSuchKey):
            return PAYER_UNKNOWN, None
        allowed = payment.authorised(claim, payment.payment_in(claim, payment_id))
        return "", charge(
            UUID(payment_id),
            reference=claim.id,
            amount_fen=allowed.amount_fen,
            to_account=claim.to_account,
            payer_id_number=payer,
            authorised=allowed,
        )

    async def record(self, claim: Claim, step: Next, receipt: Receipt) -> None:
        """Keep what the gateway said."""
        evidence = await evidence_of(claim, receipt, self._services)

        def decide(claim: Claim, now: datetime) -> None:
            if step.step is Step.REFUND:
                _refund_ended(claim, now, step, receipt, evidence)
            else:
                _payment_ended(claim, now, step, receipt, evidence)

        await change_claim(self._id, self._context, self._services, decide)


def _refund(claim: Claim, refund_id: str) -> Instruction:
    back = payment.refund_in(claim, refund_id)
    allowed = payment.refund_authorised(claim, back)
    return refund(
        UUID(refund_id),
        reference=claim.id,
        amount_fen=allowed.amount_fen,
        refund_of=UUID(back["refund_of"]),
        left_fen=payment.payment_in(claim, back["refund_of"])["amount_fen"],
        authorised=allowed,
    )


def _payment_ended(
    claim: Claim, now: datetime, step: Next, receipt: Receipt, evidence: Evidence
) -> None:
    if receipt.status == "success":
        assert receipt.settled_at is not None
        payment.capture(
            claim, now, payment_id=step.payment_id, settled_at=receipt.settled_at, evidence=evidence
        )
        return
    code = receipt.code or BANK_REFUSED
    end = payment.cancelled if code == CANCELLED else payment.fail
    end(
        claim,
        now,
        payment_id=step.payment_id,
        reason=step.reason or code,
        booked_at=receipt.booked_at,
        evidence=evidence,
    )


def _refund_ended(
    claim: Claim, now: datetime, step: Next, receipt: Receipt, evidence: Evidence
) -> None:
    if receipt.status == "success":
        assert receipt.settled_at is not None
        payment.refunded(
            claim, now, refund_id=step.payment_id, settled_at=receipt.settled_at, evidence=evidence
        )
        return
    payment.fail_refund(
        claim,
        now,
        refund_id=step.payment_id,
        reason=receipt.code or BANK_REFUSED,
        booked_at=receipt.booked_at,
        evidence=evidence,
    )

"""Payments of claims: asked for one by one, or over all that somebody owes at once."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from citybrain.definitions.parking.rules import parking_rules_at
from citybrain.domain.money import Fen
from citybrain.domain.parking import payment
from citybrain.domain.parking.allocation import Debt, allocate
from citybrain.domain.parking.claim import Claim
from citybrain.domain.parking.claim_events import AllocatedPart, Channel, Payment
from citybrain.domain.parking.payment import Evidence, MoreThanOwed, payment_in
from citybrain.payments import Callback, Instruction, Receipt, order
from citybrain.vault.vault import NoSuchKey, PersonErased
from commands.handling import CommandContext
from commands.parking.claim import change_claim
from commands.services import Services

RECEIPT = "parking-receipt"


@dataclass(frozen=True, slots=True)
class Asked:
    """A payment that was asked for. `order` is what its payer hands to the gateway, until then.

    None for a debit: nobody pays it themselves.
    """

    claim_id: str
    payment_id: str
    amount_fen: int
    order: str | None
    until: datetime | None


async def request_payment(
    claim_id: str,
    context: CommandContext,
    services: Services,
    *,
    request_id: UUID,
    channel: Channel,
    amount_fen: int | None = None,
    parts: Sequence[AllocatedPart] = (),
) -> Asked:
    """Ask for a payment of a claim: of all that is open, where no amount is named.

    Asked twice with a request id it is one, and its order can be paid no longer than before. A
    debit is carried out by the process manager `parking_collecting`; an order by whoever pays it.
    Raises as `payment.request` does.
    """
    found: list[Payment] = []

    def decide(claim: Claim, now: datetime) -> None:
        found[:] = [
            payment.request(
                claim,
                now,
                request_id=str(request_id),
                channel=channel,
                amount_fen=amount_fen,
                parts=parts,
                until=now + parking_rules_at(services.definitions, now).order_for,
            )
        ]

    await change_claim(claim_id, context, services, decide)
    return await _asked(claim_id, found[0], services)


async def pay_debts(
    claim_ids: Sequence[str],
    context: CommandContext,
    services: Services,
    *,
    request_id: UUID,
    channel: Channel,
    amount_fen: int,
    chosen: Sequence[str] = (),
) -> list[Asked]:
    """Ask for one amount over several claims (Civil Code art. 560), those `chosen` first.

    Each part is a payment of its own claim, and names the others. Raises `MoreThanOwed` where no
    claim takes the rest, `DebtUnknown`, `AmountInvalid`.
    """
    claims = [await services.store.load(Claim, claim_id) for claim_id in claim_ids]
    debts = [
        Debt(claim.id, claim.open_fen, claim.due_at, claim.suspended_for is not None)
        for claim in claims
    ]
    found = allocate(Fen(amount_fen), debts, at=services.clock(), chosen=chosen)
    if found.left_fen:
        owed_fen = amount_fen - found.left_fen
        raise MoreThanOwed(f"{owed_fen} fen can be paid so", open_fen=owed_fen)
    parts = [
        AllocatedPart(claim_id=part.claim_id, amount_fen=int(part.amount_fen))
        for part in found.parts
    ]
    return [
        await request_payment(
            part["claim_id"],
            context,
            services,
            request_id=request_id,
            channel=channel,
            amount_fen=part["amount_fen"],
            parts=parts,
        )
        for part in parts
    ]


async def _asked(claim_id: str, asked: Payment, services: Services) -> Asked:
    said, until = (claim_id, asked["payment_id"], asked["amount_fen"]), asked["until"]
    if until is None:
        return Asked(*said, None, None)
    claim = await services.store.load(Claim, claim_id, fresh=False)
    instruction = order_of(claim, payment_in(claim, asked["payment_id"]))
    return Asked(*said, services.payments.order(instruction, until), until)


def order_of(claim: Claim, asked: Payment) -> Instruction:
    """A payment as whoever pays it hands it in, and as it is cancelled: it names nobody."""
    allowed = payment.authorised(claim, asked)
    return order(
        UUID(asked["payment_id"]),
        reference=claim.id,
        amount_fen=allowed.amount_fen,
        to_account=claim.to_account,
        authorised=allowed,
    )


async def evidence_of(claim: Claim, said: Receipt | Callback, services: Services) -> Evidence:
    """The gateway's signed words as an event keeps them: sealed for the payer, if there is one."""
    sealed = None
    if claim.citizen_id is not None:
        try:
            sealed = await services.vault.seal_text(claim.citizen_id, RECEIPT, said.signed)
        except (PersonErased, NoSuchKey):
            sealed = None
    return Evidence(sha256=said.sha256, sealed=sealed)

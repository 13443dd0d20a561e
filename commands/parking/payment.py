"""Payments of claims: asked for one by one, or over all that somebody owes at once."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from citybrain.definitions.parking.rules import parking_rules_at
from citybrain.domain.money import Fen
from citybrain.domain.parking import payment
from citybrain.domain.parking.allocation import Debt, allocate
from citybrain.domain.parking.claim import Claim
from citybrain.domain.parking.claim_events import AllocatedPart, Channel, Payment
from citybrain.domain.parking.payment import Evidence, MoreThanOwed, PaymentNotFound
from citybrain.payments import Callback, Instruction, Receipt, order
from citybrain.vault import InStream
from citybrain.vault.vault import NoSuchKey, PersonErased
from commands.handling import Command, CommandContext
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
    command: Command | None = None,
    good_for: timedelta | None = None,
) -> Asked:
    """Ask for a payment of a claim: of all that is open, where no amount is named.

    `good_for`: how long an order can be paid, where that is not as long as the rules say. Asked
    twice with a request id it is one, and its order can be paid no longer than before. A
    debit is carried out by the process manager `parking_collecting`; an order by whoever pays it.
    Raises as `payment.request` does.
    """

    def decide(claim: Claim, now: datetime) -> None:
        payment.request(
            claim,
            now,
            request_id=str(request_id),
            channel=channel,
            amount_fen=amount_fen,
            parts=parts,
            until=now + (good_for or parking_rules_at(services.definitions, now).order_for),
        )

    await change_claim(claim_id, context, services, decide, command)
    claim = await services.store.load(Claim, claim_id)
    return _asked(claim, requested(claim, request_id), services)


async def pay_debts(
    claim_ids: Sequence[str],
    context: CommandContext,
    services: Services,
    *,
    request_id: UUID,
    channel: Channel,
    amount_fen: int,
    chosen: Sequence[str] = (),
    command: Command | None = None,
) -> list[Asked]:
    """Ask for one amount over several claims (Civil Code art. 560), those `chosen` first.

    Each part is a payment of its own claim, and names the others. Asked twice with a request id it
    is divided once. Raises `MoreThanOwed` where no claim takes the rest, `DebtUnknown`,
    `AmountInvalid`.
    """
    claims = [await services.store.load(Claim, claim_id) for claim_id in claim_ids]
    before = [
        _asked(claim, asked, services) for claim in claims for asked in _of(claim, request_id)
    ]
    if before and sum(asked.amount_fen for asked in before) == amount_fen:
        return before
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
    others = context._replace(idempotency_key=None)
    return [
        await request_payment(
            part["claim_id"],
            others if place else context,
            services,
            request_id=request_id,
            channel=channel,
            amount_fen=part["amount_fen"],
            parts=parts,
            command=command,
        )
        for place, part in enumerate(parts)
    ]


def _of(claim: Claim, request_id: UUID) -> Iterator[Payment]:
    for asked in claim.payments.values():
        if asked["request_id"] == str(request_id):
            yield asked


def requested(claim: Claim, request_id: UUID) -> Payment:
    """The payment that was asked for under this id; raises `PaymentNotFound`."""
    for asked in _of(claim, request_id):
        return asked
    raise PaymentNotFound("the claim has no such payment")


def _asked(claim: Claim, asked: Payment, services: Services) -> Asked:
    said, until = (claim.id, asked["payment_id"], asked["amount_fen"]), asked["until"]
    if until is None:
        return Asked(*said, None, None)
    return Asked(*said, services.payments.order(order_of(claim, asked), until), until)


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
            sealed = await services.vault.seal_text(
                claim.citizen_id, InStream(RECEIPT, claim.id), said.signed
            )
        except (PersonErased, NoSuchKey):
            sealed = None
    return Evidence(sha256=said.sha256, sealed=sealed)

"""Who pays what: citizens their own claims, a kiosk those of a plate that somebody names there."""

from typing import Annotated
from uuid import NAMESPACE_URL, UUID, uuid4, uuid5

import orjson
from pydantic import Field, StringConstraints

from citybrain.domain.actor import Actor, Role
from citybrain.domain.parking.claim import Claim
from citybrain.domain.parking.claim_events import Channel
from citybrain.domain.parking.refusals import NotYourClaim
from citybrain.errors import InvalidInput
from citybrain.eventstore import StreamNotFound
from commands.handling import Command, CommandContext
from commands.parking.bindings import holder_at
from commands.parking.fields import AmountFen, PlateCountry, PlateText
from commands.parking.payment import Asked, pay_debts, request_payment
from commands.parking.plates import read_for_search
from commands.services import Services

PAYERS = (Role.CITIZEN, Role.KIOSK)
MOST_DEBTS = 100

ClaimId = Annotated[str, StringConstraints(pattern=r"^parking_claim-[0-9a-f]{32}$")]
SAID_AT_A_KIOSK = "at a kiosk: the plate that somebody names there; citizens say none"


class ByPlate(Command):
    """Of which vehicle, where a kiosk asks."""

    plate: PlateText | None = Field(None, description=SAID_AT_A_KIOSK)
    plate_country: PlateCountry = "CN"


class PayClaim(ByPlate):
    """Pay a claim."""

    amount_fen: AmountFen | None = Field(
        None, description="whole fen; all that is open where it is left out"
    )


class PayDebts(ByPlate):
    """Pay several claims at once."""

    amount_fen: AmountFen
    chosen: list[ClaimId] = Field(
        default_factory=list,
        max_length=MOST_DEBTS,
        description="what is paid first, in this order; else what is due, the earliest first",
    )


class SearchDebts(Command):
    """What is open of a vehicle."""

    plate: PlateText
    plate_country: PlateCountry = "CN"


class PlateMissing(InvalidInput):
    """At a kiosk a plate is named; nowhere else."""

    code = "plate-at-the-kiosk"


def channel_of(actor: Actor) -> Channel:
    """How somebody pays."""
    return Channel.APP if actor.has(Role.CITIZEN) else Channel.KIOSK


async def vehicle_of(
    command: ByPlate | SearchDebts, actor: Actor, services: Services
) -> str | None:
    """The plate's id that a kiosk names, None where it was never seen, and for citizens.

    Raises `PlateMissing` and a `PlateUnreadable`.
    """
    at_a_kiosk = channel_of(actor) is Channel.KIOSK
    if at_a_kiosk is (command.plate is None):
        raise PlateMissing("a kiosk names the plate, and nobody else does")
    if command.plate is None:
        return None
    return await read_for_search(command.plate, command.plate_country, services)


async def pay_claim(
    claim_id: str, command: PayClaim, context: CommandContext, services: Services
) -> Asked:
    """An order for a claim: all of it, or a part.

    Raises `NotYourClaim`, also where there is no such claim, and as `payment.request` does.
    """
    actor = context.actor
    plate_id = await vehicle_of(command, actor, services)
    try:
        claim = await services.store.load(Claim, claim_id)
    except StreamNotFound:
        raise NotYourClaim("what is owed there is not yours to pay") from None
    if not await may_pay(claim.citizen_id, claim.plate_id, plate_id, actor, services):
        raise NotYourClaim("what is owed there is not yours to pay")
    return await request_payment(
        claim_id,
        context,
        services,
        request_id=await request_id_of(command, claim_id, context, services),
        channel=channel_of(actor),
        amount_fen=command.amount_fen,
        command=command,
    )


async def pay_several(
    claim_ids: list[str],
    command: PayDebts,
    context: CommandContext,
    services: Services,
    request_id: UUID,
) -> list[Asked]:
    """Orders for one amount over these claims, which are all open ones of whoever pays."""
    return await pay_debts(
        claim_ids,
        context,
        services,
        request_id=request_id,
        channel=channel_of(context.actor),
        amount_fen=command.amount_fen,
        chosen=command.chosen,
        command=command,
    )


async def may_pay(
    owes: str | None, owes_for: str | None, plate_id: str | None, actor: Actor, services: Services
) -> bool:
    """Whether somebody may pay what `owes` owes for the vehicle `owes_for`.

    `plate_id` is the vehicle that a kiosk names. Who had it before and owes something for it is
    not shown to whoever has it now.
    """
    if channel_of(actor) is Channel.APP:
        return owes == actor.subject
    if plate_id is None or plate_id != owes_for:
        return False
    return owes is None or await holder_at(plate_id, services.clock(), services) in (None, owes)


async def request_id_of(
    command: Command, about: str, context: CommandContext, services: Services
) -> UUID:
    """The same for the same request under one idempotency key; what it says may be personal."""
    if context.idempotency_key is None:
        return uuid4()
    said = [context.actor.subject, context.idempotency_key, about, command.model_dump(mode="json")]
    body = orjson.dumps(said, option=orjson.OPT_SORT_KEYS)
    digest = await services.vault.digest("parking-payment", body)
    return uuid5(NAMESPACE_URL, digest.hex())

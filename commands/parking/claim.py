"""Claims: raised, corrected, suspended and resumed by whoever decides that something is owed."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from citybrain.definitions.parking.rules import parking_rules_at
from citybrain.domain.money import Fen
from citybrain.domain.parking import reductions
from citybrain.domain.parking.claim import Claim
from citybrain.eventstore import WrongExpectedVersion
from commands.handling import Command, CommandContext, CommandResult, change
from commands.services import Services

Decide = Callable[[Claim, datetime], None]


def claim_answer(claim: Claim) -> dict[str, Any]:
    """What every command on a claim answers."""
    return {
        "claim_id": claim.id,
        "status": claim.status.value,
        "amount_fen": claim.amount_fen,
        "paid_fen": claim.paid_fen,
        "open_fen": claim.open_fen,
        "proposals": list(claim.proposals),
    }


def first_told_at(services: Services) -> datetime:
    """When whoever owes something from now on is first told of it."""
    now = services.clock()
    return now + parking_rules_at(services.definitions, now).reminders_after[0]


async def change_claim(
    claim_id: str,
    context: CommandContext,
    services: Services,
    decide: Decide,
    command: Command | None = None,
) -> CommandResult:
    """Run a decision on a claim, now."""
    return await change(
        Claim,
        claim_id,
        command or Command(),
        context,
        services,
        lambda claim: decide(claim, services.clock()),
        claim_answer,
    )


async def raise_claim(
    context: CommandContext,
    services: Services,
    *,
    subject: str,
    number: int,
    citizen_id: str | None,
    amount_fen: int,
    due_at: datetime,
    decision_sha256: str,
    plate_id: str | None = None,
) -> str:
    """Something is owed for a session or a reservation; the claim's id.

    `plate_id` is the vehicle that it is for. `number` tells the claims of a subject apart: told
    twice, a claim is raised once. Raises `AmountInvalid`: nothing is owed where it is nothing.
    """
    now = services.clock()
    claim = Claim.raise_(
        now,
        subject=subject,
        number=number,
        citizen_id=citizen_id,
        amount_fen=Fen(amount_fen),
        due_at=due_at,
        to_account=parking_rules_at(services.definitions, now).to_account,
        decision_sha256=decision_sha256,
        plate_id=plate_id,
    )
    try:
        await services.store.save(claim, metadata=context.metadata())
    except WrongExpectedVersion:
        await services.store.load(Claim, claim.id)  # it is there
    return claim.id


async def correct_claim(
    claim_id: str,
    context: CommandContext,
    services: Services,
    *,
    to_fen: int,
    reason: str,
    decision_sha256: str,
) -> CommandResult:
    """By a new decision less is owed, or nothing (0); what was paid beyond it goes back by itself.

    Raises `NeverRaised`.
    """
    return await change_claim(
        claim_id,
        context,
        services,
        lambda claim, now: reductions.correct(
            claim, now, to_fen=to_fen, reason=reason, decision_sha256=decision_sha256
        ),
    )


async def suspend_claim(
    claim_id: str, context: CommandContext, services: Services, *, reason: str
) -> CommandResult:
    """Let collection stand still."""
    return await change_claim(
        claim_id,
        context,
        services,
        lambda claim, now: reductions.suspend(claim, now, reason=reason),
    )


async def resume_claim(claim_id: str, context: CommandContext, services: Services) -> CommandResult:
    """Let collection go on."""
    return await change_claim(claim_id, context, services, reductions.resume)

"""Refunds and write-offs by people: one within a limit, two above it; and what a desk clears up."""

from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Literal
from uuid import uuid4

from pydantic import Field, StringConstraints

from citybrain.definitions import Definitions
from citybrain.definitions.parking.plates import PlateReadingDefinitions
from citybrain.definitions.parking.rules import parking_rules_at
from citybrain.domain.money import Fen
from citybrain.domain.parking import reductions
from citybrain.domain.parking.claim import Claim
from citybrain.domain.parking.claim_events import Reduction
from citybrain.domain.parking.reductions import Limits
from commands.fields import Code
from commands.handling import Command, CommandContext, CommandResult
from commands.parking.claim import change_claim
from commands.parking.fields import AmountFen
from commands.services import Services

Id = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{32}$")]
PaymentId = Annotated[
    str, StringConstraints(pattern=r"^[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}$")
]


class ProposeReduction(Command):
    """Give back what was paid, or write off what is open: so much of it."""

    kind: Literal["refund", "write-off"]
    by_fen: AmountFen
    reason: Code = Field(description="a code, as in `double-charge`; nothing about anybody")


class ApproveReduction(Command):
    """Agree to a refund or write-off that somebody else asked for."""

    proposal_id: Id


class DenyReduction(Command):
    """Do not agree to it."""

    proposal_id: Id
    reason: Code


class RefundAgain(Command):
    """Try a refund once more that the gateway could not make."""

    refund_id: PaymentId


class DismissMismatch(Command):
    """Say that messages which did not fit are cleared up: collection goes on."""

    payment_id: PaymentId
    reason: Code


async def propose_reduction(
    claim_id: str, command: ProposeReduction, context: CommandContext, services: Services
) -> CommandResult:
    """Done at once within the limit of one person."""
    proposal_id = uuid4().hex
    return await _change(
        claim_id,
        command,
        context,
        services,
        lambda claim, now, limits: reductions.propose(
            claim,
            context.actor,
            now,
            proposal_id=proposal_id,
            kind=Reduction(command.kind),
            by_fen=Fen(command.by_fen),
            reason=command.reason,
            limits=limits,
        ),
    )


async def approve_reduction(
    claim_id: str, command: ApproveReduction, context: CommandContext, services: Services
) -> CommandResult:
    """The second person agrees."""
    return await _change(
        claim_id,
        command,
        context,
        services,
        lambda claim, now, limits: reductions.approve(
            claim, context.actor, now, proposal_id=command.proposal_id, limits=limits
        ),
    )


async def deny_reduction(
    claim_id: str, command: DenyReduction, context: CommandContext, services: Services
) -> CommandResult:
    """The second person does not."""
    return await _change(
        claim_id,
        command,
        context,
        services,
        lambda claim, now, limits: reductions.deny(
            claim, context.actor, now, limits=limits, **dict(command)
        ),
    )


async def refund_again(
    claim_id: str, command: RefundAgain, context: CommandContext, services: Services
) -> CommandResult:
    """Under another id, in place of the one that failed."""
    return await _change(
        claim_id,
        command,
        context,
        services,
        lambda claim, now, limits: reductions.refund_again(
            claim, context.actor, now, refund_id=command.refund_id, limits=limits
        ),
    )


async def dismiss_mismatch(
    claim_id: str, command: DismissMismatch, context: CommandContext, services: Services
) -> CommandResult:
    """Collection goes on."""
    return await _change(
        claim_id,
        command,
        context,
        services,
        lambda claim, now, limits: reductions.dismiss_mismatch(
            claim, context.actor, now, limits=limits, **dict(command)
        ),
    )


async def _change(
    claim_id: str,
    command: Command,
    context: CommandContext,
    services: Services,
    decide: Callable[[Claim, datetime, Limits], None],
) -> CommandResult:
    def within(claim: Claim, now: datetime) -> None:
        decide(claim, now, limits_at(services.definitions, now))

    return await change_claim(claim_id, context, services, within, command)


def limits_at(definitions: Definitions, moment: datetime) -> Limits:
    """How much one person may decide alone, and of which departments, on the day of `moment`."""
    rules = parking_rules_at(definitions, moment)
    return Limits(
        refund_fen=rules.one_person_refund_fen,
        write_off_fen=rules.one_person_write_off_fen,
        departments=definitions.of(PlateReadingDefinitions).departments(moment),
        version=rules.version,
    )

"""Batches that price stays again: proposed, agreed to by somebody else, or turned back."""

from collections.abc import Callable
from datetime import UTC, datetime, time
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from pydantic import Field, StringConstraints

from citybrain.definitions.parking.tariffs import tariff_of
from citybrain.domain.parking.repricing_batch import (
    ParkingRepricing,
    RepricingTimesWrong,
    Scope,
    TariffDoesNotReachBack,
    check_officer,
)
from citybrain.domain.times import as_text
from commands.fields import Code, Moment
from commands.handling import Command, CommandContext, CommandResult, change, create
from commands.parking.plates import PlateKeeper
from commands.parking.pricing import STREET
from commands.services import Services

SumFen = Annotated[int, Field(strict=True, ge=0, description="whole fen, as the preview has it")]


class ProposeRepricing(Command):
    """Price stays of a time again, where a version of the tariff that reaches back is cheaper."""

    version_id: Annotated[str, StringConstraints(min_length=1, max_length=100)] = Field(
        description="of the tariff version, as prices name it"
    )
    begins: Moment = Field(description="stays that ended after this")
    ends: Moment = Field(description="and arrived before this; it is over")
    reason: Code = Field(description="a code of the office's own")


class ConfirmRepricing(Command):
    """Agree to what somebody else has proposed, and to what it comes to."""

    lowered_fen: SumFen
    refunded_fen: SumFen


class TurnBackRepricing(Command):
    """It is not done."""

    reason: Code


def repricing_answer(batch: ParkingRepricing) -> dict[str, Any]:
    """What commands on a batch answer, and whoever looks at it is shown."""
    return {
        "repricing_id": batch.id,
        "version": batch.version,
        "status": batch.status,
        "version_id": batch.version_id,
        "scope": batch.scope,
        "begins": as_text(batch.begins),
        "ends": as_text(batch.ends),
        "reason": batch.reason,
        "proposed_by": batch.proposed_by,
        "preview": batch.preview,
        "done": batch.done,
    }


async def propose_repricing(
    command: ProposeRepricing, context: CommandContext, services: Services
) -> CommandResult:
    """Record what an officer proposes; what it comes to is found by the process manager.

    Raises `UnknownTariffVersion`, `TariffDoesNotReachBack`, `RepricingTimesWrong`.
    """
    check_officer(context.actor, PlateKeeper(services).departments())
    tariff_of(services.definitions, STREET).in_a_file(command.version_id)
    first, _ = reached_back(command.version_id, services)
    if command.begins < first:
        raise RepricingTimesWrong("the version holds later only", from_at=as_text(first))

    def decide() -> ParkingRepricing:
        return ParkingRepricing.propose(
            services.clock(),
            repricing_id=ParkingRepricing.new_id(),
            version_id=command.version_id,
            begins=command.begins,
            ends=command.ends,
            scope=Scope.ALL,
            reason=command.reason,
            proposed_by=context.actor.subject,
        )

    return await create(command, context, services, decide, repricing_answer)


async def confirm_repricing(
    repricing_id: str, command: ConfirmRepricing, context: CommandContext, services: Services
) -> CommandResult:
    """Record that somebody else agrees."""
    departments = PlateKeeper(services).departments()

    def decide(batch: ParkingRepricing, now: datetime) -> None:
        sums = command.model_dump()
        batch.confirm(context.actor, now, departments=departments, **sums)

    return await change_repricing(repricing_id, command, context, services, decide)


async def turn_back_repricing(
    repricing_id: str, command: TurnBackRepricing, context: CommandContext, services: Services
) -> CommandResult:
    """Record that it is not done."""
    departments = PlateKeeper(services).departments()

    def decide(batch: ParkingRepricing, now: datetime) -> None:
        batch.turn_back(context.actor, now, reason=command.reason, departments=departments)

    return await change_repricing(repricing_id, command, context, services, decide)


async def change_repricing(
    repricing_id: str,
    command: Command,
    context: CommandContext,
    services: Services,
    decide: Callable[[ParkingRepricing, datetime], None],
) -> CommandResult:
    """Run a decision on a batch, now."""
    return await change(
        ParkingRepricing,
        repricing_id,
        command,
        context,
        services,
        lambda batch: decide(batch, services.clock()),
        repricing_answer,
    )


def reached_back(version_id: str, services: Services) -> tuple[datetime, datetime]:
    """From when until when a version of the street's tariff holds that nobody knew yet.

    Raises `UnknownTariffVersion`, `TariffDoesNotReachBack`.
    """
    tariff = tariff_of(services.definitions, STREET)
    version = tariff.version(version_id)
    if version.published < version.valid_from:
        raise TariffDoesNotReachBack("every stay knew this version")
    zone = ZoneInfo(tariff.time_zone)
    first, last = (
        datetime.combine(day, at, zone).astimezone(UTC)
        for day, at in ((version.valid_from, time.min), (version.published, time.max))
    )
    return first, last

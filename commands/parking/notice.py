"""Making a debt public, by two officers: proposed, agreed to or not, taken back."""

from typing import Any

from pydantic import Field

from citybrain.definitions.parking.rules import parking_rules_at
from citybrain.domain.parking.claim import Claim
from citybrain.domain.parking.notice import (
    NoticeEnd,
    NoticeReason,
    NoticeSays,
    ParkingNotice,
    check_officer,
    notice_id,
)
from citybrain.domain.parking.sealed_plates import SealedPlate
from citybrain.domain.parking.session import ParkingSession
from citybrain.eventstore import StreamNotFound
from commands.fields import Moment
from commands.handling import Command, CommandContext, CommandResult, change, create
from commands.parking.plates import PlateKeeper
from commands.services import Services


class ProposeNotice(Command):
    """An officer proposes to make a debt public."""

    reason: NoticeReason
    says: list[NoticeSays] = Field(min_length=1, max_length=3, description="and nothing else")
    until: Moment = Field(description="from then on it is not shown any more")


class PublishNotice(Command):
    """A second officer agrees."""


class DenyNotice(Command):
    """A second officer does not agree."""

    reason: NoticeEnd


class WithdrawNotice(Command):
    """An officer takes it back."""

    reason: NoticeEnd


async def propose_notice(
    claim_id: str, command: ProposeNotice, context: CommandContext, services: Services
) -> CommandResult:
    """Propose it; raises what `ParkingNotice.propose` does."""
    check_officer(context.actor, _departments(services))
    claim = await services.store.load(Claim, claim_id)
    plate = await _plate_of(claim, services)

    def decide(notice: ParkingNotice) -> None:
        now = services.clock()
        notice.propose(
            context.actor,
            now,
            claim=claim,
            reason=command.reason,
            says=command.says,
            until=command.until,
            plate=plate,
            rules=parking_rules_at(services.definitions, now),
            departments=_departments(services),
        )

    def opened() -> ParkingNotice:
        notice = ParkingNotice.open(services.clock(), claim_id)
        decide(notice)
        return notice

    stream_id = notice_id(claim_id)
    try:
        await services.store.load(ParkingNotice, stream_id)
    except StreamNotFound:
        return await create(command, context, services, opened, _answer)
    return await change(ParkingNotice, stream_id, command, context, services, decide, _answer)


async def publish_notice(
    claim_id: str, command: PublishNotice, context: CommandContext, services: Services
) -> CommandResult:
    """Agree to it; raises what `ParkingNotice.publish` does."""
    claim = await services.store.load(Claim, claim_id)

    def decide(notice: ParkingNotice) -> None:
        now = services.clock()
        rules = parking_rules_at(services.definitions, now)
        notice.publish(
            context.actor, now, claim=claim, rules=rules, departments=_departments(services)
        )

    return await change(
        ParkingNotice, notice_id(claim_id), command, context, services, decide, _answer
    )


async def deny_notice(
    claim_id: str, command: DenyNotice, context: CommandContext, services: Services
) -> CommandResult:
    """Do not agree; raises what `ParkingNotice.deny` does."""
    return await change(
        ParkingNotice,
        notice_id(claim_id),
        command,
        context,
        services,
        lambda notice: notice.deny(
            context.actor,
            services.clock(),
            reason=command.reason,
            departments=_departments(services),
        ),
        _answer,
    )


async def withdraw_notice(
    claim_id: str, command: WithdrawNotice, context: CommandContext, services: Services
) -> CommandResult:
    """Take it back; raises what `ParkingNotice.withdraw` does."""
    return await change(
        ParkingNotice,
        notice_id(claim_id),
        command,
        context,
        services,
        lambda notice: notice.withdraw(
            context.actor,
            services.clock(),
            reason=command.reason,
            departments=_departments(services),
        ),
        _answer,
    )


def _departments(services: Services) -> tuple[str, ...]:
    return PlateKeeper(services).departments()


async def _plate_of(claim: Claim, services: Services) -> dict[str, Any] | None:
    """The whole plate that a claim is of, sealed; None where its session has none."""
    if claim.plate_id is None or not claim.subject.startswith(f"{ParkingSession.category}-"):
        return None
    session = await services.store.load(ParkingSession, claim.subject)
    if session.plate is None or session.plate["plate_id"] != claim.plate_id:
        return None
    sealed = SealedPlate.of(session.plate)
    return sealed.members() if sealed.plate_complete else None


def _answer(notice: ParkingNotice) -> dict[str, Any]:
    return {
        "notice_id": notice.id,
        "claim_id": notice.claim_id,
        "status": notice.status,
        "until": None if notice.until is None else notice.until.isoformat(),
        "version": notice.version,
    }

"""Consents of other systems: given to the text that was shown, and withdrawn."""

from datetime import datetime
from typing import Any
from uuid import UUID

from citybrain.city_day import city_day
from citybrain.definitions.citizens.agreements import Agreements
from citybrain.domain.citizens import consents
from citybrain.domain.citizens.citizen import Citizen
from citybrain.domain.citizens.refusals import NoSuchConsent
from commands.citizens.changing import change_citizen
from commands.handling import Command, CommandContext, CommandResult
from commands.services import Services


class WithdrawConsent(Command):
    """End a consent; what it allowed ends with it, at once."""

    consent_id: UUID


async def withdraw_consent(
    citizen_id: str, command: WithdrawConsent, context: CommandContext, services: Services
) -> CommandResult:
    """Record that a consent was withdrawn."""
    consent_id = str(command.consent_id)

    def decide(citizen: Citizen, now: datetime) -> None:
        consents.withdraw_consent(citizen, context.actor, now, consent_id=consent_id)

    def answer(citizen: Citizen) -> dict[str, Any]:
        return {"citizen_id": citizen.id, "version": citizen.version, "consent_id": consent_id}

    return await change_citizen(citizen_id, command, context, services, decide, answer)


async def give_consent(
    citizen_id: str,
    context: CommandContext,
    services: Services,
    *,
    agreement: str,
    notice_sha256: str,
    about: str,
    most: int,
) -> str:
    """The id of the consent that stands for one thing from now on.

    It is part of another command, whose idempotency key is not used up here.
    """

    def decide(citizen: Citizen, now: datetime) -> None:
        agreements = services.definitions.of(Agreements)
        agreements.check_in_force(agreement, notice_sha256, city_day(now))
        consents.give_consent(
            citizen,
            context.actor,
            now,
            consent_id=str(context.command_id),
            agreement=agreement,
            notice_sha256=notice_sha256,
            about=about,
            most=most,
        )

    await change_citizen(citizen_id, Command(), _unkeyed(context), services, decide)
    citizen = await services.store.load(Citizen, citizen_id, fresh=True)
    found = consents.consent_about(citizen, agreement, about)
    if found is None:
        raise NoSuchConsent("the consent was withdrawn meanwhile")
    return found


async def end_consent(
    citizen_id: str, consent_id: str, reason: str, context: CommandContext, services: Services
) -> None:
    """End a consent because what it was given for is over; ended before, it stays so."""

    def decide(citizen: Citizen, now: datetime) -> None:
        if consents.stands(citizen, consent_id):
            consents.withdraw_consent(
                citizen, context.actor, now, consent_id=consent_id, reason=reason
            )

    await change_citizen(citizen_id, Command(), _unkeyed(context), services, decide)


def _unkeyed(context: CommandContext) -> CommandContext:
    return context._replace(idempotency_key=None, expected_version=None)

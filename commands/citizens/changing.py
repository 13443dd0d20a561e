"""What the commands on a citizen share: the change itself, its answer, and the day of birth."""

from collections.abc import Callable
from datetime import date, datetime
from typing import Any

from citybrain.domain.citizens.citizen import Citizen
from commands.handling import Command, CommandContext, CommandResult, change
from commands.services import Services


def citizen_answer(citizen: Citizen) -> dict[str, Any]:
    return {
        "citizen_id": citizen.id,
        "version": citizen.version,
        "face_consent": citizen.consent_id is not None,
        "face_enrolled": bool(citizen.templates),
    }


async def birth_date_of(citizen_id: str, services: Services) -> date:
    """When somebody was born; raises `StreamNotFound` and the vault's errors."""
    citizen = await services.store.load(Citizen, citizen_id)
    sealed = citizen.birth_date_sealed
    return date.fromisoformat(await services.vault.open_text(citizen_id, "birth_date", sealed))


async def change_citizen(
    citizen_id: str,
    command: Command,
    context: CommandContext,
    services: Services,
    decide: Callable[[Citizen, datetime], None],
    answer: Callable[[Citizen], dict[str, Any]] = citizen_answer,
) -> CommandResult:
    """Run a decision on a citizen, now."""
    return await change(
        Citizen,
        citizen_id,
        command,
        context,
        services,
        lambda citizen: decide(citizen, services.clock()),
        answer,
    )

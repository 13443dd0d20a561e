"""Made-up citizens who sign in where things are tried out: registered as a clerk would, once."""

from collections.abc import Mapping
from typing import Any, Final

from citybrain.domain.actor import Actor, Role
from citybrain.random_ids import random_uuid
from commands.citizens.citizen import RegisterCitizen, register_citizen
from commands.citizens.documents import AlreadyRegistered
from commands.handling import CommandContext
from commands.services import Services

COUNTER: Final = Actor("clerk-sign-in", frozenset({Role.CLERK}), counter="sign-in")


async def register_made_up(person: Mapping[str, Any], services: Services) -> str:
    """The id of a made-up person; `person` are members of `RegisterCitizen`."""
    command = RegisterCitizen.model_validate({**person, "simulated": True})
    context = CommandContext(COUNTER, "development", random_uuid(), random_uuid())
    try:
        return (await register_citizen(command, context, services)).stream_id
    except AlreadyRegistered as known:
        return known.citizen_id

"""In whose name messages of a device topic are taken in: a gateway's, for the devices it is for."""

from uuid import uuid4

from citybrain.domain.actor import INTAKE, Actor, Role
from citybrain.settings import Settings
from commands.handling import CommandContext

CHANNEL = "kafka"


def actor_of(settings: Settings) -> Actor:
    """Speaks for the devices that `CITYBRAIN_INTAKE_ACTS_FOR` names, and for no other."""
    return Actor(INTAKE, frozenset({Role.GATEWAY}), acts_for=frozenset(settings.intake_acts_for))


def context_of(actor: Actor) -> CommandContext:
    """Of a batch of messages."""
    return CommandContext(actor, CHANNEL, uuid4(), uuid4())

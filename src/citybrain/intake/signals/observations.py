"""Observations of detectors, as an item of `POST /v1/signals/observations/batch` is."""

from collections.abc import Sequence

from citybrain.domain.actor import Actor
from citybrain.intake.taking import Intake, Outcome
from commands.services import Services
from commands.signals.observing import observe


async def take(items: Sequence[object], actor: Actor, services: Services) -> list[Outcome]:
    """Count them: a detector and a moment decide whether one is known."""
    taken = await observe(items, actor, services)
    refused = dict(taken.refused)
    return [refused.get(index) for index in range(len(items))]


OBSERVATIONS = Intake("observations", take)

"""Photos that people name as evidence have to be here: cameras keep their recordings elsewhere."""

from collections.abc import Sequence

from citybrain.domain.actor import WATCHERS, Role
from commands.handling import CommandContext
from commands.services import Services

ELSEWHERE = (*WATCHERS, Role.SYSTEM)


async def require_evidence(
    digests: Sequence[str], context: CommandContext, services: Services
) -> None:
    """Raise `EvidenceNotFound` where a person names a photo that nobody has uploaded."""
    if digests and services.photos is not None and not context.actor.has(*ELSEWHERE):
        await services.photos.require(digests)

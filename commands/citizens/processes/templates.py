"""Templates that a citizen's stream has ended are destroyed, whoever ended them and how.

With the consent, the pictures of decisions and the traces of pictures seen go as well.
"""

from collections.abc import Callable
from typing import ClassVar
from uuid import UUID

from citybrain.domain.citizens.citizen import Citizen
from citybrain.eventstore import RecordedEvent
from citybrain.faces.challenges import forget_pictures
from citybrain.faces.gallery import SAMPLE, TEMPLATE
from commands.handling import CommandContext
from commands.services import Services

WITHDRAWN = "citizen.face_consent_withdrawn"


class TemplateDestruction:
    """The process manager of ended templates. It sends no command: the event has decided."""

    name: ClassVar[str] = "template-destruction"
    topics: ClassVar[tuple[str, ...]] = ("citizen.face_enrolled", "citizen.face_revoked", WITHDRAWN)

    async def react(
        self, event: RecordedEvent, services: Services, context_for: Callable[[str], CommandContext]
    ) -> None:
        """Delete what `event` ended, and what is left of attempts that failed."""
        person, vault = event.stream_id, services.vault
        if event.topic == WITHDRAWN:
            await vault.delete_all(person, SAMPLE)
            await forget_pictures(services.store.pool, person)
            return
        ended = event.data.get("template_ids") or [event.data["replaced_template_id"]]
        citizen = await services.store.load(Citizen, person, fresh=True)
        await vault.keep_only(
            person,
            TEMPLATE,
            [UUID(kept) for kept in citizen.templates.values()],
            [UUID(gone) for gone in ended if gone is not None],
        )

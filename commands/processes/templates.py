"""Templates that a citizen's stream has ended are destroyed, whoever ended them and how."""

from collections.abc import Callable
from typing import ClassVar
from uuid import UUID

from citybrain.domain.citizen import Citizen
from citybrain.eventstore import RecordedEvent
from citybrain.faces.gallery import TEMPLATE
from commands.handling import CommandContext, Services


class TemplateDestruction:
    """The process manager of ended templates. It sends no command: the event has decided."""

    name: ClassVar[str] = "template-destruction"
    topics: ClassVar[tuple[str, ...]] = ("citizen.face_enrolled", "citizen.face_revoked")

    async def react(
        self,
        event: RecordedEvent,
        services: Services,
        context_for: Callable[[str], CommandContext],
    ) -> None:
        """Delete what `event` ended, and what is left of attempts that failed."""
        ended = event.data.get("template_ids") or [event.data["replaced_template_id"]]
        citizen = await services.store.load(Citizen, event.stream_id, fresh=True)
        await services.vault.keep_only(
            event.stream_id, TEMPLATE,
            [UUID(kept) for kept in citizen.templates.values()],
            [UUID(gone) for gone in ended if gone is not None],
        )  # fmt: skip

"""Permits of somebody whose death was noted: they end; what they covered they cover still."""

from collections.abc import Awaitable, Callable
from typing import Any, ClassVar

import asyncpg

from citybrain.domain.parking.binding import DECEASED
from citybrain.errors import Unavailable
from citybrain.eventstore import RecordedEvent
from commands.handling import CommandContext
from commands.parking.permit import end_permit
from commands.services import Services

OfHolder = Callable[["asyncpg.Pool[Any]", str, int], Awaitable[list[str] | None]]
"""The permits of a citizen, as a read model knows them; None where it is behind a position."""


class PermitEndings:
    """The process manager of the permits of the dead."""

    name: ClassVar[str] = "parking-permits"
    topics: ClassVar[tuple[str, ...]] = ("citizen.death_noted",)

    def __init__(self, of_holder: OfHolder) -> None:
        self._of_holder = of_holder

    async def react(
        self, event: RecordedEvent, services: Services, context_for: Callable[[str], CommandContext]
    ) -> None:
        """End them."""
        store = services.store
        found = await self._of_holder(store.keeping, event.stream_id, await store.head())
        if found is None:
            raise Unavailable("the read model of permits is behind")
        for permit_id in found:
            await end_permit(permit_id, DECEASED, context_for(permit_id), services)

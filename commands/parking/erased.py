"""Bindings of people, or of plates, that were erased: nobody pays by them, so they end."""

from collections.abc import Awaitable, Callable
from typing import Any
from uuid import uuid4

import asyncpg

from citybrain.domain.actor import system_actor
from citybrain.domain.parking.binding import ERASED
from commands.handling import Command, CommandContext
from commands.parking.binding import change_binding
from commands.services import Services

UPKEEP = system_actor("parking-upkeep")

OfErased = Callable[["asyncpg.Pool[Any]"], Awaitable[list[str]]]
"""The bindings of the erased that have not ended, as a read model knows them."""


def ending_bindings_of_the_erased(of_erased: OfErased) -> Callable[[Services], Awaitable[None]]:
    """The work that ends them; until it is done nobody is debited by them either."""

    async def end_bindings_of_the_erased(services: Services) -> None:
        """End them."""
        for binding_id in await of_erased(services.store.pool):
            await change_binding(
                binding_id,
                Command(),
                CommandContext(UPKEEP, "process", uuid4(), uuid4()),
                services,
                lambda binding, now: binding.give_up(now, ERASED),
            )

    return end_bindings_of_the_erased

"""Bindings, permits and reservations of people or plates that were erased: they end."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any
from uuid import uuid4

import asyncpg

from citybrain.domain.actor import system_actor
from citybrain.domain.parking.binding import ERASED
from commands.handling import Command, CommandContext
from commands.parking.binding import change_binding
from commands.parking.permit import end_permit
from commands.parking.reservations import change_reservation
from commands.services import Services

UPKEEP = system_actor("parking-upkeep")

OfErased = Callable[["asyncpg.Pool[Any]", Sequence[str]], Awaitable[list[str]]]
"""What of these people or plates, who were erased, has not ended, as a read model knows it."""


def ending_bindings_of_the_erased(of_erased: OfErased) -> Callable[[Services], Awaitable[None]]:
    """The work that ends them; until it is done nobody is debited by them either."""

    async def end_bindings_of_the_erased(services: Services) -> None:
        """End them."""
        for binding_id in await _ids(of_erased, services):
            await change_binding(
                binding_id,
                Command(),
                _context(),
                services,
                lambda binding, now: binding.give_up(now, ERASED),
            )

    return end_bindings_of_the_erased


def ending_permits_of_the_erased(of_erased: OfErased) -> Callable[[Services], Awaitable[None]]:
    """The work that ends them; what they covered they cover still."""

    async def end_permits_of_the_erased(services: Services) -> None:
        """End them."""
        for permit_id in await _ids(of_erased, services):
            await end_permit(permit_id, ERASED, _context(), services)

    return end_permits_of_the_erased


def ending_reservations_of_the_erased(of_erased: OfErased) -> Callable[[Services], Awaitable[None]]:
    """The work that ends them; the berths are free, and nothing is kept."""

    async def end_reservations_of_the_erased(services: Services) -> None:
        """End them."""
        for reservation_id in await of_erased(
            services.store.keeping, await services.vault.erased()
        ):
            await change_reservation(
                reservation_id,
                _context(),
                services,
                lambda reservation, now: reservation.end_of_erased(now),
            )

    return end_reservations_of_the_erased


async def _ids(of_erased: OfErased, services: Services) -> list[str]:
    return await of_erased(services.store.keeping, await services.vault.erased())


def _context() -> CommandContext:
    return CommandContext(UPKEEP, "process", uuid4(), uuid4())

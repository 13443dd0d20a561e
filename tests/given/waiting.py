"""Waiting for what has to come, and never for time to pass."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

T = TypeVar("T")

PATIENCE_SECONDS = 90.0  # far more than anything takes: the machine does other work as well
LOOK_SECONDS = 0.02


async def eventually(look: Callable[[], Awaitable[T | None]]) -> T:
    """What `look` finds, once it finds something."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not (found := await look()):
            await asyncio.sleep(LOOK_SECONDS)
    return found


async def holds(condition: Callable[[], object]) -> None:
    """Wait until it does."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not condition():
            await asyncio.sleep(LOOK_SECONDS)

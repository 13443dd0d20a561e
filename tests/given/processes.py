"""Process managers at work."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from citybrain.systems.inspection import INSPECTION
from commands.services import Services

OURS = INSPECTION.processes


@asynccontextmanager
async def working(services: Services) -> AsyncIterator[None]:
    """All process managers of cases at work."""
    tasks = [asyncio.create_task(each.run(services.store, services)) for each in OURS]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

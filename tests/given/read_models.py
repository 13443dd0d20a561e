"""Read models that are kept up, and waiting for them."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from citybrain.eventstore import EventStore
from citybrain.systems import PROJECTIONS
from projections.projection import Projection
from projections.reading import wait_until
from projections.runner import ProjectionRunner
from tests.given.waiting import PATIENCE_SECONDS


@asynccontextmanager
async def running(store: EventStore, *projections: Projection) -> AsyncIterator[None]:
    runner = ProjectionRunner(store, projections or PROJECTIONS)
    task = asyncio.create_task(runner.run())
    yield
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


async def caught_up(store: EventStore, *names: str) -> None:
    head = await store.head()
    for name in names or [projection.name for projection in PROJECTIONS]:
        assert await wait_until(store.pool, name, head, PATIENCE_SECONDS), name

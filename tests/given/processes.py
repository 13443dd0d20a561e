"""Process managers at work, and waiting until they have done all there is to do."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from citybrain.eventstore import EventStore
from citybrain.systems.inspection import INSPECTION
from commands.services import Services
from tests.given.waiting import eventually

OURS = INSPECTION.processes
BEHIND = """
SELECT count(*) FROM stored_events e JOIN unnest($1::text[], $2::text[]) AS w(process, topic)
ON e.topic = w.topic LEFT JOIN process_checkpoints c ON c.process = w.process
WHERE e.notification_id > coalesce(c.position, 0)
"""
PLANNED = "SELECT count(*) FROM detection_plans WHERE NOT applied AND NOT parked"


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


async def settled(store: EventStore) -> None:
    """Wait until the process managers of cases have nothing more to do."""
    wanted = [(each.manager.name, topic) for each in OURS for topic in each.manager.topics]
    names, topics = zip(*wanted, strict=True)

    async def nothing_to_do() -> bool:
        head = await store.head()
        behind = await store.pool.fetchval(BEHIND, names, topics)
        planned = await store.pool.fetchval(PLANNED)
        return not behind and not planned and head == await store.head()

    await eventually(nothing_to_do)

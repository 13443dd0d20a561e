"""`python -m tests.given.reading_kafka`: a process that keeps a read model and feeds it from Kafka.

While somebody holds the gate (an advisory lock) it stays in the midst of its transaction.
"""

import asyncio
from collections.abc import Sequence
from typing import Any

from citybrain.eventstore import EventStore, RecordedEvent, open_event_store
from citybrain.observability import configure_logging
from citybrain.settings import Settings
from projections.kafka_feed import KafkaFeed
from projections.runner import ProjectionRunner
from tests.given.seen import Seen

GATE = 4711
AT_THE_GATE = """
SELECT count(*) FROM pg_locks
WHERE locktype = 'advisory' AND objid = $1 AND NOT granted
  AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""


class Gated(Seen):
    """Passes a gate in each transaction."""

    async def apply(self, connection: Any, events: Sequence[RecordedEvent]) -> None:
        await super().apply(connection, events)
        await connection.execute("SELECT pg_advisory_xact_lock_shared($1)", GATE)


async def at_the_gate(store: EventStore) -> bool:
    """Whether somebody waits there."""
    return bool(await store.pool.fetchval(AT_THE_GATE, GATE))


async def main() -> None:
    """Work until killed."""
    settings = Settings()
    configure_logging("INFO", "json")
    async with open_event_store(settings) as store, asyncio.TaskGroup() as group:
        group.create_task(ProjectionRunner(store, [Gated()]).run())
        group.create_task(KafkaFeed(settings, store, [Gated()]).run())
        print("ready", flush=True)


if __name__ == "__main__":
    asyncio.run(main())

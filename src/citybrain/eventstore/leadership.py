"""One worker at a time for a named piece of work, over any number of processes.

The lock is a session advisory lock: it ends with its connection, so a killed holder frees it
and a standby takes over within `STANDBY_SECONDS`.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg

from citybrain.eventstore.locks import TRY_LOCK
from citybrain.eventstore.store import EventStore

STANDBY_SECONDS = 1.0


@asynccontextmanager
async def leading(store: EventStore, work: str) -> AsyncIterator["asyncpg.Connection[Any]"]:
    """Wait until this process leads `work`; gives the connection that holds the lock.

    All writes of the work go through that connection: when it breaks, so does the lead.
    """
    connection = await store.connect("citybrain-worker")
    try:
        while not await connection.fetchval(TRY_LOCK, work):  # noqa: ASYNC110
            await asyncio.sleep(STANDBY_SECONDS)
        yield connection
    finally:
        connection.terminate()

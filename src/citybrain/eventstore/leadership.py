"""One worker at a time for a named piece of work, over any number of processes.

The lock is a session advisory lock: it ends with its connection, so a killed holder frees it
and a standby takes over within `STANDBY_SECONDS`. Who stands by has no connection for it: whether
it is free is asked for all that a process waits for together.
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
    connection = None
    while connection is None:
        if await store.standby.is_free(work):
            connection = await _led(store, work)
        else:
            await asyncio.sleep(STANDBY_SECONDS)
    try:
        yield connection
    finally:
        connection.terminate()


async def _led(store: EventStore, work: str) -> "asyncpg.Connection[Any] | None":
    """A connection that holds the lock; None where another one was faster."""
    connection = await store.connect("citybrain-worker")
    led = False
    try:
        led = await connection.fetchval(TRY_LOCK, work)
    finally:
        if not led:
            connection.terminate()
    return connection if led else None

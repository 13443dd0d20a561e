"""How read models are read: rows of a statement, patiently, and waiting for a position."""

import asyncio
import time
from typing import Any, TypeAlias

import asyncpg
from pydantic import BaseModel

from citybrain.eventstore.reader import patiently

Pool: TypeAlias = "asyncpg.Pool[Any]"
Row = dict[str, Any]

POLL_SECONDS = 0.02
POSITION = "SELECT position FROM projection_checkpoints WHERE projection = $1"


def columns(model: type[BaseModel], *others: str) -> str:
    """The columns of a SELECT: the members of a row model, and `others` that nobody is shown."""
    return ", ".join((*model.model_fields, *others))


async def fetch(pool: Pool, query: str, *arguments: Any) -> list[Row]:
    """Rows of a query; again while the server is away, raises `StoreUnavailable` in the end."""
    return [dict(row) for row in await patiently(lambda: pool.fetch(query, *arguments))]


async def fetch_planned(pool: Pool, query: str, *arguments: Any) -> list[Row]:
    """Rows of a query with many filters that may be absent: planned for those that are given.

    PostgreSQL would keep one plan for all of them, which is a poor one for each.
    """

    async def ask() -> list[Any]:
        async with pool.acquire() as connection, connection.transaction(readonly=True):
            await connection.execute("SET LOCAL plan_cache_mode = force_custom_plan")
            return await connection.fetch(query, *arguments)

    return [dict(row) for row in await patiently(ask)]


async def reached(pool: Pool, projection: str, position: int) -> bool:
    """Whether a read model has reached a log position."""
    rows = await fetch(pool, POSITION, projection)
    return bool(rows) and bool(rows[0]["position"] >= position)


async def wait_until(pool: Pool, projection: str, position: int, timeout_seconds: float) -> bool:
    """Wait until a read model has reached a log position; false when it did not in time."""
    deadline = time.monotonic() + timeout_seconds
    while True:
        if await reached(pool, projection, position):
            return True
        if time.monotonic() >= deadline:
            return False
        await asyncio.sleep(POLL_SECONDS)

"""Moves checkpoints past batches that hold nothing for their models, many in one statement.

Most batches concern few models. If each of the others wrote its own row for each batch, that would
be most of what two dozen models cost.
"""

import asyncio
from datetime import datetime
from typing import Any

import asyncpg

GATHER_SECONDS = 0.02  # followers hear of a batch in the same moment, and pause as long after it
MOVE = """
UPDATE projection_checkpoints c
SET position = m.reached, recorded_at = m.at, stopped = NULL, updated_at = clock_timestamp()
FROM unnest($1::text[], $2::bigint[], $3::bigint[], $4::timestamptz[])
        m(projection, was, reached, at),
     set_config('synchronous_commit', 'off', true)
WHERE c.projection = m.projection AND c.position = m.was
RETURNING c.projection
"""

Move = tuple[int, int, datetime | None, "asyncio.Future[bool]"]


class IdleCheckpoints:
    """The checkpoints of one process. What a crash of the server takes back is moved again."""

    def __init__(self, pool: "asyncpg.Pool[Any]") -> None:
        self._pool = pool
        self._waiting: dict[str, Move] = {}
        self._moving: asyncio.Task[None] | None = None

    async def move(
        self, projection: str, was: int, reached: int, recorded_at: datetime | None
    ) -> bool:
        """Move one on; False where it is not where it was. Raises what the database raises."""
        moved: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._waiting[projection] = (was, reached, recorded_at, moved)
        if self._moving is None:
            self._moving = asyncio.create_task(self._move_all())
        return await moved

    async def _move_all(self) -> None:
        try:
            while self._waiting:
                await asyncio.sleep(GATHER_SECONDS)
                waiting, self._waiting = self._waiting, {}
                await self._move(waiting)
        finally:
            self._moving = None

    async def _move(self, waiting: dict[str, Move]) -> None:
        futures = {projection: move[3] for projection, move in waiting.items()}
        was, reached, at = zip(*(move[:3] for move in waiting.values()), strict=True)
        try:
            rows = await self._pool.fetch(MOVE, list(waiting), was, reached, at)
        except Exception as error:
            for moved in futures.values():
                if not moved.done():
                    moved.set_exception(error)
            return
        except BaseException:
            for moved in futures.values():
                moved.cancel()
            raise
        done = {row["projection"] for row in rows}
        for projection, moved in futures.items():
            if not moved.done():  # its worker may have been stopped
                moved.set_result(projection in done)

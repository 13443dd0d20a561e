"""Whether people's keys still exist, asked for many at once.

What is asked for while a query is out goes with the next one: nobody gets an answer from before
they asked, and a busy process asks once where it would have asked for each.
"""

import asyncio
from collections.abc import Mapping
from typing import Any

import asyncpg

READ_KEYS = """
SELECT person_id, wrapped_key FROM person_keys WHERE person_id = ANY($1)
"""

WrappedKey = bytes | None
"""None where the key was destroyed."""


class KeyAsking:
    """Asks the database for wrapped keys."""

    def __init__(self, pool: "asyncpg.Pool[Any]") -> None:
        self._pool = pool
        self._waiting: dict[str, asyncio.Future[Mapping[str, WrappedKey]]] = {}
        self._asking: asyncio.Task[None] | None = None

    async def wrapped_key(self, person_id: str) -> WrappedKey:
        """As it is now; raises `KeyError` where the person never had one."""
        answer = self._waiting.get(person_id)
        if answer is None:
            answer = asyncio.get_running_loop().create_future()
            self._waiting[person_id] = answer
        if self._asking is None:
            self._asking = asyncio.create_task(self._ask())
        return (await asyncio.shield(answer))[person_id]

    async def _ask(self) -> None:
        try:
            while self._waiting:
                asked, self._waiting = self._waiting, {}
                await self._answer(asked)
        finally:
            self._asking = None

    async def _answer(self, asked: dict[str, asyncio.Future[Mapping[str, WrappedKey]]]) -> None:
        try:
            rows = await self._pool.fetch(READ_KEYS, list(asked))
        except Exception as error:
            for answer in asked.values():
                answer.set_exception(error)
                answer.exception()  # whoever asked may have gone
            return
        except BaseException:
            for answer in asked.values():
                answer.cancel()
            raise
        found = {row["person_id"]: row["wrapped_key"] for row in rows}
        for answer in asked.values():
            answer.set_result(found)

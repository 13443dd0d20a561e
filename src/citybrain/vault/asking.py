"""Whether people's keys still exist, asked for many at once.

What is asked for while a query is out goes with the next one: nobody gets an answer from before
they asked, and a busy process asks once where it would have asked for each.
"""

import asyncio
from typing import Any

import asyncpg

READ_KEYS = """
SELECT person_id, wrapped_key FROM person_keys WHERE person_id = ANY($1)
"""

WrappedKey = bytes | None
"""None where the key was destroyed."""


Asked = list[tuple[str, "asyncio.Future[WrappedKey]"]]


class KeyAsking:
    """Asks the database for wrapped keys."""

    def __init__(self, pool: "asyncpg.Pool[Any]") -> None:
        self._pool = pool
        self._waiting: Asked = []
        self._asking: asyncio.Task[None] | None = None

    async def wrapped_key(self, person_id: str) -> WrappedKey:
        """As it is now; raises `KeyError` where the person never had one."""
        answer: asyncio.Future[WrappedKey] = asyncio.get_running_loop().create_future()
        self._waiting.append((person_id, answer))
        if self._asking is None:
            self._asking = asyncio.create_task(self._ask())
        return await answer

    async def _ask(self) -> None:
        try:
            while self._waiting:
                asked, self._waiting = self._waiting, []
                await self._answer([each for each in asked if not each[1].done()])
        finally:
            self._asking = None

    async def _answer(self, asked: Asked) -> None:
        try:
            rows = await self._pool.fetch(READ_KEYS, list({person_id for person_id, _ in asked}))
        except Exception as error:
            for _, answer in asked:
                if not answer.done():
                    answer.set_exception(error)
            return
        except BaseException:
            for _, answer in asked:
                answer.cancel()
            raise
        found = {row["person_id"]: row["wrapped_key"] for row in rows}
        for person_id, answer in asked:
            if answer.done():  # whoever asked has gone
                continue
            if person_id in found:
                answer.set_result(found[person_id])
            else:
                answer.set_exception(KeyError(person_id))

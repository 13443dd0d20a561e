"""Whether people's keys still exist, asked for many at once."""

from collections.abc import Collection
from typing import Any

import asyncpg

from citybrain.asking import AskingTogether

READ_KEYS = """
SELECT person_id, wrapped_key FROM person_keys WHERE person_id = ANY($1)
"""

WrappedKey = bytes | None
"""None where the key was destroyed."""


class KeyAsking:
    """Asks the database for wrapped keys."""

    def __init__(self, pool: "asyncpg.Pool[Any]") -> None:
        self._pool = pool
        self._together = AskingTogether(self._read)

    async def wrapped_key(self, person_id: str) -> WrappedKey:
        """As it is now; raises `KeyError` where the person never had one."""
        return (await self._together.ask((person_id,)))[person_id]

    async def wrapped_keys(self, person_ids: Collection[str]) -> dict[str, WrappedKey]:
        """As they are now, of those who ever had one."""
        return await self._together.ask(person_ids)

    async def _read(self, person_ids: Collection[str]) -> dict[str, WrappedKey]:
        rows = await self._pool.fetch(READ_KEYS, list(person_ids))
        return {row["person_id"]: row["wrapped_key"] for row in rows}

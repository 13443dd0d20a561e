"""Advisory locks: their keys are made of texts, which two releases side by side share.

A lock's text never changes: an older process would not respect the new one.
"""

import asyncio
from typing import Any

import asyncpg

from citybrain.eventstore.reader import patiently

TOGETHER_SECONDS = 0.05
NAMESPACE = 7163850362
"""The seed of `hashtextextended`: keeps our locks apart from those of other software."""

KEY = f"hashtextextended($1, {NAMESPACE})"
"""SQL of the key of the lock whose text is the first parameter."""

LOCK = f"SELECT pg_advisory_lock({KEY})"
TRY_LOCK = f"SELECT pg_try_advisory_lock({KEY})"
LOCK_TRANSACTION = f"SELECT pg_advisory_xact_lock({KEY})"


HELD = """
SELECT l.classid::bigint << 32 | l.objid::bigint AS key, l.mode FROM pg_locks l
WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 1
  AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""
"""SQL of the keys of all advisory locks that are held, each as often as it is."""

FREE = f"""
SELECT text FROM unnest($1::text[]) AS text
WHERE hashtextextended(text, {NAMESPACE}) NOT IN (SELECT key FROM ({HELD}) AS held)
"""  # noqa: S608


def is_held(text: str) -> str:
    """SQL that tells whether somebody holds the lock; `text` is SQL of its text."""
    key = f"hashtextextended({text}, {NAMESPACE})"
    return f"EXISTS (SELECT FROM ({HELD}) AS held WHERE held.key = {key})"


class Standby:
    """Looks which locks are free, for all in this process that wait for one, with one question."""

    def __init__(self, pool: "asyncpg.Pool[Any]") -> None:
        self._pool = pool
        self._waiting: list[str] = []
        self._look: asyncio.Task[set[str]] | None = None

    async def is_free(self, text: str) -> bool:
        """Whether nobody held it when it was looked; raises `StoreUnavailable`."""
        if self._look is None:
            self._look = asyncio.create_task(self._looked())
        self._waiting.append(text)
        return text in await asyncio.shield(self._look)

    async def _looked(self) -> set[str]:
        await asyncio.sleep(TOGETHER_SECONDS)
        texts, self._waiting, self._look = self._waiting, [], None
        rows = await patiently(lambda: self._pool.fetch(FREE, texts))
        return {row["text"] for row in rows}

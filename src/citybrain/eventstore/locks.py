"""Advisory locks: their keys are made of texts, which two releases side by side share.

A lock's text never changes: an older process would not respect the new one.
"""

from typing import Any, ClassVar, Final

import asyncpg

from citybrain.errors import CitybrainError

WAITS_SECONDS: Final = 60.0
"""For a lock that each start takes; a statement has its own end."""
NAMESPACE = 7163850362
"""The seed of `hashtextextended`: keeps our locks apart from those of other software."""

KEY = f"hashtextextended($1, {NAMESPACE})"
"""SQL of the key of the lock whose text is the first parameter."""

TRY_LOCK = f"SELECT pg_try_advisory_lock({KEY})"
UNLOCK = f"SELECT pg_advisory_unlock({KEY})"
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


HOLDER = """
SELECT a.pid, a.application_name FROM pg_locks l JOIN pg_stat_activity a USING (pid)
WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 1
  AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
  AND l.classid::bigint << 32 | l.objid::bigint = $1 LIMIT 1
"""
HAVE = "SELECT pg_advisory_lock($1)"
KEY_OF = f"SELECT {KEY}"
SET_WAIT = "SELECT set_config('lock_timeout', $1, false)"


class LockHeld(CitybrainError):
    """Another process holds what every start needs for longer than that takes."""

    code = "lock-held"
    exit_status: ClassVar[int] = 75  # EX_TEMPFAIL


async def have(connection: "asyncpg.Connection[Any]", key: int, what: str) -> None:
    """Take a lock for the session; raises `LockHeld` after `WAITS_SECONDS`, with its holder."""
    usual = await connection.fetchval("SHOW lock_timeout")
    await connection.execute(SET_WAIT, f"{WAITS_SECONDS:g}s")
    try:
        await connection.execute(HAVE, key)
    except asyncpg.LockNotAvailableError as error:
        row = await connection.fetchrow(HOLDER, key)
        who = f"{row['application_name']}, process {row['pid']} of PostgreSQL" if row else "another"
        raise LockHeld(
            f"{what} have been held by {who} for {WAITS_SECONDS:g} s: look whether it hangs, "
            "and end it (pg_terminate_backend), then start this again"
        ) from error
    finally:
        await connection.execute(SET_WAIT, usual)


def is_held(text: str) -> str:
    """SQL that tells whether somebody holds the lock; `text` is SQL of its text."""
    key = f"hashtextextended({text}, {NAMESPACE})"
    return f"EXISTS (SELECT FROM ({HELD}) AS held WHERE held.key = {key})"

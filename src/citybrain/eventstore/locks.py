"""Advisory locks: their keys are made of texts, which two releases side by side share.

A lock's text never changes: an older process would not respect the new one.
"""

NAMESPACE = 7163850362
"""The seed of `hashtextextended`: keeps our locks apart from those of other software."""

KEY = f"hashtextextended($1, {NAMESPACE})"
"""SQL of the key of the lock whose text is the first parameter."""

LOCK = f"SELECT pg_advisory_lock({KEY})"
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


def is_held(text: str) -> str:
    """SQL that tells whether somebody holds the lock; `text` is SQL of its text."""
    key = f"hashtextextended({text}, {NAMESPACE})"
    return f"EXISTS (SELECT FROM ({HELD}) AS held WHERE held.key = {key})"

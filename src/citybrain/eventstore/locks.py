"""Advisory locks: their keys are made of texts, which two releases side by side share.

A lock's text never changes: an older process would not respect the new one.
"""

NAMESPACE = 7163850362
"""The seed of `hashtextextended`: keeps our locks apart from those of other software."""

KEY = f"hashtextextended($1, {NAMESPACE})"
"""SQL of the key of the lock whose text is the first parameter."""

LOCK = f"SELECT pg_advisory_lock({KEY})"
TRY_LOCK = f"SELECT pg_try_advisory_lock({KEY})"
LOCK_TRANSACTION = f"SELECT pg_advisory_xact_lock({KEY})"


def is_held(text: str) -> str:
    """SQL that tells whether somebody holds the lock; `text` is SQL of its text."""
    return f"""EXISTS (
    SELECT 1 FROM pg_locks l
    WHERE l.locktype = 'advisory' AND l.granted
      AND (l.classid::bigint << 32 | l.objid::bigint) = hashtextextended({text}, {NAMESPACE})
)"""  # noqa: S608

"""Keeps each version of a definition that a process starts with, and finds those that are gone.

Reading them back is for what began under them: nothing new begins under a version without a file.
"""

import asyncpg

from citybrain.definitions import Definitions
from citybrain.definitions.kept import Keeping, Kept

KEEP = """
INSERT INTO kept_definitions AS k (kind, code, version, content)
SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[])
ON CONFLICT (kind, code, version)
DO UPDATE SET content = excluded.content, kept_at = clock_timestamp()
WHERE k.content <> excluded.content
"""
KEPT = "SELECT kind, code, version, content FROM kept_definitions WHERE kind = $1 ORDER BY kept_at"


async def keep_definitions(definitions: Definitions, pool: asyncpg.Pool) -> Definitions:
    """The definitions, with what was kept of files that were edited or taken away since."""
    for part in definitions.keeping():
        present = {each.key: each for each in part.kept()}
        known = set(await _known(part, pool))
        if new := sorted(set(present.values()) - known, key=lambda each: each.key):
            columns = zip(*((*each.key, each.content) for each in new), strict=True)
            await pool.execute(KEEP, *(list(column) for column in columns))
    return await with_kept(definitions, pool)


async def with_kept(definitions: Definitions, pool: asyncpg.Pool) -> Definitions:
    """The same for who only looks: nothing is written."""
    for part in definitions.keeping():
        present = {each.key for each in part.kept()}
        gone = [each for each in await _known(part, pool) if each.key not in present]
        definitions = part.with_gone(gone, definitions)
    return definitions


async def _known(part: Keeping, pool: asyncpg.Pool) -> list[Kept]:
    return [Kept(*row) for row in await pool.fetch(KEPT, part.KIND)]

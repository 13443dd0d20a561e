"""Keeps each version of a definition that a process starts with, and finds those that are gone.

Reading them back is for what began under them: nothing new begins under a version without a file.
"""

from collections.abc import Sequence

import asyncpg

from citybrain.definitions import Definitions
from citybrain.definitions.kept import Kept

KEEP = """
INSERT INTO kept_definitions AS k (kind, code, version, content)
SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[])
ON CONFLICT (kind, code, version)
DO UPDATE SET content = excluded.content, kept_at = clock_timestamp()
WHERE k.content <> excluded.content
"""
KEPT = """
SELECT kind, code, version, content FROM kept_definitions WHERE kind = ANY($1) ORDER BY kept_at
"""


async def keep_definitions(definitions: Definitions, pool: asyncpg.Pool) -> Definitions:
    """The definitions, with what was kept of files that were edited or taken away since."""
    present = {each.key: each for of_kind in definitions.kept.values() for each in of_kind}
    known = await _known(definitions, pool)
    if new := sorted(set(present.values()) - set(known), key=lambda each: each.key):
        columns = zip(*((*each.key, each.content) for each in new), strict=True)
        await pool.execute(KEEP, *(list(column) for column in columns))
    return _with(known, definitions)


async def with_kept(definitions: Definitions, pool: asyncpg.Pool) -> Definitions:
    """The same for who only looks: nothing is written."""
    return _with(await _known(definitions, pool), definitions)


async def _known(definitions: Definitions, pool: asyncpg.Pool) -> list[Kept]:
    kinds = [part.KIND for part in definitions.keeping()]
    return [Kept(*row) for row in await pool.fetch(KEPT, kinds)]


def _with(known: Sequence[Kept], definitions: Definitions) -> Definitions:
    """With those whose files are gone, or say something else."""
    kept = definitions.kept
    for part in definitions.keeping():
        present = {each.key for each in kept[part.KIND]}
        gone = [each for each in known if each.kind == part.KIND and each.key not in present]
        definitions = part.with_gone(gone, definitions)
    return definitions

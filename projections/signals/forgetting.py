"""What read models of junctions forget: whatever lies further back than they keep.

The time is that of a junction's own events, and no clock's: whoever reads the log again from its
beginning forgets the same. A junction of which nothing is heard forgets nothing.
"""

from collections.abc import Iterable
from typing import Any

import asyncpg

from citybrain.columns import columns
from citybrain.domain.signals.kept import KEPT

TABLE = """
CREATE TABLE forgotten (
    junction text COLLATE "C" PRIMARY KEY,
    before   bigint NOT NULL
);
"""
KEPT_MS = KEPT // KEPT.resolution // 1000
EVERY_MS = 3_600_000
ADVANCE = """
INSERT INTO forgotten AS known (junction, before)
SELECT * FROM unnest($1::text[], $2::bigint[])
ON CONFLICT (junction) DO UPDATE SET before = excluded.before
WHERE known.before < excluded.before
RETURNING junction, before
"""


async def due_to_forget(
    connection: "asyncpg.Connection[Any]", moments: Iterable[tuple[str, int]]
) -> list[tuple[str, int]]:
    """The junctions that have to forget now, and what is before when (ms since 1970); by the hour.

    `moments`: junction and time of each event that was read.
    """
    newest: dict[str, int] = {}
    for junction, at in moments:
        newest[junction] = max(at, newest.get(junction, at))
    rows = [(junction, (at - KEPT_MS) // EVERY_MS * EVERY_MS) for junction, at in newest.items()]
    if not rows:
        return []
    found = await connection.fetch(ADVANCE, *columns(rows))
    return [(row["junction"], row["before"]) for row in found]

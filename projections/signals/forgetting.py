"""What read models of junctions forget: whatever lies further back than they keep.

The time is that of a junction's own events, and no clock's: whoever reads the log again from its
beginning forgets the same. A junction of which nothing is heard forgets nothing.
"""

from collections.abc import Iterable
from typing import Any

import asyncpg

from citybrain.columns import columns
from citybrain.domain.signals.kept import KEPT

KEPT_MS = KEPT // KEPT.resolution // 1000


async def forget(
    connection: "asyncpg.Connection[Any]",
    statement: str,
    moments: Iterable[tuple[str, int]],
    *others: Any,
) -> None:
    """Delete what is over since too long of the junctions of these events.

    `moments`: junction and time (ms since 1970) of each. `statement` takes junctions and, of each,
    before when it forgets, and `others`.
    """
    newest: dict[str, int] = {}
    for junction, at in moments:
        newest[junction] = max(at, newest.get(junction, at))
    if newest:
        await connection.execute(
            statement,
            *columns((junction, at - KEPT_MS) for junction, at in newest.items()),
            *others,
        )

"""Signals on the live board: how many junctions stand how, faults, and what was refused."""

from collections.abc import Mapping, Sequence
from typing import Any

from citybrain.domain.signals.signal_events import milliseconds
from citybrain.http.board import BoardPart, Origin
from citybrain.http.runtime import Runtime
from projections.reading import Pool
from projections.signals import changes, junctions

HOUR_MS = 3_600_000


async def members(runtime: Runtime) -> dict[str, Any]:
    """How junctions stand now."""
    pool, now = runtime.store.pool, milliseconds(runtime.services.clock())
    counts = await junctions.counts(pool, now)
    return {
        "signals": {
            "standing": {row["standing"]: row["junctions"] for row in counts},
            "faulty": sum(row["faulty"] for row in counts),
            "refused_last_hour": await changes.refused_since(pool, now - HOUR_MS),
        }
    }


async def origins(pool: Pool, stream_ids: Sequence[str]) -> Mapping[str, Origin]:
    """No event of a junction has a class, or says of itself that it is made up."""
    return {}


async def any_simulated(pool: Pool) -> bool:
    """No event of a junction says that it is made up."""
    return False


BOARD = BoardPart(members, origins, any_simulated)

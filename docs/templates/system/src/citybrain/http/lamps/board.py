"""The part of the live board that is about lamps: how many are how."""

from collections.abc import Mapping, Sequence
from typing import Any

from citybrain.http.board import BoardPart, Origin
from citybrain.http.runtime import Runtime
from projections.lamps import lamps
from projections.reading import Pool


async def members(runtime: Runtime) -> dict[str, Any]:
    """One member of the snapshot, named as the system is."""
    return {"lamps": await lamps.counts(runtime.store.pool)}


async def origins(pool: Pool, stream_ids: Sequence[str]) -> Mapping[str, Origin]:
    """Which of the newest events are of a lamp."""
    rows = await lamps.known(pool, stream_ids)
    return {row["lamp_id"]: Origin("lamp", row["simulated"]) for row in rows}


BOARD = BoardPart(members, origins, lamps.any_simulated)

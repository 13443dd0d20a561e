"""Parking on the live board: berths by state, sessions by where they stand."""

from collections.abc import Mapping, Sequence
from typing import Any

from citybrain.definitions.parking.rules import parking_rules_at
from citybrain.http.board import BoardPart, Origin
from citybrain.http.runtime import Runtime
from projections.parking import berths, sessions
from projections.reading import Pool


async def members(runtime: Runtime) -> dict[str, Any]:
    """How many berths are free, and how many sessions stand where."""
    pool, services = runtime.store.pool, runtime.services
    now = services.clock()
    silence = parking_rules_at(services.definitions, now).silence_limit
    return {
        "parking": {
            "berths": await berths.counts(pool, now=now, silence=silence),
            "sessions": await sessions.counts(pool),
        }
    }


async def origins(pool: Pool, stream_ids: Sequence[str]) -> Mapping[str, Origin]:
    """Of which kind these sessions are."""
    found = await sessions.origins(pool, stream_ids)
    return {row["session_id"]: Origin("parking", row["simulated"]) for row in found}


BOARD = BoardPart(members, origins, berths.any_simulated)

"""Applications on the live board: the city's day, how many, how fast, what was saved."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from citybrain.city_day import city_day
from citybrain.http.board import BoardPart, Origin
from citybrain.http.runtime import Runtime
from projections.applications import application_days, applications
from projections.reading import Pool

COUNTED = ("submitted", "paid", "approved", "refused", "referred", "ended_well")
SAVED = ("materials", "steps", "trips")


async def members(runtime: Runtime) -> dict[str, Any]:
    """The day's numbers."""
    pool, day = runtime.store.pool, city_day(runtime.services.clock())
    totals: Counter[str] = Counter()
    for row in await application_days.days(pool, since=day, until=day):
        totals.update(row["counts"])
    today = {
        "day": day,
        "waiting": await applications.count_waiting(pool),
        "seconds": await application_days.seconds_to_money(pool, since=day, until=day),
        "saved": {what: [totals[f"{what}_before"], totals[f"{what}_now"]] for what in SAVED},
        **{what: totals[what] for what in COUNTED},
    }
    return {"applications": today}


async def origins(pool: Pool, stream_ids: Sequence[str]) -> Mapping[str, Origin]:
    """Of which service an application is."""
    rows = await applications.services_of(pool, stream_ids)
    return {row["application_id"]: Origin(row["service"], row["simulated"]) for row in rows}


BOARD = BoardPart(members, origins, applications.any_simulated)

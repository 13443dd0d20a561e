"""Applications on the live board: the city's day, how many, how fast, what was saved."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from prometheus_client import Gauge

from citybrain.city_day import city_day
from citybrain.http.board import BoardPart, Origin
from citybrain.http.runtime import Runtime
from projections.applications import application_days, applications, waits
from projections.reading import Pool

WAITING = Gauge(
    "citybrain_applications_waiting",
    "Applications that have not ended: for whom they wait, and how many are overdue or stranded",
    ["waits_for"],
)
COUNTED = ("submitted", "paid", "approved", "refused", "referred", "ended_well")
SAVED = ("materials", "steps", "trips")


async def members(runtime: Runtime) -> dict[str, Any]:
    """The day's numbers."""
    pool, day = runtime.store.models, city_day(runtime.services.clock())
    totals: Counter[str] = Counter()
    for row in await application_days.days(pool, since=day, until=day):
        totals.update(row["counts"])
    today = {
        "day": day,
        "waiting": await applications.count_waiting(pool),
        **await _awaited(runtime, day),
        "seconds": await application_days.seconds_to_money(pool, since=day, until=day),
        "saved": {what: [totals[f"{what}_before"], totals[f"{what}_now"]] for what in SAVED},
        **{what: totals[what] for what in COUNTED},
    }
    return {"applications": today}


async def _awaited(runtime: Runtime, day: date) -> dict[str, int]:
    """Whether somebody has each application, and the law's day is kept."""
    found = await waits.counts(runtime.store.models, now=runtime.services.clock(), today=day)
    return {"overdue": found.overdue, "stranded": found.stranded}


async def origins(pool: Pool, stream_ids: Sequence[str]) -> Mapping[str, Origin]:
    """Of which service an application is."""
    rows = await applications.services_of(pool, stream_ids)
    return {row["application_id"]: Origin(row["service"], row["simulated"]) for row in rows}


async def measure(runtime: Runtime) -> None:
    """How many wait for whom; somebody is woken where `stranded` is not 0."""
    now = runtime.services.clock()
    found = await waits.counts(runtime.store.models, now=now, today=city_day(now))
    for waits_for, count in found.model_dump().items():
        WAITING.labels(waits_for).set(count)


BOARD = BoardPart(members, origins, applications.any_simulated, measure)

"""Applications on the live board: the city's day, how many, how fast, what was saved."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from prometheus_client import Gauge

from citybrain.city_day import city_day
from citybrain.http.board import BoardPart, Figures, Followed, Histogram, Origin
from citybrain.http.runtime import Runtime
from projections.applications import application_days, applications, waits
from projections.applications.board import APPLICATIONS_BOARD, LEGAL_DAY, SECONDS
from projections.applications.figures import distribution, share
from projections.board_reading import Reading
from projections.buckets import bucket_seconds
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


def figures(at: Reading) -> Figures:
    """What is waiting, and the day until then, by when it happened."""
    counted = at.counted
    automatic = counted.get("automatic", 0)
    return {
        "open": at.standing.get("open", 0),
        "waiting": at.standing.get("waiting", 0),
        "overdue": at.due_of(LEGAL_DAY).past,
        "due_today": at.due_of(LEGAL_DAY).soon,
        **{what: counted.get(what, 0) for what in COUNTED},
        "automatic_share": share(automatic, counted.get("decided", 0)),
        "seconds_to_money": distribution(_taken(at)).p50,
        **{
            f"{what}_saved": counted.get(f"{what}_before", 0) - counted.get(f"{what}_now", 0)
            for what in SAVED
        },
    }


def histograms(at: Reading) -> Mapping[str, Histogram]:
    """How long those took that were paid on the day until then."""
    return {"seconds_to_money": _taken(at)}


def _taken(at: Reading) -> list[tuple[float, int]]:
    """Seconds from the submission to the money, by bucket."""
    return sorted(
        (bucket_seconds(int(what.removeprefix(SECONDS))), count)
        for what, count in at.counted.items()
        if what.startswith(SECONDS)
    )


BOARD = BoardPart(
    members,
    origins,
    applications.any_simulated,
    measure,
    Followed("applications", APPLICATIONS_BOARD, figures, histograms=histograms),
)

"""Applications in figures: what became of them, how fast, what was saved, and how departments are.

Everything here comes from read models by the city's day.
"""

from collections.abc import Sequence
from datetime import date
from typing import Any

from aiohttp import web
from pydantic import BaseModel, Field

from citybrain.city_day import city_day
from citybrain.definitions.applications.catalogue import Catalogue
from citybrain.domain.actor import Role
from citybrain.http.paging import DatedQuery, wait_for_position
from citybrain.http.routing import Answer, Call, Route, json_response
from projections.applications import application_days, refusal_days, source_days

OFFICE = (Role.OFFICIAL, Role.OPERATOR, Role.AUDITOR)
NOT_ANSWERS = ("requested", "attempts", "hedged")
CODE = r"^[a-z][a-z0-9_-]{0,63}$"


class StatisticsQuery(DatedQuery):
    """Which days, of which service."""

    service: str | None = Field(None, pattern=CODE)


class SourcesQuery(DatedQuery):
    """Which days, of which department."""

    department: str | None = Field(None, pattern=CODE)


class Seconds(BaseModel):
    """A distribution in seconds; percentiles are the ends of buckets 9 % wide."""

    count: int
    p50: float | None
    p90: float | None
    p99: float | None
    longest: float | None
    histogram: list[tuple[float, int]] = Field(description="(seconds at most, how many)")


class Saving(BaseModel):
    """What it took before, what it takes now, for those that ended well."""

    before: int
    now: int
    saved: int
    saved_share: float | None = Field(description="saved / before")


class ApplicationDay(BaseModel):
    """What became of the applications of a day."""

    day: date
    service: str
    counts: dict[str, int]


class ApplicationStatistics(BaseModel):
    """Applications by the city's day of submission, and in all."""

    days: list[ApplicationDay]
    totals: dict[str, int]
    seconds_to_money: Seconds
    savings: dict[str, Saving] = Field(description="materials, steps, trips")
    automatic_share: float | None = Field(description="decided by rules alone / decided")
    online_share: float | None = Field(description="never at a counter / finished")
    online_availability: float | None = Field(description="items on web or app / items in force")


class SourceDay(BaseModel):
    """A department's day."""

    day: date
    department: str
    counts: dict[str, int] = Field(
        description="requested, collected, attempts, hedged, each failure"
    )
    availability: float | None = Field(description="collected / collected or failed")
    seconds: Seconds


class SourceDays(BaseModel):
    """Departments by day."""

    days: list[SourceDay]


class RefusalRow(BaseModel):
    """How often a reason refused."""

    day: date
    service: str
    by: str = Field(description="rules, officer or claim")
    reason: str
    count: int


class Refusals(BaseModel):
    """Refusals by day, service and reason."""

    refusals: list[RefusalRow]


async def statistics(call: Call) -> web.Response:
    """What became of applications, how fast, and what was saved."""
    query: StatisticsQuery = call.query
    today = city_day(call.runtime.services.clock())
    since, until = query.days(today)
    await wait_for_position(call.runtime, "application_days", query.min_position)
    pool = call.runtime.store.pool
    asked: dict[str, Any] = {"since": since, "until": until, "service": query.service}
    days = await application_days.days(pool, **asked)
    seconds = await application_days.seconds_to_money(pool, **asked)
    totals: dict[str, int] = {}
    for day in days:
        for what, count in day["counts"].items():
            totals[what] = totals.get(what, 0) + count
    items = call.runtime.services.definitions.of(Catalogue).on(today)
    online = [item for item in items if {"web", "app"} & set(item.channels)]
    answer = ApplicationStatistics(
        days=[ApplicationDay(**day) for day in days],
        totals=totals,
        seconds_to_money=_distribution(seconds),
        savings={what: _saving(totals, what) for what in ("materials", "steps", "trips")},
        automatic_share=_share(totals.get("automatic", 0), totals.get("decided", 0)),
        online_share=_share(totals.get("online", 0), totals.get("finished", 0)),
        online_availability=_share(len(online), len(items)),
    )
    return json_response(answer)


async def sources(call: Call) -> web.Response:
    """Departments: availability and latency."""
    query: SourcesQuery = call.query
    since, until = query.days(city_day(call.runtime.services.clock()))
    await wait_for_position(call.runtime, "source_days", query.min_position)
    rows = await source_days.days(
        call.runtime.store.pool, since=since, until=until, department=query.department
    )
    return json_response(SourceDays(days=[_source_day(row) for row in rows]))


async def refusals(call: Call) -> web.Response:
    """Refusals by reason."""
    query: StatisticsQuery = call.query
    since, until = query.days(city_day(call.runtime.services.clock()))
    await wait_for_position(call.runtime, "refusal_days", query.min_position)
    rows = await refusal_days.days(
        call.runtime.store.pool, since=since, until=until, service=query.service
    )
    return json_response(Refusals(refusals=[RefusalRow(**row) for row in rows]))


def _distribution(histogram: Sequence[tuple[float, int]]) -> Seconds:
    return Seconds(
        count=sum(count for _, count in histogram),
        p50=_percentile(histogram, 50),
        p90=_percentile(histogram, 90),
        p99=_percentile(histogram, 99),
        longest=_percentile(histogram, 100),
        histogram=list(histogram),
    )


def _percentile(histogram: Sequence[tuple[float, int]], percent: float) -> float | None:
    """The end of the bucket in which the nearest rank lies."""
    wanted, seen = percent / 100 * sum(count for _, count in histogram), 0
    for seconds, count in histogram:
        seen += count
        if seen >= wanted:
            return round(seconds, 3)
    return None


def _saving(totals: dict[str, int], what: str) -> Saving:
    before, now = totals.get(f"{what}_before", 0), totals.get(f"{what}_now", 0)
    saved = before - now
    return Saving(before=before, now=now, saved=saved, saved_share=_share(saved, before))


def _share(part: int, whole: int) -> float | None:
    return round(part / whole, 4) if whole else None


def _source_day(row: dict[str, Any]) -> SourceDay:
    counts: dict[str, int] = row["counts"]
    answered = sum(count for what, count in counts.items() if what not in NOT_ANSWERS)
    return SourceDay(
        day=row["day"],
        department=row["department"],
        counts=counts,
        availability=_share(counts.get("collected", 0), answered),
        seconds=_distribution(row["seconds"]),
    )


ROUTES = (
    Route(
        method="GET",
        path="/v1/statistics/applications",
        tag="statistics",
        handler=statistics,
        summary="What became of applications, how fast, and what was saved",
        roles=OFFICE,
        query=StatisticsQuery,
        answers={200: Answer("the figures", ApplicationStatistics)},
    ),
    Route(
        method="GET",
        path="/v1/statistics/sources",
        tag="statistics",
        handler=sources,
        summary="Departments: availability and latency",
        roles=OFFICE,
        query=SourcesQuery,
        answers={200: Answer("by day", SourceDays)},
    ),
    Route(
        method="GET",
        path="/v1/statistics/refusals",
        tag="statistics",
        handler=refusals,
        summary="Refusals by reason",
        roles=OFFICE,
        query=StatisticsQuery,
        answers={200: Answer("by day", Refusals)},
    ),
)

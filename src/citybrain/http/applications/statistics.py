"""Applications in figures: what became of them, how fast, what was saved, and how departments are.

Everything here comes from read models by the city's day.
"""

from typing import Any

from aiohttp import web
from pydantic import BaseModel, Field

from citybrain.city_day import city_day
from citybrain.definitions.applications.catalogue import Catalogue
from citybrain.definitions.yaml_file import Code
from citybrain.domain.applications.reading_rights import (
    STATISTICS,
    department_listed,
    service_counted,
)
from citybrain.http.paging import DatedQuery, wait_for_position
from citybrain.http.routing import Answer, Call, Route, json_response
from projections.applications import application_days, refusal_days, source_days, waits
from projections.applications.application_days import ApplicationDay
from projections.applications.figures import Seconds, distribution, share
from projections.applications.refusal_days import RefusalRow
from projections.applications.source_days import SourceDay
from projections.applications.waits import WaitingCounts


class StatisticsQuery(DatedQuery):
    """Which days, of which service."""

    service: Code | None = None


class SourcesQuery(DatedQuery):
    """Which days, of which department."""

    department: Code | None = None


class Saving(BaseModel):
    """What it took before, what it takes now, for those that ended well."""

    before: int
    now: int
    saved: int
    saved_share: float | None = Field(description="saved / before")


class ApplicationStatistics(BaseModel):
    """Applications by the city's day of submission, and in all."""

    days: list[ApplicationDay]
    totals: dict[str, int]
    seconds_to_money: Seconds
    now: WaitingCounts = Field(description="those that have not ended, of all days")
    savings: dict[str, Saving] = Field(description="materials, steps, trips")
    automatic_share: float | None = Field(description="decided by rules alone / decided")
    online_share: float | None = Field(description="never at a counter / finished")
    online_availability: float | None = Field(description="items on web or app / items in force")


class SourceDays(BaseModel):
    """Departments by day."""

    days: list[SourceDay]


class Refusals(BaseModel):
    """Refusals by day, service and reason."""

    refusals: list[RefusalRow]


async def statistics(call: Call) -> web.Response:
    """What became of applications, how fast, and what was saved."""
    query: StatisticsQuery = call.query
    now = call.runtime.services.clock()
    today = city_day(now)
    since, until = query.days(today)
    await wait_for_position(call.runtime, "application_days", query.min_position)
    await wait_for_position(call.runtime, "applications", query.min_position)
    pool = call.runtime.store.models
    service = _service(call, query.service)
    asked: dict[str, Any] = {"since": since, "until": until, "service": service}
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
        seconds_to_money=distribution(seconds),
        now=await waits.counts(pool, now=now, today=today, service=service),
        savings={what: _saving(totals, what) for what in ("materials", "steps", "trips")},
        automatic_share=share(totals.get("automatic", 0), totals.get("decided", 0)),
        online_share=share(totals.get("online", 0), totals.get("finished", 0)),
        online_availability=share(len(online), len(items)),
    )
    return json_response(answer)


async def sources(call: Call) -> web.Response:
    """Departments: availability and latency."""
    query: SourcesQuery = call.query
    department = department_listed(call.authenticated, query.department)
    since, until = query.days(city_day(call.runtime.services.clock()))
    await wait_for_position(call.runtime, "source_days", query.min_position)
    rows = await source_days.days(
        call.runtime.store.models, since=since, until=until, department=department
    )
    return json_response(SourceDays(days=[SourceDay(**row) for row in rows]))


async def refusals(call: Call) -> web.Response:
    """Refusals by reason."""
    query: StatisticsQuery = call.query
    service = _service(call, query.service)
    since, until = query.days(city_day(call.runtime.services.clock()))
    await wait_for_position(call.runtime, "refusal_days", query.min_position)
    rows = await refusal_days.days(
        call.runtime.store.models, since=since, until=until, service=service
    )
    return json_response(Refusals(refusals=[RefusalRow(**row) for row in rows]))


def _service(call: Call, asked: str | None) -> str | None:
    """The service that is counted, for whoever may see it."""
    items = call.runtime.services.definitions.of(Catalogue).all_versions()
    department = call.authenticated.department
    return service_counted(
        call.authenticated, asked, {item.code for item in items if item.department == department}
    )


def _saving(totals: dict[str, int], what: str) -> Saving:
    before, now = totals.get(f"{what}_before", 0), totals.get(f"{what}_now", 0)
    saved = before - now
    return Saving(before=before, now=now, saved=saved, saved_share=share(saved, before))


ROUTES = (
    Route(
        method="GET",
        path="/v1/statistics/applications",
        tag="statistics",
        handler=statistics,
        summary="What became of applications, how fast, and what was saved",
        roles=STATISTICS,
        query=StatisticsQuery,
        answers={200: Answer("the figures", ApplicationStatistics)},
    ),
    Route(
        method="GET",
        path="/v1/statistics/sources",
        tag="statistics",
        handler=sources,
        summary="Departments: availability and latency",
        roles=STATISTICS,
        query=SourcesQuery,
        answers={200: Answer("by day", SourceDays)},
    ),
    Route(
        method="GET",
        path="/v1/statistics/refusals",
        tag="statistics",
        handler=refusals,
        summary="Refusals by reason",
        roles=STATISTICS,
        query=StatisticsQuery,
        answers={200: Answer("by day", Refusals)},
    ),
)

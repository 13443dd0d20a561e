"""What parking brings in, for the office and auditors: by day and line of the tariff, JSON or CSV.

Sums of days and lines: nobody is in them.
"""

import csv
from collections.abc import Sequence
from datetime import date, timedelta
from io import StringIO

from aiohttp import web
from pydantic import BaseModel, Field

from citybrain.city_day import city_day
from citybrain.domain.actor import Role
from citybrain.domain.parking.looking import DECIDERS
from citybrain.http.paging import ReadModelQuery, wait_for_position
from citybrain.http.parking.office import of_the_office
from citybrain.http.problems import Malformed
from citybrain.http.routing import Answer, Call, Route, json_response
from commands.fields import Day
from projections.parking import revenue
from projections.parking.revenue import RevenueRow, RevenueSums

MODEL = "parking_revenue"
CSV, JSON = "text/csv", ("application/json", "application/*", "*/*")
COLUMNS = ("day", "version", "tariff_zone", "rule", "kind", "stays", *RevenueSums.model_fields)
DAYS, MOST_DAYS = 30, 366


class Revenue(BaseModel):
    """The lines of some days of the city, and what they come to."""

    begins: date
    ends: date = Field(description="included")
    rows: list[RevenueRow]
    total: RevenueSums


class RevenueQuery(ReadModelQuery):
    """Which days of the city, both included; the last 31 where left out."""

    begins: Day | None = Field(None, alias="from")
    ends: Day | None = Field(None, alias="to")

    def days(self, today: date) -> tuple[date, date]:
        """First and last day; raises `Malformed`."""
        ends = self.ends or today
        begins = self.begins or ends - timedelta(days=DAYS)
        if begins > ends or (ends - begins).days >= MOST_DAYS:
            raise Malformed(f"from lies before to, at most {MOST_DAYS} days")
        return begins, ends


async def show(call: Call) -> web.Response:
    """The lines of some days, as CSV where that is asked for."""
    of_the_office(call)
    query: RevenueQuery = call.query
    begins, ends = query.days(city_day(call.runtime.services.clock()))
    await wait_for_position(call.runtime, MODEL, query.min_position)
    rows = await revenue.rows(call.runtime.store.models, begins, ends)
    if _wants_csv(call.request.headers.get("Accept", "")):
        return _csv(rows)
    total = revenue.summed(rows)
    answer = json_response(Revenue(begins=begins, ends=ends, rows=rows, total=total))
    answer.headers["Vary"] = "Accept"
    return answer


def _wants_csv(accept: str) -> bool:
    """Whether CSV is the first that is named of what there is."""
    named = (each.partition(";")[0].strip() for each in accept.split(","))
    return next((each for each in named if each in (CSV, *JSON)), None) == CSV


def _csv(rows: Sequence[RevenueRow]) -> web.Response:
    """RFC 4180: a header, a row a line; what is null is an empty cell."""
    text = StringIO()
    table = csv.DictWriter(text, COLUMNS)
    table.writeheader()
    table.writerows(row.model_dump() for row in rows)
    headers = {"Vary": "Accept"}
    return web.Response(text=text.getvalue(), content_type=CSV, charset="utf-8", headers=headers)


ROUTES = (
    Route(
        method="GET",
        path="/v1/parking/revenue",
        tag="parking",
        summary="What parking brings in by day and line of the tariff; CSV where `Accept` says so",
        handler=show,
        roles=(*DECIDERS, Role.AUDITOR),
        query=RevenueQuery,
        answers={200: Answer("the lines", Revenue)},
    ),
)

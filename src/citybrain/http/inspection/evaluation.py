"""What the management centre is judged by, over HTTP: counts, rates, where problems are.

Rates after the evaluation of GB/T 30428; null where nothing was counted that they are of.
"""

from datetime import date
from typing import Annotated, Any, Literal

import orjson
from aiohttp import web
from pydantic import BaseModel, Field, StringConstraints

from citybrain.city_day import city_day
from citybrain.definitions.inspection.cases import cases_at
from citybrain.domain.inspection import reading_rights as rights
from citybrain.errors import NotFound
from citybrain.geo.gcj02 import Crs, from_wgs84
from citybrain.http.inspection.deadlines import District
from citybrain.http.paging import CrsQuery, DatedQuery, wait_for_position
from citybrain.http.problems import Malformed
from citybrain.http.routing import Answer, Call, Route, json_response
from commands.fields import Code
from projections.inspection import case_days, evaluation_days, heat_grid
from projections.inspection import case_desk_questions as desk
from projections.inspection.case_days import DayRow
from projections.inspection.case_desk_questions import DeadlineCount
from projections.inspection.heat_grid import SQUARES_A_DEGREE, square_of

GEOJSON = "application/geo+json"
MOST_SQUARES = 5000
BOX = r"^-?\d{1,3}(\.\d{1,9})?(,-?\d{1,3}(\.\d{1,9})?){3}$"
By = Literal["area", "department", "class", "day", "month"]


class NoSuchDepartment(NotFound):
    """No department of this code is defined."""

    code = "department-not-found"


class Days(BaseModel):
    """Statistics by city day and class."""

    days: list[DayRow]


class DaysQuery(DatedQuery):
    """Which days, of which class."""

    class_code: str | None = Field(
        None, alias="class", max_length=64, pattern=r"^[a-z][a-z0-9_-]*$"
    )


class HeatQuery(DatedQuery, CrsQuery):
    """Which days and squares."""

    class_code: Code | None = Field(None, alias="class")
    bbox: Annotated[str, StringConstraints(max_length=60, pattern=BOX)] | None = Field(
        None, description="west,south,east,north in WGS-84 degrees"
    )


class Rates(BaseModel):
    """Rates from 0 to 1, and mean times."""

    filed: float | None = Field(description="立案率: filed / reported")
    correctly_dispatched: float | None = Field(description="正確派遣率: not handed back")
    handled_in_time: float | None = Field(description="按期處置率: of those with a deadline")
    closed_in_time: float | None = Field(description="按時結案率: of those with a deadline")
    rework: float | None = Field(description="返工率: (returned + reopened) / handled")
    mean_seconds_to_handled: float | None = Field(description="from the report, first handling")
    mean_seconds_to_closed: float | None
    mean_stars: float | None = Field(description="of five, by the reporters who said")


class EvaluationRow(BaseModel):
    """What happened, and the rates made of it."""

    key: str = Field(description="of what; empty where there is none")
    counts: dict[str, int]
    rates: Rates


class Evaluation(BaseModel):
    """All rows, and all of them together."""

    by: By
    since: date
    until: date
    rows: list[EvaluationRow]
    total: EvaluationRow


class EvaluationQuery(DatedQuery):
    """Which days, of what, by what."""

    by: By = "department"
    department: Code | None = None
    class_code: Code | None = Field(None, alias="class")
    district: District | None = None


class ScoreCard(BaseModel):
    """A department: its rates, day by day and together, and what it has to do now."""

    department: str
    since: date
    until: date
    total: EvaluationRow
    days: list[EvaluationRow]
    classes: list[EvaluationRow]
    deadlines: DeadlineCount | None


async def heat(call: Call) -> web.Response:
    """Squares with how many problems were reported in them, as GeoJSON."""
    query: HeatQuery = call.query
    since, until = query.days(city_day(call.runtime.services.clock()))
    await wait_for_position(call.runtime, "heat_grid", query.min_position)
    rows = await heat_grid.squares(
        call.runtime.store.models,
        since=since,
        until=until,
        class_code=query.class_code,
        squares=_squares(query.bbox),
        limit=MOST_SQUARES,
    )
    body = {
        "type": "FeatureCollection",
        "square_degrees": 1 / SQUARES_A_DEGREE,
        "since": since,
        "until": until,
        "crs_name": query.crs.value,
        "features": [_square(row, query.crs) for row in rows],
    }
    return web.Response(body=orjson.dumps(body), content_type=GEOJSON)


def _squares(bbox: str | None) -> tuple[int, int, int, int]:
    """South, north, west, east as squares; the whole world where nothing is said."""
    west, south, east, north = map(float, (bbox or "-180,-90,180,90").split(","))
    if not (-180 <= west <= east <= 180 and -90 <= south <= north <= 90):
        raise Malformed("bbox is west,south,east,north in degrees")
    return square_of(south), square_of(north), square_of(west), square_of(east)


def _square(row: dict[str, Any], crs: Crs) -> dict[str, Any]:
    corners = [(0, 0), (0, 1), (1, 1), (1, 0), (0, 0)]
    ring = [
        from_wgs84(
            (row["north"] + north) / SQUARES_A_DEGREE, (row["east"] + east) / SQUARES_A_DEGREE, crs
        )[::-1]
        for north, east in corners
    ]
    return {
        "type": "Feature",
        "properties": {"reported": row["reported"]},
        "geometry": {"type": "Polygon", "coordinates": [ring]},
    }


async def days(call: Call) -> web.Response:
    """Counts and times by day."""
    query: DaysQuery = call.query
    since, until = query.days(city_day(call.runtime.services.clock()))
    await wait_for_position(call.runtime, "case_days", query.min_position)
    rows = await case_days.days(
        call.runtime.store.models, since=since, until=until, class_code=query.class_code
    )
    return json_response(Days(days=[DayRow(**row) for row in rows]))


async def evaluation(call: Call) -> web.Response:
    """Counts and rates."""
    query: EvaluationQuery = call.query
    since, until = query.days(city_day(call.runtime.services.clock()))
    await wait_for_position(call.runtime, "evaluation_days", query.min_position)
    found = await evaluation_days.counts(
        call.runtime.store.models,
        by=query.by,
        since=since,
        until=until,
        department=query.department,
        class_code=query.class_code,
        district=query.district,
    )
    rows = _rows(found)
    return json_response(
        Evaluation(by=query.by, since=since, until=until, rows=rows, total=_total(rows))
    )


async def score_card(call: Call) -> web.Response:
    """One department."""
    query: DatedQuery = call.query
    definitions = cases_at(call.runtime.services.definitions, call.runtime.services.clock())
    department = call.request.match_info["department"]
    if department not in definitions.departments:
        raise NoSuchDepartment("there is no such department")
    since, until = query.days(city_day(call.runtime.services.clock()))
    for model in ("evaluation_days", "case_desk"):
        await wait_for_position(call.runtime, model, query.min_position)
    pool = call.runtime.store.models
    span: dict[str, Any] = {"since": since, "until": until, "department": department}
    days = _rows(await evaluation_days.counts(pool, by="day", **span))
    classes = _rows(await evaluation_days.counts(pool, by="class", **span))
    counts = await desk.deadline_counts(pool, call.runtime.services.clock())
    own = [DeadlineCount(**count) for count in counts if count["responsible"] == department]
    return json_response(
        ScoreCard(
            **span,
            total=_total(days),
            days=days,
            classes=classes,
            deadlines=own[0] if own else None,
        )
    )


def _rows(found: dict[str, dict[str, int]]) -> list[EvaluationRow]:
    return [
        EvaluationRow(key=key, counts=_shown(counts), rates=rates(counts))
        for key, counts in found.items()
    ]


def _total(rows: list[EvaluationRow]) -> EvaluationRow:
    totals: dict[str, int] = {}
    for row in rows:
        for what, count in row.counts.items():
            totals[what] = totals.get(what, 0) + count
    return EvaluationRow(key="", counts=totals, rates=rates(totals))


def _shown(counts: dict[str, int]) -> dict[str, int]:
    return dict(sorted(counts.items()))


def rates(counts: dict[str, int]) -> Rates:
    """The rates of DOMAIN's evaluation, from counts."""

    def of(what: str) -> int:
        return counts.get(what, 0)

    in_time, late = of("handled_in_time"), of("handled_late")
    ended_in_time, ended_late = of("closed_in_time"), of("closed_late")
    return Rates(
        filed=_share(of("filed"), of("reported")),
        correctly_dispatched=_share(of("dispatched") - of("handed_back"), of("dispatched")),
        handled_in_time=_share(in_time, in_time + late),
        closed_in_time=_share(ended_in_time, ended_in_time + ended_late),
        rework=_share(of("returned") + of("reopened"), of("handled")),
        mean_seconds_to_handled=_mean(of("ms_to_handled"), of("first_handled")),
        mean_seconds_to_closed=_mean(of("ms_to_closed"), of("first_closed")),
        mean_stars=_share(of("stars"), of("rated")),
    )


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None


def _mean(milliseconds: int, count: int) -> float | None:
    return milliseconds / count / 1000 if count else None


ROUTES = (
    Route(
        method="GET",
        path="/v1/statistics/days",
        summary="Counts and mean times by city day",
        tag="statistics",
        handler=days,
        roles=rights.STATISTICS,
        query=DaysQuery,
        answers={200: Answer("the days", Days)},
    ),
    Route(
        method="GET",
        path="/v1/statistics/heat",
        summary="Reports by square, as GeoJSON",
        tag="statistics",
        handler=heat,
        roles=rights.STATISTICS,
        query=HeatQuery,
        answers={200: Answer(f"a FeatureCollection of {MOST_SQUARES} squares at most")},
    ),
    Route(
        method="GET",
        path="/v1/statistics/evaluation",
        summary="Counts and rates of the centre",
        tag="statistics",
        handler=evaluation,
        roles=rights.STATISTICS,
        query=EvaluationQuery,
        answers={200: Answer("the rows", Evaluation)},
    ),
    Route(
        method="GET",
        path="/v1/statistics/departments/{department}",
        tag="statistics",
        summary="The score card of a department",
        handler=score_card,
        roles=rights.SCORE_CARDS,
        query=DatedQuery,
        answers={200: Answer("the card", ScoreCard)},
    ),
)

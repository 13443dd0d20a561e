"""Street problems on the live board: where they are, how far, what is late."""

from collections.abc import Mapping, Sequence
from typing import Any

from citybrain.city_day import city_day
from citybrain.http.board import BoardPart, Figures, Followed, Origin
from citybrain.http.inspection.evaluation import rates
from citybrain.http.runtime import Runtime
from projections.board_reading import Reading
from projections.inspection import case_desk_questions as desk
from projections.inspection import case_timeline, evaluation_days, heat_grid
from projections.inspection.board import DEADLINE, INSPECTION_BOARD
from projections.inspection.heat_grid import SQUARES_A_DEGREE
from projections.reading import Pool

COUNTED = ("reported", "detections", "handled", "closed", "returned", "reopened")
SQUARES = 1500
WORLD = (
    -90 * SQUARES_A_DEGREE,
    90 * SQUARES_A_DEGREE,
    -180 * SQUARES_A_DEGREE,
    180 * SQUARES_A_DEGREE,
)


async def members(runtime: Runtime) -> dict[str, Any]:
    """What is open, and the city's day of street problems."""
    pool, now = runtime.store.models, runtime.services.clock()
    day = city_day(now)
    days = await evaluation_days.counts(pool, by="day", since=day, until=day)
    whole = days.get(str(day), {})
    deadlines = await desk.deadline_counts(pool, now)
    squares = await heat_grid.squares(
        pool, since=day, until=day, class_code=None, squares=WORLD, limit=SQUARES
    )
    open_counts = await desk.open_counts(pool)
    today = {
        "day": day,
        "counts": {what: whole.get(what, 0) for what in COUNTED},
        "rates": rates(whole).model_dump(),
        "overdue": sum(row["overdue"] for row in deadlines),
        "within_1_hour": sum(row["within_1_hour"] for row in deadlines),
        "squares_a_degree": SQUARES_A_DEGREE,
        "squares": [[row["north"], row["east"], row["reported"]] for row in squares],
    }
    return {
        "open": open_counts,
        "open_total": sum(row["open"] for row in open_counts),
        "cases": today,
    }


async def origins(pool: Pool, stream_ids: Sequence[str]) -> Mapping[str, Origin]:
    """Of which class a case is."""
    rows = await case_timeline.classes_of(pool, stream_ids)
    return {row["case_id"]: Origin(row["class_code"], row["simulated"]) for row in rows}


def figures(at: Reading) -> Figures:
    """What is open and late, and the day until then."""
    deadlines, of_day = at.due_of(DEADLINE), rates(at.counted)
    return {
        "open": at.standing.get("open", 0),
        "deferred": at.standing.get("deferred", 0),
        "overdue": deadlines.past,
        "within_1_hour": deadlines.soon,
        **{what: at.counted.get(what, 0) for what in COUNTED},
        "handled_in_time_share": of_day.handled_in_time,
        "rework_share": of_day.rework,
    }


BOARD = BoardPart(
    members,
    origins,
    desk.any_simulated,
    followed=Followed("inspection", INSPECTION_BOARD, figures, kinds=(DEADLINE,)),
)

"""Where problems are reported: cases by city day, class and square of 0.005 degrees.

A report that waits for its place is in no square before it has one; then it counts on its own day.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date
from math import floor
from typing import Any

import asyncpg

from citybrain.city_day import city_day
from citybrain.columns import counted
from citybrain.domain.inspection.case_events import CaseReported
from citybrain.domain.inspection.daily_events import CaseRelocated
from citybrain.eventstore import RecordedEvent
from projections.projection import Order
from projections.reading import Pool, Row, fetch_planned

SQUARES_A_DEGREE = 200

TABLES = """
CREATE TABLE squares (
    day        date NOT NULL,
    class_code text COLLATE "C" NOT NULL,
    north      integer NOT NULL,
    east       integer NOT NULL,
    reported   bigint NOT NULL,
    PRIMARY KEY (day, class_code, north, east)
);
CREATE TABLE waiting (
    case_id    text COLLATE "C" PRIMARY KEY,
    day        date NOT NULL,
    class_code text COLLATE "C" NOT NULL
);
CREATE INDEX ON squares (class_code, day) INCLUDE (north, east, reported);
"""
ADD = """
INSERT INTO squares AS s (day, class_code, north, east, reported)
SELECT * FROM unnest($1::text::date[], $2::text::text[], $3::text::int[], $4::text::int[],
                     $5::text::bigint[])
ON CONFLICT (day, class_code, north, east) DO UPDATE SET reported = s.reported + excluded.reported
"""
WAIT = """
INSERT INTO waiting (case_id, day, class_code)
SELECT * FROM unnest($1::text[], $2::date[], $3::text[])
"""
FOUND = "DELETE FROM waiting WHERE case_id = ANY($1) RETURNING case_id, day, class_code"


class HeatGrid:
    """The read model `heat_grid`."""

    name = "heat_grid"
    version = 3
    order = Order.STREAM
    topics = frozenset({CaseReported.TOPIC, CaseRelocated.TOPIC})
    tables = TABLES

    async def apply(
        self, connection: "asyncpg.Connection[Any]", events: Sequence[RecordedEvent]
    ) -> None:
        """Add the batch's reports to their squares."""
        counts: Counter[tuple[date, str, int, int]] = Counter()
        waiting: dict[str, tuple[date, str]] = {}
        moved: dict[str, tuple[int, int]] = {}
        for event in events:
            data = event.data
            if event.topic == CaseRelocated.TOPIC:
                moved.setdefault(event.stream_id, _square(data))
                continue
            reported = city_day(data["occurred_at"]), data["class_code"]
            if data["latitude"] is None:
                waiting[event.stream_id] = reported
            else:
                counts[*reported, *_square(data)] += 1
        if waiting:
            rows = [(case_id, *reported) for case_id, reported in waiting.items()]
            await connection.execute(WAIT, *zip(*rows, strict=True))
        if moved:
            for row in await connection.fetch(FOUND, list(moved)):
                counts[row["day"], row["class_code"], *moved[row["case_id"]]] += 1
        if counts:
            await connection.execute(ADD, *counted(counts))


def _square(data: Mapping[str, Any]) -> tuple[int, int]:
    return square_of(data["latitude"]), square_of(data["longitude"])


def square_of(degrees: float) -> int:
    """The number of the square, along one axis."""
    return floor(degrees * SQUARES_A_DEGREE)


SQUARES = """
SELECT north, east, sum(reported)::bigint AS reported FROM heat_grid.squares
WHERE day BETWEEN $1 AND $2 AND ($3::text IS NULL OR class_code = $3)
  AND north BETWEEN $4 AND $5 AND east BETWEEN $6 AND $7
GROUP BY 1, 2 ORDER BY 3 DESC, 1, 2 LIMIT $8
"""


async def squares(
    pool: Pool,
    *,
    since: date,
    until: date,
    class_code: str | None,
    squares: tuple[int, int, int, int],
    limit: int,
) -> list[Row]:
    """Reports by square, the most first. `squares`: south, north, west, east, all included."""
    return await fetch_planned(pool, SQUARES, since, until, class_code, *squares, limit)

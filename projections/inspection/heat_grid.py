"""Where problems are reported: cases by city day, class and square of 0.005 degrees."""

from collections import Counter
from collections.abc import Sequence
from datetime import date
from math import floor
from typing import Any

import asyncpg

from citybrain.city_day import city_day
from citybrain.columns import counted
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
CREATE INDEX ON squares (class_code, day) INCLUDE (north, east, reported);
"""
ADD = """
INSERT INTO squares AS s (day, class_code, north, east, reported)
SELECT * FROM unnest($1::date[], $2::text[], $3::int[], $4::int[], $5::bigint[])
ON CONFLICT (day, class_code, north, east) DO UPDATE SET reported = s.reported + excluded.reported
"""


class HeatGrid:
    """The read model `heat_grid`."""

    name = "heat_grid"
    version = 2
    order = Order.STREAM
    topics = frozenset({"case.reported"})
    tables = TABLES

    async def apply(
        self, connection: "asyncpg.Connection[Any]", events: Sequence[RecordedEvent]
    ) -> None:
        """Add the batch's reports to their squares."""
        counts: Counter[tuple[date, str, int, int]] = Counter()
        for event in events:
            data = event.data
            counts[
                city_day(data["occurred_at"]),
                data["class_code"],
                square_of(data["latitude"]),
                square_of(data["longitude"]),
            ] += 1
        await connection.execute(ADD, *counted(counts))


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

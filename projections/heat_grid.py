"""Where problems are reported: cases by city day, class and square of 0.005 degrees."""

from collections import Counter
from collections.abc import Sequence
from datetime import date
from math import floor
from typing import Any

import asyncpg

from citybrain.eventstore import RecordedEvent
from projections.case_days import CITY_ZONE

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
                data["occurred_at"].astimezone(CITY_ZONE).date(),
                data["class_code"],
                square_of(data["latitude"]),
                square_of(data["longitude"]),
            ] += 1
        rows = [(*key, count) for key, count in counts.items()]
        await connection.execute(ADD, *map(list, zip(*rows, strict=True)))


def square_of(degrees: float) -> int:
    """The number of the square, along one axis."""
    return floor(degrees * SQUARES_A_DEGREE)

"""Cases by city day and class: counts of each step, and how long handling and closing took.

A day is one of the city, by when a step happened (`occurred_at`). A mean time counts on
the day of its end; the first handling counts, rework does not reset it.
"""

from collections import defaultdict
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any

import asyncpg
from pydantic import BaseModel, Field

from citybrain.city_day import city_day
from citybrain.columns import array, arrays
from citybrain.eventstore import RecordedEvent
from projections.projection import Order
from projections.reading import Pool, Row, fetch

MILLISECOND = timedelta(milliseconds=1)  # whole numbers add up alike in any order

TABLES = """
CREATE TABLE days (
    day             date NOT NULL,
    class_code      text COLLATE "C" NOT NULL,
    reported        bigint NOT NULL DEFAULT 0,
    filed           bigint NOT NULL DEFAULT 0,
    dispatched      bigint NOT NULL DEFAULT 0,
    handled         bigint NOT NULL DEFAULT 0,
    returned        bigint NOT NULL DEFAULT 0,
    closed          bigint NOT NULL DEFAULT 0,
    reopened        bigint NOT NULL DEFAULT 0,
    first_handled   bigint NOT NULL DEFAULT 0,
    ms_to_handled   bigint NOT NULL DEFAULT 0,
    ms_to_closed    bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (day, class_code)
);
CREATE TABLE cases (
    case_id     text COLLATE "C" PRIMARY KEY,
    class_code  text COLLATE "C" NOT NULL,
    reported_at timestamptz NOT NULL,
    handled     boolean NOT NULL DEFAULT false
);
"""

KNOWN = """
SELECT case_id, class_code, reported_at, handled FROM cases WHERE case_id = ANY($1::text::text[])
"""

SAVE_CASES = """
INSERT INTO cases (case_id, class_code, reported_at, handled)
SELECT * FROM unnest($1::text::text[], $2::text::text[], $3::text::timestamptz[],
                     $4::text::boolean[])
ON CONFLICT (case_id) DO UPDATE
SET class_code = excluded.class_code, handled = excluded.handled
"""

ADD = """
INSERT INTO days AS d (day, class_code, reported, filed, dispatched, handled, returned, closed,
                       reopened, first_handled, ms_to_handled, ms_to_closed)
SELECT * FROM unnest($1::text::date[], $2::text::text[], $3::text::bigint[], $4::text::bigint[],
                     $5::text::bigint[], $6::text::bigint[], $7::text::bigint[],
                     $8::text::bigint[], $9::text::bigint[], $10::text::bigint[],
                     $11::text::bigint[], $12::text::bigint[])
ON CONFLICT (day, class_code) DO UPDATE SET
    reported = d.reported + excluded.reported,
    filed = d.filed + excluded.filed,
    dispatched = d.dispatched + excluded.dispatched,
    handled = d.handled + excluded.handled,
    returned = d.returned + excluded.returned,
    closed = d.closed + excluded.closed,
    reopened = d.reopened + excluded.reopened,
    first_handled = d.first_handled + excluded.first_handled,
    ms_to_handled = d.ms_to_handled + excluded.ms_to_handled,
    ms_to_closed = d.ms_to_closed + excluded.ms_to_closed
"""

COUNTED = ("reported", "filed", "dispatched", "handled", "returned", "closed", "reopened")
SUMS = (*COUNTED, "first_handled", "ms_to_handled", "ms_to_closed")


class CaseDays:
    """The read model `case_days`."""

    name = "case_days"
    version = 2
    order = Order.STREAM
    topics = frozenset(f"case.{step}" for step in (*COUNTED, "reclassified"))
    tables = TABLES

    async def apply(
        self, connection: "asyncpg.Connection[Any]", events: Sequence[RecordedEvent]
    ) -> None:
        """Add the batch's sums to their days."""
        cases = await self._cases(connection, events)
        touched: set[str] = set()
        sums: dict[tuple[date, str], dict[str, int]] = defaultdict(lambda: dict.fromkeys(SUMS, 0))
        for event in events:
            step = event.topic.removeprefix("case.")
            at: datetime = event.data["occurred_at"]
            if step == "reported":
                cases[event.stream_id] = [event.data["class_code"], at, False]
                touched.add(event.stream_id)
            if step == "reclassified":
                cases[event.stream_id][0] = event.data["class_code"]
                touched.add(event.stream_id)
                continue
            class_code, reported_at, handled = case = cases[event.stream_id]
            row = sums[city_day(at), class_code]
            row[step] += 1
            if step == "handled" and not handled:
                case[2] = True
                touched.add(event.stream_id)
                row["first_handled"] += 1
                row["ms_to_handled"] += (at - reported_at) // MILLISECOND
            elif step == "closed":
                row["ms_to_closed"] += (at - reported_at) // MILLISECOND
        rows = [(case_id, *cases[case_id]) for case_id in touched]
        if rows:
            await connection.execute(SAVE_CASES, *arrays(rows))
        days = [(*key, *(row[name] for name in SUMS)) for key, row in sums.items()]
        if days:
            await connection.execute(ADD, *arrays(days))

    async def _cases(
        self, connection: "asyncpg.Connection[Any]", events: Sequence[RecordedEvent]
    ) -> dict[str, list[Any]]:
        rows = await connection.fetch(KNOWN, array({event.stream_id for event in events}))
        return {
            row["case_id"]: [row["class_code"], row["reported_at"], row["handled"]] for row in rows
        }


class DayRow(BaseModel):
    """One city day and class."""

    day: date
    class_code: str
    reported: int
    filed: int
    dispatched: int
    handled: int
    returned: int
    closed: int
    reopened: int
    mean_seconds_to_handled: float | None
    mean_seconds_to_closed: float | None
    rework_rate: float | None = Field(description="(returned + reopened) / handled")


MADE = {  # what is no column of the table
    "mean_seconds_to_handled": (
        "CASE WHEN first_handled > 0 THEN ms_to_handled / first_handled / 1000.0 END"
    ),
    "mean_seconds_to_closed": "CASE WHEN closed > 0 THEN ms_to_closed / closed / 1000.0 END",
    "rework_rate": "CASE WHEN handled > 0 THEN (returned + reopened)::float8 / handled END",
}
DAYS = f"""
SELECT {", ".join(f"{MADE.get(name, name)} AS {name}" for name in DayRow.model_fields)}
FROM case_days.days
WHERE day BETWEEN $1 AND $2 AND ($3::text IS NULL OR class_code = $3)
ORDER BY day, class_code
"""  # noqa: S608


async def days(pool: Pool, *, since: date, until: date, class_code: str | None = None) -> list[Row]:
    """Counts, mean seconds and rates by city day and class, both days included."""
    return await fetch(pool, DAYS, since, until, class_code)

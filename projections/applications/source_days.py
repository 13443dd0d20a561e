"""Departments by city day: how often they were asked, how often and how fast they answered."""

from collections import Counter
from collections.abc import Sequence
from datetime import date
from typing import Any

import asyncpg
import orjson
from pydantic import BaseModel, Field

from citybrain.city_day import city_day
from citybrain.columns import counted
from citybrain.eventstore import RecordedEvent
from projections.applications.figures import Seconds, distribution, share
from projections.buckets import bucket_of, bucket_seconds
from projections.projection import Order
from projections.reading import Pool, Row, fetch

TABLES = """
CREATE TABLE counts (
    day        date NOT NULL,
    department text COLLATE "C" NOT NULL,
    what       text COLLATE "C" NOT NULL,
    count      bigint NOT NULL,
    PRIMARY KEY (day, department, what)
);
CREATE TABLE latencies (
    day        date NOT NULL,
    department text COLLATE "C" NOT NULL,
    bucket     integer NOT NULL,
    count      bigint NOT NULL,
    PRIMARY KEY (day, department, bucket)
);
"""
ADD = """
INSERT INTO counts AS c (day, department, what, count)
SELECT * FROM unnest($1::text::date[], $2::text::text[], $3::text::text[], $4::text::bigint[])
ON CONFLICT (day, department, what) DO UPDATE SET count = c.count + excluded.count
"""
ADD_LATENCIES = """
INSERT INTO latencies AS l (day, department, bucket, count)
SELECT * FROM unnest($1::text::date[], $2::text::text[], $3::text::int[], $4::text::bigint[])
ON CONFLICT (day, department, bucket) DO UPDATE SET count = l.count + excluded.count
"""
REQUESTED = "application.evidence_requested"
COLLECTED, FAILED = "application.evidence_collected", "application.evidence_failed"
NOT_ANSWERS = ("requested", "attempts", "hedged")


class SourceDays:
    """The read model `source_days`."""

    name = "source_days"
    version = 2
    order = Order.STREAM
    topics = frozenset({REQUESTED, COLLECTED, FAILED})
    tables = TABLES

    async def apply(
        self, connection: "asyncpg.Connection[Any]", events: Sequence[RecordedEvent]
    ) -> None:
        """Add the batch's requests, answers and failures to their days."""
        counts: Counter[tuple[date, str, str]] = Counter()
        latencies: Counter[tuple[date, str, int]] = Counter()
        for event in events:
            data = event.data
            day = city_day(data["timestamp"])
            if event.topic == REQUESTED:
                asked = (request["department"] for request in data["requests"])
                counts.update((day, department, "requested") for department in asked)
                continue
            key = day, data["department"]
            counts[*key, "attempts"] += data["attempts"]
            if event.topic == FAILED:
                counts[*key, data["reason"]] += 1
                continue
            counts[*key, "collected"] += 1
            if data["hedged"]:
                counts[*key, "hedged"] += 1
            latencies[*key, bucket_of(data["milliseconds"] / 1000)] += 1
        if counts:
            await connection.execute(ADD, *counted(counts))
        if latencies:
            await connection.execute(ADD_LATENCIES, *counted(latencies))


class SourceDay(BaseModel):
    """A department's day."""

    day: date
    department: str
    counts: dict[str, int] = Field(
        description="requested, collected, attempts, hedged, each failure"
    )
    availability: float | None = Field(description="collected / collected or failed")
    seconds: Seconds


DAYS = """
SELECT day, department, jsonb_object_agg(what, count)::text AS counts
FROM source_days.counts
WHERE day BETWEEN $1 AND $2 AND ($3::text IS NULL OR department = $3)
GROUP BY day, department ORDER BY day, department
"""
LATENCIES = """
SELECT day, department, bucket, count FROM source_days.latencies
WHERE day BETWEEN $1 AND $2 AND ($3::text IS NULL OR department = $3)
ORDER BY day, department, bucket
"""


async def days(pool: Pool, *, since: date, until: date, department: str | None = None) -> list[Row]:
    """Departments by day: counts, availability, and how fast they answered."""
    rows = await fetch(pool, DAYS, since, until, department)
    latencies: dict[tuple[date, str], list[tuple[float, int]]] = {}
    for row in await fetch(pool, LATENCIES, since, until, department):
        found = latencies.setdefault((row["day"], row["department"]), [])
        found.append((bucket_seconds(row["bucket"]), row["count"]))
    return [
        row
        | {
            "counts": (counts := orjson.loads(row["counts"])),
            "availability": _availability(counts),
            "seconds": distribution(latencies.get((row["day"], row["department"]), [])),
        }
        for row in rows
    ]


def _availability(counts: dict[str, int]) -> float | None:
    answered = sum(count for what, count in counts.items() if what not in NOT_ANSWERS)
    return share(counts.get("collected", 0), answered)

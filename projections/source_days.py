"""Departments by city day: how often they were asked, how often and how fast they answered."""

from collections import Counter
from collections.abc import Sequence
from datetime import date
from typing import Any

import asyncpg

from citybrain.eventstore import RecordedEvent
from projections.application_days import bucket_of
from projections.case_days import CITY_ZONE

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
SELECT * FROM unnest($1::date[], $2::text[], $3::text[], $4::bigint[])
ON CONFLICT (day, department, what) DO UPDATE SET count = c.count + excluded.count
"""
ADD_LATENCIES = """
INSERT INTO latencies AS l (day, department, bucket, count)
SELECT * FROM unnest($1::date[], $2::text[], $3::int[], $4::bigint[])
ON CONFLICT (day, department, bucket) DO UPDATE SET count = l.count + excluded.count
"""
REQUESTED = "application.evidence_requested"
COLLECTED, FAILED = "application.evidence_collected", "application.evidence_failed"


class SourceDays:
    """The read model `source_days`."""

    name = "source_days"
    version = 2
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
            day = data["timestamp"].astimezone(CITY_ZONE).date()
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
        for statement, counted in ((ADD, counts), (ADD_LATENCIES, latencies)):
            if counted:
                rows = [(*key, count) for key, count in counted.items()]
                columns = zip(*rows, strict=True)
                await connection.execute(statement, *(list(column) for column in columns))

"""Refusals by city day, service and reason, and by whom: rules, officers, or a lost claim."""

from collections import Counter
from collections.abc import Sequence
from datetime import date
from typing import Any

import asyncpg
from pydantic import BaseModel, Field

from citybrain.city_day import city_day
from citybrain.columns import counted
from citybrain.domain.applications.application_events import DECIDED_BY, verdict_of
from citybrain.domain.applications.statuses import Status
from citybrain.eventstore import RecordedEvent
from projections.projection import Order
from projections.reading import Pool, Row, columns, fetch

TABLES = """
CREATE TABLE services (
    application_id text COLLATE "C" PRIMARY KEY,
    service        text COLLATE "C" NOT NULL
);
CREATE TABLE refusals (
    day     date NOT NULL,
    service text COLLATE "C" NOT NULL,
    by      text COLLATE "C" NOT NULL,
    reason  text COLLATE "C" NOT NULL,
    count   bigint NOT NULL,
    PRIMARY KEY (day, service, by, reason)
);
"""
KNOW = "INSERT INTO services SELECT * FROM unnest($1::text[], $2::text[])"
SERVICES = "SELECT application_id, service FROM services WHERE application_id = ANY($1)"
ADD = """
INSERT INTO refusals AS r (day, service, by, reason, count)
SELECT * FROM unnest($1::text::date[], $2::text::text[], $3::text::text[], $4::text::text[],
                     $5::text::bigint[])
ON CONFLICT (day, service, by, reason) DO UPDATE SET count = r.count + excluded.count
"""
SUBMITTED = "application.submitted"


class RefusalDays:
    """The read model `refusal_days`."""

    name = "refusal_days"
    version = 1
    order = Order.STREAM
    topics = frozenset({SUBMITTED, *DECIDED_BY})
    tables = TABLES

    async def apply(
        self, connection: "asyncpg.Connection[Any]", events: Sequence[RecordedEvent]
    ) -> None:
        """Add the batch's refusals to their days."""
        new = {
            event.stream_id: event.data["service"] for event in events if event.topic == SUBMITTED
        }
        if new:
            await connection.execute(KNOW, list(new), list(new.values()))
        refused = [
            (event, verdict)
            for event in events
            if (verdict := verdict_of(event.topic, event.data))
            and verdict.outcome == Status.REFUSED
        ]
        if not refused:
            return
        rows = await connection.fetch(SERVICES, [event.stream_id for event, _ in refused])
        services = {row["application_id"]: row["service"] for row in rows}
        counts: Counter[tuple[date, str, str, str]] = Counter()
        for event, verdict in refused:
            day = city_day(event.data["timestamp"])
            for reason in verdict.reasons:
                counts[day, services[event.stream_id], verdict.by, reason] += 1
        await connection.execute(ADD, *counted(counts))


class RefusalRow(BaseModel):
    """How often a reason refused."""

    day: date
    service: str
    by: str = Field(description="rules, officer or claim")
    reason: str
    count: int


DAYS = f"""
SELECT {columns(RefusalRow)} FROM refusal_days.refusals
WHERE day BETWEEN $1 AND $2 AND ($3::text IS NULL OR service = $3)
ORDER BY day, service, count DESC, by, reason
"""  # noqa: S608


async def days(pool: Pool, *, since: date, until: date, service: str | None = None) -> list[Row]:
    """Refusals by day, service, who refused, and reason."""
    return await fetch(pool, DAYS, since, until, service)

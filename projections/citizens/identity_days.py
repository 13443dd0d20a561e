"""How people were identified, by city day and purpose: by face, by phone, at a counter, or not.

A day is one of the city, by when it was decided.
"""

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
from projections.projection import Order
from projections.reading import Pool, Row, fetch

TABLES = """
CREATE TABLE outcomes (
    day     date NOT NULL,
    purpose text COLLATE "C" NOT NULL,
    outcome text COLLATE "C" NOT NULL,
    count   bigint NOT NULL,
    PRIMARY KEY (day, purpose, outcome)
);
"""

ADD = """
INSERT INTO outcomes AS o (day, purpose, outcome, count)
SELECT * FROM unnest($1::text::date[], $2::text::text[], $3::text::text[], $4::text::bigint[])
ON CONFLICT (day, purpose, outcome) DO UPDATE SET count = o.count + excluded.count
"""

VERIFIED, FAILED = "citizen.face_verified", "citizen.face_attempt_failed"
CONFIRMED = "citizen.identity_confirmed"
MATCHED, NOT_MATCHED = "face-matched", "face-not-matched"


class IdentityDays:
    """The read model `identity_days`."""

    name = "identity_days"
    version = 1
    order = Order.STREAM
    topics = frozenset({VERIFIED, FAILED, CONFIRMED})
    tables = TABLES

    async def apply(
        self, connection: "asyncpg.Connection[Any]", events: Sequence[RecordedEvent]
    ) -> None:
        """Add the batch's outcomes to their days."""
        counts: Counter[tuple[date, str, str]] = Counter()
        for event in events:
            day = city_day(event.data["timestamp"])
            counts[day, event.data["purpose"], _outcome(event)] += 1
        await connection.execute(ADD, *counted(counts))


def _outcome(event: RecordedEvent) -> str:
    """`face-matched`, `face-not-matched`, why a challenge failed, or the other method."""
    if event.topic == VERIFIED:
        return MATCHED if event.data["matched"] else NOT_MATCHED
    if event.topic == FAILED:
        return f"face-{event.data['reason']}"
    return str(event.data["method"])


class IdentityDay(BaseModel):
    """How people were identified on a city day for a purpose."""

    day: date
    purpose: str
    outcomes: dict[str, int] = Field(
        description="`face-matched`, `face-not-matched`, `face-` and why a challenge failed, "
        "`one-time-code`, `counter`, `phone-and-passcode`, `phone-and-document`"
    )
    face_success_rate: float | None = Field(description="matched / all attempts by face")
    fallback_rate: float | None = Field(description="without a face / all who were identified")


DAYS = """
SELECT day, purpose, jsonb_object_agg(outcome, count)::text AS outcomes,
       (sum(count) FILTER (WHERE outcome = 'face-matched'))::float8
           / nullif(sum(count) FILTER (WHERE outcome LIKE 'face-%'), 0) AS face_success_rate,
       coalesce(sum(count) FILTER (WHERE outcome NOT LIKE 'face-%'), 0)::float8
           / nullif(sum(count) FILTER (
               WHERE outcome NOT LIKE 'face-%' OR outcome = 'face-matched'), 0) AS fallback_rate
FROM identity_days.outcomes
WHERE day BETWEEN $1 AND $2 AND ($3::text IS NULL OR purpose = $3)
GROUP BY day, purpose ORDER BY day, purpose
"""


async def days(pool: Pool, *, since: date, until: date, purpose: str | None = None) -> list[Row]:
    """How people were identified, by city day and purpose, both days included."""
    rows = await fetch(pool, DAYS, since, until, purpose)
    return [row | {"outcomes": orjson.loads(row["outcomes"])} for row in rows]

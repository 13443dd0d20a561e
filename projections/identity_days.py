"""How people were identified, by city day and purpose: by face, by code, at a counter, or not.

A day is one of Asia/Shanghai, by when it was decided.
"""

from collections import Counter
from collections.abc import Sequence
from datetime import date
from typing import Any

import asyncpg

from citybrain.eventstore import RecordedEvent
from projections.case_days import CITY_ZONE

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
SELECT * FROM unnest($1::date[], $2::text[], $3::text[], $4::bigint[])
ON CONFLICT (day, purpose, outcome) DO UPDATE SET count = o.count + excluded.count
"""

VERIFIED, FAILED = "citizen.face_verified", "citizen.face_attempt_failed"
CONFIRMED = "citizen.identity_confirmed"
MATCHED, NOT_MATCHED = "face-matched", "face-not-matched"


class IdentityDays:
    """The read model `identity_days`."""

    name = "identity_days"
    version = 1
    topics = frozenset({VERIFIED, FAILED, CONFIRMED})
    tables = TABLES

    async def apply(
        self, connection: "asyncpg.Connection[Any]", events: Sequence[RecordedEvent]
    ) -> None:
        """Add the batch's outcomes to their days."""
        counts: Counter[tuple[date, str, str]] = Counter()
        for event in events:
            day = event.data["timestamp"].astimezone(CITY_ZONE).date()
            counts[day, event.data["purpose"], _outcome(event)] += 1
        rows = [(*key, count) for key, count in counts.items()]
        await connection.execute(ADD, *(list(column) for column in zip(*rows, strict=True)))


def _outcome(event: RecordedEvent) -> str:
    """`face-matched`, `face-not-matched`, why a challenge failed, or the other method."""
    if event.topic == VERIFIED:
        return MATCHED if event.data["matched"] else NOT_MATCHED
    if event.topic == FAILED:
        return f"face-{event.data['reason']}"
    return str(event.data["method"])

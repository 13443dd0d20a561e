"""Faces that were enrolled for two people and that no officer has looked at yet."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import asyncpg
from pydantic import BaseModel, Field

from citybrain.eventstore import RecordedEvent
from projections.reading import Pool, Row, columns, fetch

TABLES = """
CREATE TABLE suspicions (
    pair         text COLLATE "C" PRIMARY KEY,
    citizen_id   text COLLATE "C" NOT NULL,
    other        text COLLATE "C" NOT NULL,
    score        float8 NOT NULL,
    threshold    float8 NOT NULL,
    enrolled     bigint NOT NULL,
    suspected_at timestamptz NOT NULL
);
CREATE INDEX ON suspicions (suspected_at, pair);
"""


class DuplicateRow(BaseModel):
    """A face that was enrolled for `citizen_id` and looks like that of `other`."""

    citizen_id: str
    other: str
    score: float
    threshold: float
    enrolled: int = Field(description="how many faces were compared")
    suspected_at: datetime


ADD = f"""
INSERT INTO suspicions (pair, {columns(DuplicateRow)})
VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (pair) DO UPDATE
SET score = excluded.score, threshold = excluded.threshold, enrolled = excluded.enrolled,
    suspected_at = excluded.suspected_at
"""  # noqa: S608
REMOVE = "DELETE FROM suspicions WHERE pair = $1"

SUSPECTED, RESOLVED = "citizen.duplicate_suspected", "citizen.duplicate_resolved"


class SuspectedDuplicates:
    """The read model `suspected_duplicates`. Its events are rare: one statement each."""

    name = "suspected_duplicates"
    version = 1
    topics = frozenset({SUSPECTED, RESOLVED})
    tables = TABLES

    async def apply(
        self, connection: "asyncpg.Connection[Any]", events: Sequence[RecordedEvent]
    ) -> None:
        """Open or settle a suspicion."""
        for event in events:
            data = event.data
            pair = f"{event.stream_id}/{data['other']}"
            if event.topic == RESOLVED:
                await connection.execute(REMOVE, pair)
            else:
                await connection.execute(
                    ADD,
                    pair,
                    event.stream_id,
                    data["other"],
                    data["score"],
                    data["threshold"],
                    data["enrolled"],
                    event.recorded_at,
                )


PAGE = f"""
SELECT {columns(DuplicateRow, "pair")}
FROM suspected_duplicates.suspicions
WHERE $1::timestamptz IS NULL OR (suspected_at, pair) > ($1, $2::text)
ORDER BY suspected_at, pair LIMIT $3
"""  # noqa: S608


async def page(
    pool: Pool, *, after: tuple[datetime, str] | None = None, limit: int = 50
) -> list[Row]:
    """Faces enrolled for two people, oldest first; `after` is (suspected_at, pair)."""
    suspected_at, pair = after or (None, None)
    return await fetch(pool, PAGE, suspected_at, pair, limit)

"""Every lamp and how it is: the table, its row, and what is asked of it."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import asyncpg
from pydantic import AwareDatetime, BaseModel, Field

from citybrain.domain.lamps.lamp import STATUS_AFTER, LampRegistered, LampStatus
from citybrain.eventstore import RecordedEvent
from projections.reading import Pool, Row, columns, fetch

TABLES = """
CREATE TABLE lamps (
    lamp_id text COLLATE "C" PRIMARY KEY,
    place text NOT NULL,
    status text NOT NULL,
    since timestamptz NOT NULL,
    simulated boolean NOT NULL
);
CREATE INDEX ON lamps (since, lamp_id);
"""


class LampRow(BaseModel):
    """A lamp: a row of the table, and the API answers it as it is."""

    lamp_id: str
    place: str
    status: LampStatus
    since: AwareDatetime = Field(description="when it came to be so")
    simulated: bool


INSERT = """
INSERT INTO lamps (lamp_id, place, status, since, simulated)
SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::timestamptz[], $5::boolean[])
"""
CHANGE = """
UPDATE lamps AS old SET status = new.status, since = new.since
FROM unnest($1::text[], $2::text[], $3::timestamptz[]) AS new(id, status, since)
WHERE old.lamp_id = new.id
"""


class Lamps:
    """The read model `lamps`. Raise `version` when tables or meaning change."""

    name = "lamps"
    version = 1
    topics = frozenset(STATUS_AFTER)
    tables = TABLES

    async def apply(
        self, connection: "asyncpg.Connection[Any]", events: Sequence[RecordedEvent]
    ) -> None:
        """New ones, then the last change of any: a statement for the batch, not for an event."""
        new: list[tuple[Any, ...]] = []
        changed: dict[str, tuple[Any, ...]] = {}
        for event in events:
            data, lamp_id = event.data, event.stream_id
            status, at = STATUS_AFTER[event.topic], data["timestamp"]
            if event.topic == LampRegistered.TOPIC:
                new.append((lamp_id, data["place"], status, at, data["simulated"]))
            else:
                changed[lamp_id] = (lamp_id, status, at)
        if new:
            await connection.execute(INSERT, *map(list, zip(*new, strict=True)))
        if changed:
            await connection.execute(CHANGE, *map(list, zip(*changed.values(), strict=True)))


PAGE = f"""
SELECT {columns(LampRow)}
FROM lamps.lamps
WHERE ($1::text IS NULL OR status = $1)
  AND ($2::timestamptz IS NULL OR (since, lamp_id) > ($2, $3::text))
ORDER BY since, lamp_id LIMIT $4
"""  # noqa: S608
COUNTS = """
SELECT status, count(*) AS count
FROM lamps.lamps GROUP BY status
"""
KNOWN = """
SELECT lamp_id, simulated
FROM lamps.lamps WHERE lamp_id = ANY($1)
"""
ANY_SIMULATED = """
SELECT EXISTS (SELECT FROM lamps.lamps WHERE simulated) AS simulated
"""


async def page(
    pool: Pool,
    *,
    status: LampStatus | None = None,
    after: tuple[datetime, str] | None = None,
    limit: int = 50,
) -> list[Row]:
    """Those of a status, or all; the longest unchanged first.

    `since` is when the status came: an event that keeps the status must not change it.
    """
    since, lamp_id = after or (None, None)
    return await fetch(pool, PAGE, status, since, lamp_id, limit)


async def counts(pool: Pool) -> dict[str, int]:
    """How many are how."""
    found = {row["status"]: row["count"] for row in await fetch(pool, COUNTS)}
    return {status.value: found.get(status.value, 0) for status in LampStatus}


async def known(pool: Pool, stream_ids: Sequence[str]) -> list[Row]:
    """Of these streams, those of a lamp, and whether it is made up."""
    return await fetch(pool, KNOWN, list(stream_ids))


async def any_simulated(pool: Pool) -> bool:
    """Whether any is made up."""
    (row,) = await fetch(pool, ANY_SIMULATED)
    return bool(row["simulated"])

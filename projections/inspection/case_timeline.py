"""A case's timeline: one entry an event, ready to be shown."""

from collections.abc import Sequence
from typing import Any

import asyncpg
import orjson
from pydantic import AwareDatetime, BaseModel

from citybrain.domain.inspection.case import EVENT_OF
from citybrain.eventstore import RecordedEvent
from projections.projection import Order
from projections.reading import Pool, Row, fetch

TABLES = """
CREATE TABLE entries (
    case_id     text COLLATE "C" NOT NULL,
    version     bigint NOT NULL,
    position    bigint NOT NULL,
    topic       text COLLATE "C" NOT NULL,
    occurred_at timestamptz NOT NULL,
    recorded_at timestamptz NOT NULL,
    actor       text,
    role        text,
    channel     text,
    details     jsonb NOT NULL,
    PRIMARY KEY (case_id, version)
);
"""


class TimelineEntry(BaseModel):
    """An event of a case; `case_id` is another's where that was merged into this one."""

    case_id: str
    version: int
    position: int
    topic: str
    occurred_at: AwareDatetime
    recorded_at: AwareDatetime
    actor: str | None
    role: str | None
    channel: str | None
    details: dict[str, Any]


COLUMNS = tuple(TimelineEntry.model_fields)
EMPTY_SAYS_NOTHING = frozenset({"begun", "ended"})
NOT_DETAILS = frozenset({"timestamp", "occurred_at", "originator_topic"})


class CaseTimeline:
    """The read model `case_timeline`."""

    name = "case_timeline"
    version = 2
    order = Order.STREAM
    tables = TABLES

    @property
    def topics(self) -> frozenset[str]:
        """All of a case."""
        return frozenset(EVENT_OF)

    async def apply(
        self, connection: "asyncpg.Connection[Any]", events: Sequence[RecordedEvent]
    ) -> None:
        """Add an entry for each event."""
        rows = [_entry(event) for event in events]
        await connection.copy_records_to_table("entries", records=rows, columns=COLUMNS)


def _entry(event: RecordedEvent) -> tuple[Any, ...]:
    data, metadata = event.data, event.metadata
    details = data.copy()
    for name in NOT_DETAILS:
        details.pop(name, None)
    for name in EMPTY_SAYS_NOTHING:
        if not details.get(name, True):
            del details[name]
    return (
        event.stream_id,
        event.version,
        event.position,
        event.topic,
        data["occurred_at"],
        event.recorded_at,
        metadata.get("actor"),
        metadata.get("role"),
        metadata.get("channel"),
        orjson.dumps(details).decode(),
    )


HISTORY = f"""
SELECT {", ".join(COLUMNS)} FROM case_timeline.entries
WHERE case_id = ANY($1) AND position > $2 AND ($3::text IS NULL OR topic = $3)
ORDER BY position LIMIT $4
"""  # noqa: S608

NEWER = f"""
SELECT {", ".join(COLUMNS)} FROM case_timeline.entries
WHERE case_id = $1 AND version > $2 ORDER BY version LIMIT $3
"""  # noqa: S608

CLASSES_OF = """
SELECT case_id, details ->> 'class_code' AS class_code,
       (details ->> 'simulated')::boolean AS simulated
FROM case_timeline.entries WHERE case_id = ANY($1) AND version = 1
"""


async def history(
    pool: Pool,
    case_ids: Sequence[str],
    *,
    topic: str | None = None,
    after: int = 0,
    limit: int | None = None,
) -> list[Row]:
    """The events of cases behind a position, in the order of the log; `details` decoded."""
    return _decoded(await fetch(pool, HISTORY, list(case_ids), after, topic, limit))


async def newer(pool: Pool, case_id: str, version: int, *, limit: int) -> list[Row]:
    """The events of one case behind a version; `details` decoded."""
    return _decoded(await fetch(pool, NEWER, case_id, version, limit))


def _decoded(rows: Sequence[Row]) -> list[Row]:
    return [row | {"details": orjson.loads(row["details"])} for row in rows]


async def classes_of(pool: Pool, case_ids: Sequence[str]) -> list[Row]:
    """The classes of these cases as they were reported, and which are made up."""
    return await fetch(pool, CLASSES_OF, list(case_ids))

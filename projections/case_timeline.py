"""A case's timeline: one entry an event, ready to be shown."""

from collections.abc import Sequence
from typing import Any

import asyncpg
import orjson

from citybrain.domain.case_events import EVENTS
from citybrain.eventstore import RecordedEvent

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

COLUMNS = (
    "case_id", "version", "position", "topic", "occurred_at", "recorded_at", "actor", "role",
    "channel", "details",
)  # fmt: skip
EMPTY_SAYS_NOTHING = frozenset({"begun", "ended"})
NOT_DETAILS = frozenset({"timestamp", "occurred_at", "originator_topic"})


class CaseTimeline:
    """The read model `case_timeline`."""

    name = "case_timeline"
    version = 2
    topics = frozenset(event.TOPIC for event in EVENTS)
    tables = TABLES

    async def apply(
        self, connection: "asyncpg.Connection[Any]", events: Sequence[RecordedEvent]
    ) -> None:
        """Add an entry for each event."""
        rows = [_entry(event) for event in events]
        await connection.copy_records_to_table("entries", records=rows, columns=COLUMNS)


def _entry(event: RecordedEvent) -> tuple[Any, ...]:
    data, metadata = event.data, event.metadata
    details = {
        name: value
        for name, value in data.items()
        if name not in NOT_DETAILS and not (name in EMPTY_SAYS_NOTHING and not value)
    }
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

"""Drafts as their citizens look at them: one row each, with nothing of what is filled in."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import asyncpg
from pydantic import BaseModel

from citybrain.domain.applications.draft import EVENTS, DraftStatus
from citybrain.eventstore import RecordedEvent
from projections.projection import Order
from projections.reading import Pool, Row, columns, fetch

TABLES = """
CREATE TABLE drafts (
    draft_id   text COLLATE "C" PRIMARY KEY,
    citizen_id text COLLATE "C" NOT NULL,
    service    text COLLATE "C" NOT NULL,
    channel    text NOT NULL,
    held_by    text NOT NULL,
    simulated  boolean NOT NULL,
    begun_at   timestamptz NOT NULL,
    saved_at   timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    version    bigint NOT NULL
);
CREATE INDEX ON drafts (citizen_id, begun_at DESC, draft_id DESC);
"""
"""Only those that are open: what has ended is deleted."""


class DraftRow(BaseModel):
    """A draft that is open."""

    draft_id: str
    citizen_id: str
    service: str
    channel: str
    simulated: bool
    begun_at: datetime
    saved_at: datetime
    expires_at: datetime
    version: int


COLUMNS = (*DraftRow.model_fields, "held_by")
READ = f"SELECT {', '.join(COLUMNS)} FROM drafts WHERE draft_id = ANY($1)"  # noqa: S608
DELETE = "DELETE FROM drafts WHERE draft_id = ANY($1)"
BEGUN = "draft.begun"
ENDED = {f"draft.{DraftStatus.SUBMITTED}", f"draft.{DraftStatus.DISCARDED}"}


class Drafts:
    """The read model `drafts`."""

    name = "drafts"
    version = 1
    order = Order.STREAM
    topics = frozenset(event.__dict__["TOPIC"] for event in EVENTS)
    tables = TABLES

    async def apply(
        self, connection: "asyncpg.Connection[Any]", events: Sequence[RecordedEvent]
    ) -> None:
        """Fold the batch into its rows."""
        ids = list({event.stream_id for event in events})
        found = await connection.fetch(READ, ids)
        rows: dict[str, Row] = {row["draft_id"]: dict(row) for row in found}
        for event in events:
            if event.topic == BEGUN:
                rows[event.stream_id] = _begun(event)
            elif event.topic in ENDED:
                rows.pop(event.stream_id, None)
            else:
                _change(rows[event.stream_id], event)
        await connection.execute(DELETE, ids)
        await connection.copy_records_to_table(
            "drafts",
            columns=COLUMNS,
            records=[[row[name] for name in COLUMNS] for row in rows.values()],
        )


def _begun(event: RecordedEvent) -> Row:
    same = ("citizen_id", "service", "channel", "held_by", "simulated", "expires_at")
    at = event.data["timestamp"]
    return {name: event.data[name] for name in same} | {
        "draft_id": event.stream_id,
        "begun_at": at,
        "saved_at": at,
        "version": event.version,
    }


def _change(row: Row, event: RecordedEvent) -> None:
    data = event.data
    row["version"] = event.version
    if event.topic == "draft.saved":
        row["saved_at"], row["expires_at"] = data["timestamp"], data["expires_at"]
    else:
        row["channel"], row["held_by"] = data["channel"], data["held_by"]


PAGE = f"""
SELECT {columns(DraftRow)} FROM drafts.drafts
WHERE citizen_id = $1 AND expires_at > $2
  AND ($3::timestamptz IS NULL OR (begun_at, draft_id) < ($3, $4::text))
ORDER BY begun_at DESC, draft_id DESC LIMIT $5
"""  # noqa: S608


async def page(
    pool: Pool,
    citizen_id: str,
    *,
    now: datetime,
    after: tuple[datetime, str] | None = None,
    limit: int = 50,
) -> list[Row]:
    """A citizen's open drafts, newest first; `after` is (begun_at, draft_id) of the last seen."""
    at, draft_id = after or (None, None)
    return await fetch(pool, PAGE, citizen_id, now, at, draft_id, limit)

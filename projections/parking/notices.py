"""Debts that were made public, one row each: what is said of them, and how long.

A plate is in a row as it is in the event: sealed. Public is what two officers have agreed to, as
long as it lasts and the debt is open and undisputed: that is asked of `parking_claims`.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

import asyncpg
import orjson
from pydantic import AwareDatetime, BaseModel

from citybrain.domain.parking.notice import (
    NoticeDenied,
    NoticeOpened,
    NoticeProposed,
    NoticePublished,
    NoticeReason,
    NoticeSays,
    NoticeStatus,
    NoticeWithdrawn,
)
from citybrain.eventstore import RecordedEvent
from projections.projection import Order
from projections.reading import Pool, Row, columns, fetch, fetch_planned

TABLES = """
CREATE TABLE notices (
    notice_id    text COLLATE "C" PRIMARY KEY,
    claim_id     text COLLATE "C" NOT NULL,
    status       text COLLATE "C",
    reason       text COLLATE "C",
    says         text[] NOT NULL,
    proposed_at  timestamptz,
    proposed_by  text COLLATE "C",
    published_at timestamptz,
    published_by text COLLATE "C",
    until        timestamptz,
    ended_at     timestamptz,
    ended_by     text COLLATE "C",
    ended_why    text COLLATE "C",
    amount_fen   bigint,
    due_at       timestamptz,
    plate        jsonb
);
CREATE INDEX ON notices (proposed_at DESC, notice_id DESC);
CREATE INDEX ON notices (published_at DESC, notice_id DESC) WHERE status = 'published';
"""


class NoticeRow(BaseModel):
    """A notice as the office sees it."""

    notice_id: str
    claim_id: str
    status: NoticeStatus
    reason: NoticeReason
    says: list[NoticeSays]
    proposed_at: AwareDatetime
    proposed_by: str
    published_at: AwareDatetime | None
    published_by: str | None
    until: AwareDatetime
    ended_at: AwareDatetime | None
    ended_by: str | None
    ended_why: str | None
    amount_fen: int
    due_at: AwareDatetime


COLUMNS = (*NoticeRow.model_fields, "plate")
KNOWN = f"SELECT {', '.join(COLUMNS)} FROM notices WHERE notice_id = ANY($1)"  # noqa: S608
DROP = "DELETE FROM notices WHERE notice_id = ANY($1)"


def _opened(row: Row, data: dict[str, Any]) -> None:
    row["claim_id"] = data["claim_id"]


def _proposed(row: Row, data: dict[str, Any]) -> None:
    names = ("reason", "says", "until", "amount_fen", "due_at", "proposed_by")
    row |= dict.fromkeys(("published_at", "published_by", "ended_at", "ended_by", "ended_why"))
    row |= {name: data[name] for name in names}
    row |= {"status": NoticeStatus.PROPOSED.value, "proposed_at": data["timestamp"]}
    row["plate"] = None if data["plate"] is None else orjson.dumps(data["plate"]).decode()


def _published(row: Row, data: dict[str, Any]) -> None:
    row |= {"status": NoticeStatus.PUBLISHED.value, "published_at": data["timestamp"]}
    row["published_by"] = data["published_by"]


def _denied(row: Row, data: dict[str, Any]) -> None:
    _ended(row, data, NoticeStatus.DENIED, data["denied_by"])


def _withdrawn(row: Row, data: dict[str, Any]) -> None:
    _ended(row, data, NoticeStatus.WITHDRAWN, data["withdrawn_by"])


def _ended(row: Row, data: dict[str, Any], status: NoticeStatus, by: str) -> None:
    row |= {"status": status.value, "ended_at": data["timestamp"], "ended_by": by}
    row["ended_why"] = data["reason"]


STEPS: dict[str, Callable[[Row, dict[str, Any]], None]] = {
    NoticeOpened.TOPIC: _opened,
    NoticeProposed.TOPIC: _proposed,
    NoticePublished.TOPIC: _published,
    NoticeDenied.TOPIC: _denied,
    NoticeWithdrawn.TOPIC: _withdrawn,
}


class ParkingNotices:
    """The read model `parking_notices`."""

    name = "parking_notices"
    version = 1
    order = Order.STREAM
    topics = frozenset(STEPS)
    tables = TABLES

    async def apply(
        self, connection: "asyncpg.Connection[Any]", events: Sequence[RecordedEvent]
    ) -> None:
        """Fold the events of each notice onto what is known of it."""
        ids = list({event.stream_id for event in events})
        known = {row["notice_id"]: dict(row) for row in await connection.fetch(KNOWN, ids)}
        for event in events:
            row = known.setdefault(event.stream_id, _new(event.stream_id))
            STEPS[event.topic](row, dict(event.data))
        await connection.execute(DROP, ids)
        records = [tuple(row[name] for name in COLUMNS) for row in known.values()]
        await connection.copy_records_to_table("notices", records=records, columns=COLUMNS)


def _new(notice_id: str) -> Row:
    return dict.fromkeys(COLUMNS) | {"notice_id": notice_id, "says": []}


After = tuple[datetime, str] | None

DESK = f"""
SELECT {columns(NoticeRow)} FROM parking_notices.notices
WHERE status IS NOT NULL AND ($1::text IS NULL OR status = $1)
  AND ($2::timestamptz IS NULL OR (proposed_at, notice_id) < ($2, $3::text))
ORDER BY proposed_at DESC, notice_id DESC LIMIT $4
"""  # noqa: S608
PUBLIC = """
SELECT n.notice_id, n.published_at, n.until, n.says, n.plate, n.due_at,
       least(n.amount_fen, c.open_fen) AS amount_fen
FROM parking_notices.notices n JOIN parking_claims.claims c USING (claim_id)
WHERE n.status = 'published' AND n.until > $1
  AND c.open_fen > 0 AND c.suspended_for IS NULL AND NOT c.mismatched
  AND ($2::timestamptz IS NULL OR (n.published_at, n.notice_id) < ($2, $3::text))
ORDER BY n.published_at DESC, n.notice_id DESC LIMIT $4
"""


async def desk(
    pool: Pool, *, status: NoticeStatus | None, after: After, limit: int
) -> list[NoticeRow]:
    """Notices as the office sees them, the newest proposals first."""
    at, notice_id = after or (None, None)
    rows = await fetch_planned(pool, DESK, status, at, notice_id, limit)
    return [NoticeRow.model_validate(row) for row in rows]


async def public(pool: Pool, now: datetime, *, after: After, limit: int) -> list[Row]:
    """Those that are public now, the newest first; what of it is said is shown, and no more."""
    at, notice_id = after or (None, None)
    rows = await fetch(pool, PUBLIC, now, at, notice_id, limit)
    for row in rows:
        row["plate"] = None if row["plate"] is None else orjson.loads(row["plate"])
    return rows

"""Payments for which no stay is known, one row each: for the office, which looks whose they are.

The plate is in a row as it is in the event: sealed.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import asyncpg
import orjson
from pydantic import AwareDatetime, BaseModel, Field

from citybrain.domain.parking.stray import StrayPayment, StrayStatus
from citybrain.eventstore import RecordedEvent
from projections.projection import Order
from projections.reading import Pool, Row, columns, fetch_planned

TABLES = """
CREATE TABLE strays (
    stray_id          text COLLATE "C" PRIMARY KEY,
    place_id          text COLLATE "C" NOT NULL,
    amount_fen        bigint NOT NULL,
    status            text COLLATE "C" NOT NULL,
    asked_at          timestamptz NOT NULL,
    paid_at           timestamptz,
    candidates        text[] NOT NULL,
    proposed          text COLLATE "C",
    session_id        text COLLATE "C",
    refusal_proposed  boolean NOT NULL,
    plate             jsonb NOT NULL
);
CREATE INDEX ON strays (status, asked_at DESC, stray_id DESC);
"""


class StrayRow(BaseModel):
    """A payment for which no stay is known."""

    stray_id: str
    place_id: str = Field(description="the block face or the facility")
    amount_fen: int
    status: str
    asked_at: AwareDatetime
    paid_at: AwareDatetime | None
    candidates: list[str] = Field(
        description="sessions that it may be for: unpaid, one character off"
    )
    proposed: str | None = Field(description="the only one; null where there are several")
    session_id: str | None = Field(description="the one that it was for")
    refusal_proposed: bool = Field(
        description="an officer wants it to go back; a second one decides"
    )


COLUMNS = (*StrayRow.model_fields, "plate")
READ = f"SELECT {', '.join(COLUMNS)} FROM strays WHERE stray_id = ANY($1)"  # noqa: S608
DROP = "DELETE FROM strays WHERE stray_id = ANY($1)"
OPENED = "parking.stray_opened"


class ParkingStraysModel:
    """The read model `parking_strays`."""

    name = "parking_strays"
    version = 1
    order = Order.STREAM
    topics = frozenset(event.TOPIC for event in StrayPayment.EVENTS)
    tables = TABLES

    async def apply(
        self, connection: "asyncpg.Connection[Any]", events: Sequence[RecordedEvent]
    ) -> None:
        """Fold the batch into its rows and write them anew."""
        ids = list({event.stream_id for event in events})
        rows = {row["stray_id"]: dict(row) for row in await connection.fetch(READ, ids)}
        for event in events:
            if event.topic == OPENED:
                rows[event.stream_id] = _opened(event)
            else:
                rows[event.stream_id] |= _said(event)
        await connection.execute(DROP, ids)
        records = [[row[name] for name in COLUMNS] for row in rows.values()]
        await connection.copy_records_to_table("strays", columns=COLUMNS, records=records)


def _opened(event: RecordedEvent) -> Row:
    return {
        "stray_id": event.stream_id,
        "place_id": event.data["place_id"],
        "amount_fen": 0,
        "status": StrayStatus.ASKED.value,
        "asked_at": event.data["timestamp"],
        "paid_at": None,
        "candidates": [],
        "proposed": None,
        "session_id": None,
        "refusal_proposed": False,
        "plate": orjson.dumps(event.data["plate"]).decode(),
    }


def _said(event: RecordedEvent) -> Row:
    """What an event changes in a row."""
    data = event.data
    match event.topic:
        case "parking.stray_payment_asked":
            return {"amount_fen": data["amount_fen"]}
        case "parking.stray_paid":
            return {"status": StrayStatus.PAID.value, "paid_at": data["paid_at"]}
        case "parking.stray_offered":
            return {name: data[name] for name in ("candidates", "proposed")}
        case "parking.stray_matched":
            return {"status": StrayStatus.MATCHED.value, "session_id": data["session_id"]}
        case "parking.stray_refusal_proposed":
            return {"refusal_proposed": True}
        case "parking.stray_refused":
            return {"status": StrayStatus.REFUSED.value}
    return {"status": StrayStatus.ENDED.value}


SHOWN = columns(StrayRow, "plate")
PAGE = f"""
SELECT {SHOWN} FROM parking_strays.strays
WHERE ($1::text IS NULL OR status = $1)
  AND ($2::timestamptz IS NULL OR (asked_at, stray_id) < ($2, $3::text))
ORDER BY asked_at DESC, stray_id DESC LIMIT $4
"""  # noqa: S608

After = tuple[datetime, str] | None


async def page(pool: Pool, *, status: str | None, after: After, limit: int) -> list[Row]:
    """Payments in a status, the newest first."""
    at, stray_id = after or (None, None)
    rows = await fetch_planned(pool, PAGE, status, at, stray_id, limit)
    return [row | {"plate": orjson.loads(row["plate"])} for row in rows]

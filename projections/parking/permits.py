"""Permits to park: each citizen's, and what waits for officers.

A plate is in a row as it is in the events: sealed, with its random id.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

import asyncpg
import orjson
from pydantic import AwareDatetime, BaseModel, Field

from citybrain.domain.parking.permit_events import LEADS_TO, PermitStatus
from citybrain.domain.times import moment
from citybrain.eventstore import RecordedEvent
from projections.projection import Order
from projections.reading import Pool, Row, columns, fetch, reached

TABLES = """
CREATE TABLE permits (
    permit_id   text COLLATE "C" PRIMARY KEY,
    citizen_id  text COLLATE "C",
    kind        text COLLATE "C" NOT NULL,
    status      text COLLATE "C" NOT NULL,
    waiting     boolean NOT NULL,
    plate_id    text COLLATE "C" NOT NULL,
    plate       jsonb NOT NULL,
    zone_id     text COLLATE "C",
    begins      timestamptz,
    ends        timestamptz,
    reason      text COLLATE "C",
    proposed    text COLLATE "C",
    proposed_by text COLLATE "C",
    proposed_begins timestamptz,
    proposed_ends   timestamptz,
    car_day     text COLLATE "C",
    asked_at    timestamptz NOT NULL,
    ended_at    timestamptz,
    version     bigint NOT NULL
);
CREATE INDEX ON permits (citizen_id, asked_at DESC, permit_id DESC);
CREATE INDEX ON permits (asked_at, permit_id) WHERE waiting;
"""


class PermitRow(BaseModel):
    """A permit."""

    permit_id: str
    kind: str
    status: str = Field(description="asked, granted, denied or ended")
    zone_id: str | None
    begins: AwareDatetime | None
    ends: AwareDatetime | None = Field(description="not included")
    reason: str | None = Field(description="why it was denied, or ended: a code")
    proposed: str | None = Field(description="what waits for a second officer: grant, deny, end")
    proposed_begins: AwareDatetime | None
    proposed_ends: AwareDatetime | None
    car_day: str | None = Field(description="the last day that a car was named for")
    asked_at: AwareDatetime
    ended_at: AwareDatetime | None
    version: int


COLUMNS = ("citizen_id", "plate_id", "plate", "waiting", "proposed_by", *PermitRow.model_fields)
READ = f"SELECT {', '.join(COLUMNS)} FROM permits WHERE permit_id = ANY($1)"  # noqa: S608
DROP = "DELETE FROM permits WHERE permit_id = ANY($1)"
ASKED = "parking.permit_asked"
PROPOSAL: Row = {
    "proposed": None,
    "proposed_by": None,
    "proposed_begins": None,
    "proposed_ends": None,
}


def _proposed(row: Row, data: dict[str, Any]) -> None:
    row |= {"proposed": data["decision"], "proposed_by": data["proposed_by"]}
    row |= {f"proposed_{name}": data[name] and moment(data[name]) for name in ("begins", "ends")}


def _turned_back(row: Row, _: dict[str, Any]) -> None:
    row |= PROPOSAL


def _granted(row: Row, data: dict[str, Any]) -> None:
    row |= PROPOSAL | {name: moment(data[name]) for name in ("begins", "ends")}


def _denied(row: Row, data: dict[str, Any]) -> None:
    row |= PROPOSAL | {"reason": data["reason"]}


def _ended(row: Row, data: dict[str, Any]) -> None:
    row |= PROPOSAL | {"reason": data["reason"], "ended_at": data["timestamp"]}


def _car(row: Row, data: dict[str, Any]) -> None:
    row["car_day"] = max(data["day"], row["car_day"] or "")


STEPS: dict[str, Callable[[Row, dict[str, Any]], None]] = {
    "parking.permit_decision_proposed": _proposed,
    "parking.permit_decision_turned_back": _turned_back,
    "parking.permit_granted": _granted,
    "parking.permit_denied": _denied,
    "parking.permit_ended": _ended,
    "parking.permit_car_named": _car,
}


class ParkingPermitsModel:
    """The read model `parking_permits`."""

    name = "parking_permits"
    version = 1
    order = Order.STREAM
    topics = frozenset({ASKED, *STEPS})
    tables = TABLES

    async def apply(
        self, connection: "asyncpg.Connection[Any]", events: Sequence[RecordedEvent]
    ) -> None:
        """Fold the batch into its rows and write them anew."""
        ids = list({event.stream_id for event in events})
        rows = {row["permit_id"]: dict(row) for row in await connection.fetch(READ, ids)}
        for event in events:
            if event.topic == ASKED:
                rows[event.stream_id] = _asked(event)
            else:
                STEPS[event.topic](rows[event.stream_id], event.data)
            row = rows[event.stream_id]
            leads_to = LEADS_TO.get(event.topic)
            row["status"] = row["status"] if leads_to is None else leads_to.value
            row["waiting"] = row["status"] == PermitStatus.ASKED or row["proposed"] is not None
            row["version"] = event.version
        await connection.execute(DROP, ids)
        await connection.copy_records_to_table(
            "permits",
            columns=COLUMNS,
            records=[[row[name] for name in COLUMNS] for row in rows.values()],
        )


def _asked(event: RecordedEvent) -> Row:
    data = event.data
    return (
        dict.fromkeys(COLUMNS)
        | {name: data[name] for name in ("citizen_id", "kind", "zone_id")}
        | {
            "permit_id": event.stream_id,
            "plate_id": data["plate"]["plate_id"],
            "plate": orjson.dumps(data["plate"]).decode(),
            "status": PermitStatus.ASKED.value,
            "asked_at": data["timestamp"],
        }
    )


SHOWN = columns(PermitRow, "citizen_id", "plate")
OF_CITIZEN = f"""
SELECT {SHOWN} FROM parking_permits.permits WHERE citizen_id = $1
  AND ($2::timestamptz IS NULL OR (asked_at, permit_id) < ($2, $3::text))
ORDER BY asked_at DESC, permit_id DESC LIMIT $4
"""  # noqa: S608
WAITING = f"""
SELECT {SHOWN} FROM parking_permits.permits
WHERE waiting AND ($1::timestamptz IS NULL OR (asked_at, permit_id) > ($1, $2::text))
ORDER BY asked_at, permit_id LIMIT $3
"""  # noqa: S608
ONE = f"SELECT {SHOWN} FROM parking_permits.permits WHERE permit_id = $1"  # noqa: S608
OPEN_OF = """
SELECT permit_id FROM parking_permits.permits
WHERE citizen_id = $1 AND status IN ('asked', 'granted')
"""
OF_ERASED = """
SELECT p.permit_id FROM parking_permits.permits p
WHERE (p.citizen_id = ANY($1) OR p.plate_id = ANY($1)) AND p.status IN ('asked', 'granted')
"""


async def of_citizen(
    pool: Pool, citizen_id: str, *, after: tuple[datetime, str] | None = None, limit: int = 50
) -> list[Row]:
    """A citizen's permits, the newest first; `after` is (asked_at, permit_id)."""
    at, permit_id = after or (None, None)
    rows = await fetch(pool, OF_CITIZEN, citizen_id, at, permit_id, limit)
    return [_read(row) for row in rows]


async def waiting(
    pool: Pool, *, after: tuple[datetime, str] | None = None, limit: int = 50
) -> list[Row]:
    """What waits for an officer, the oldest first; `after` is (asked_at, permit_id)."""
    at, permit_id = after or (None, None)
    return [_read(row) for row in await fetch(pool, WAITING, at, permit_id, limit)]


async def one(pool: Pool, permit_id: str) -> Row | None:
    """One permit; None where there is none."""
    rows = await fetch(pool, ONE, permit_id)
    return _read(rows[0]) if rows else None


async def of_holder(pool: Pool, citizen_id: str, min_position: int) -> list[str] | None:
    """The permits of a citizen that have not ended; None where the model is behind."""
    if not await reached(pool, ParkingPermitsModel.name, min_position):
        return None
    return [row["permit_id"] for row in await fetch(pool, OPEN_OF, citizen_id)]


async def of_erased(pool: Pool, erased: Sequence[str]) -> list[str]:
    """Those of people or plates that were erased that have not ended."""
    return [row["permit_id"] for row in await fetch(pool, OF_ERASED, erased)]


def _read(row: Row) -> Row:
    return row | {"plate": orjson.loads(row["plate"])}

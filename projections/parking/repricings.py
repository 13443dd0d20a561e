"""Batches that price stays again: what each comes to, who agreed, and how far it has come."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

import asyncpg
import orjson

from citybrain.domain.parking.repricing_batch import SUMS, RepricingStatus, Scope
from citybrain.eventstore import RecordedEvent
from projections.projection import Order
from projections.reading import Pool, Row, fetch

TABLES = """
CREATE TABLE repricings (
    repricing_id text COLLATE "C" PRIMARY KEY,
    status       text COLLATE "C" NOT NULL,
    version_id   text COLLATE "C" NOT NULL,
    scope        text COLLATE "C" NOT NULL,
    begins       timestamptz NOT NULL,
    ends         timestamptz NOT NULL,
    reason       text COLLATE "C" NOT NULL,
    proposed_by  text COLLATE "C" NOT NULL,
    proposed_at  timestamptz NOT NULL,
    preview      jsonb,
    done         jsonb NOT NULL,
    version      bigint NOT NULL
);
CREATE INDEX ON repricings (proposed_at DESC, repricing_id DESC);
"""
COLUMNS = (
    "repricing_id",
    "status",
    "version_id",
    "scope",
    "begins",
    "ends",
    "reason",
    "proposed_by",
    "proposed_at",
    "preview",
    "done",
    "version",
)
SHOWN = ", ".join(COLUMNS)
KNOWN = f"SELECT {SHOWN} FROM repricings WHERE repricing_id = ANY($1)"  # noqa: S608
DROP = "DELETE FROM repricings WHERE repricing_id = ANY($1)"
PROPOSED = "parking.repricing_proposed"


def _previewed(row: Row, data: dict[str, Any]) -> None:
    by_rule = row["scope"] == Scope.UNPAID
    row["status"] = (RepricingStatus.RUNNING if by_rule else RepricingStatus.PROPOSED).value
    row["preview"] = {name: data[name] for name in SUMS}


def _confirmed(row: Row, _: dict[str, Any]) -> None:
    row["status"] = RepricingStatus.RUNNING.value


def _turned_back(row: Row, _: dict[str, Any]) -> None:
    row["status"] = RepricingStatus.TURNED_BACK.value


def _progressed(row: Row, data: dict[str, Any]) -> None:
    row["done"] = {name: row["done"][name] + data[name] for name in SUMS}


def _completed(row: Row, _: dict[str, Any]) -> None:
    row["status"] = RepricingStatus.COMPLETED.value


STEPS: dict[str, Callable[[Row, dict[str, Any]], None]] = {
    "parking.repricing_previewed": _previewed,
    "parking.repricing_confirmed": _confirmed,
    "parking.repricing_turned_back": _turned_back,
    "parking.repricing_progressed": _progressed,
    "parking.repricing_completed": _completed,
}


class ParkingRepricingsModel:
    """The read model `parking_repricings`."""

    name = "parking_repricings"
    version = 1
    order = Order.STREAM
    topics = frozenset({PROPOSED, *STEPS})
    tables = TABLES

    async def apply(
        self, connection: "asyncpg.Connection[Any]", events: Sequence[RecordedEvent]
    ) -> None:
        """Fold the batch into its rows and write them anew."""
        ids = list({event.stream_id for event in events})
        rows = {row["repricing_id"]: _read(dict(row)) for row in await connection.fetch(KNOWN, ids)}
        for event in events:
            if event.topic == PROPOSED:
                rows[event.stream_id] = _proposed(event)
            else:
                STEPS[event.topic](rows[event.stream_id], event.data)
            rows[event.stream_id]["version"] = event.version
        await connection.execute(DROP, ids)
        await connection.copy_records_to_table(
            "repricings",
            columns=COLUMNS,
            records=[[_written(row[name]) for name in COLUMNS] for row in rows.values()],
        )


def _proposed(event: RecordedEvent) -> Row:
    data = event.data
    kept = ("version_id", "begins", "ends", "scope", "reason", "proposed_by")
    return {name: data[name] for name in kept} | {
        "repricing_id": event.stream_id,
        "status": RepricingStatus.PREVIEWING.value,
        "proposed_at": data["timestamp"],
        "preview": None,
        "done": dict.fromkeys(SUMS, 0),
    }


def _written(value: Any) -> Any:
    return orjson.dumps(value).decode() if isinstance(value, dict) else value


def _read(row: Row) -> Row:
    return row | {
        "preview": row["preview"] and orjson.loads(row["preview"]),
        "done": orjson.loads(row["done"]),
    }


PAGE = f"""
SELECT {SHOWN} FROM parking_repricings.repricings
WHERE ($1::text IS NULL OR status = $1)
  AND ($2::timestamptz IS NULL OR (proposed_at, repricing_id) < ($2, $3::text))
ORDER BY proposed_at DESC, repricing_id DESC LIMIT $4
"""  # noqa: S608


async def page(
    pool: Pool, *, status: str | None, after: tuple[datetime, str] | None, limit: int
) -> list[Row]:
    """Batches, the newest first; `after` is (proposed_at, repricing_id)."""
    at, repricing_id = after or (None, None)
    return [_read(row) for row in await fetch(pool, PAGE, status, at, repricing_id, limit)]

"""Who read my data: each use of a citizen's records, face or sealed application, by whom and why.

It is made of events that the uses themselves leave; nothing reads without one.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import asyncpg
from pydantic import BaseModel

from citybrain.eventstore import RecordedEvent
from projections.reading import Pool, Row, columns, fetch

TABLES = """
CREATE TABLE applicants (
    application_id text COLLATE "C" PRIMARY KEY,
    citizen_id     text COLLATE "C" NOT NULL,
    service        text COLLATE "C" NOT NULL
);
CREATE TABLE accesses (
    citizen_id text COLLATE "C" NOT NULL,
    access_id  text COLLATE "C" NOT NULL,
    at         timestamptz NOT NULL,
    who        text COLLATE "C" NOT NULL,
    what       text NOT NULL,
    purpose    text NOT NULL,
    stream_id  text COLLATE "C" NOT NULL,
    version    bigint NOT NULL,
    position   bigint NOT NULL,
    PRIMARY KEY (citizen_id, at, access_id)
);
"""
KNOW = "INSERT INTO applicants SELECT * FROM unnest($1::text[], $2::text[], $3::text[])"
APPLICANTS = """
SELECT application_id, citizen_id, service FROM applicants WHERE application_id = ANY($1)
"""


class AccessRow(BaseModel):
    """Who used the data, which, and for what."""

    at: datetime
    who: str
    what: str
    purpose: str
    stream_id: str
    version: int


COLUMNS = ("citizen_id", "access_id", *AccessRow.model_fields, "position")

SUBMITTED, REQUESTED = "application.submitted", "application.evidence_requested"
OPENED = "application.opened"
OF_THE_CITIZEN = {
    "citizen.face_verified": "face compared",
    "citizen.face_identified": "face searched",
    "citizen.identity_confirmed": "document looked at",
}


class DataAccesses:
    """The read model `data_accesses`."""

    name = "data_accesses"
    version = 1
    topics = frozenset({SUBMITTED, REQUESTED, OPENED, *OF_THE_CITIZEN})
    tables = TABLES

    async def apply(
        self, connection: "asyncpg.Connection[Any]", events: Sequence[RecordedEvent]
    ) -> None:
        """Add the batch's accesses."""
        new = [event for event in events if event.topic == SUBMITTED]
        if new:
            await connection.execute(
                KNOW,
                [event.stream_id for event in new],
                [event.data["citizen_id"] for event in new],
                [event.data["service"] for event in new],
            )
        rows = await connection.fetch(APPLICANTS, [event.stream_id for event in events])
        applicants = {row["application_id"]: (row["citizen_id"], row["service"]) for row in rows}
        accesses = [access for event in events for access in _accesses(event, applicants)]
        await connection.copy_records_to_table("accesses", columns=COLUMNS, records=accesses)


def _accesses(
    event: RecordedEvent, applicants: dict[str, tuple[str, str]]
) -> list[tuple[Any, ...]]:
    data = event.data
    if event.topic in OF_THE_CITIZEN:
        who = event.metadata.get("actor") or "unknown"
        purpose = data.get("purpose") or "identification"
        return [_row(event, event.stream_id, 0, who, OF_THE_CITIZEN[event.topic], purpose)]
    citizen_id, service = applicants[event.stream_id]
    if event.topic == OPENED:
        return [_row(event, citizen_id, 0, data["reader"], data["what"], data["purpose"])]
    if event.topic == REQUESTED:
        return [
            _row(event, citizen_id, place, request["department"], request["record"], service)
            for place, request in enumerate(data["requests"])
        ]
    return []


def _row(
    event: RecordedEvent, citizen_id: str, place: int, who: str, what: str, purpose: str
) -> tuple[Any, ...]:
    return (
        citizen_id,
        f"{event.position:020}-{place:03}",
        event.data["timestamp"],
        who,
        what,
        purpose,
        event.stream_id,
        event.version,
        event.position,
    )


PAGE = f"""
SELECT {columns(AccessRow, "access_id")} FROM data_accesses.accesses
WHERE citizen_id = $1 AND ($2::timestamptz IS NULL OR (at, access_id) < ($2, $3::text))
ORDER BY at DESC, access_id DESC LIMIT $4
"""  # noqa: S608


async def page(
    pool: Pool, citizen_id: str, *, after: tuple[datetime, str] | None = None, limit: int = 50
) -> list[Row]:
    """Who used a citizen's data, newest first; `after` is (at, access_id) of the last seen."""
    at, access_id = after or (None, None)
    return await fetch(pool, PAGE, citizen_id, at, access_id, limit)

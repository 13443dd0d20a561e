"""Inspection cases as Open311 sees them: service requests, open or closed, with a note why.

Every case stays, the closed ones too: clients ask for what they reported long ago.
"""

from collections.abc import Sequence
from typing import Any

import asyncpg

from citybrain.eventstore import RecordedEvent

TABLES = """
CREATE TABLE requests (
    case_id      text COLLATE "C" PRIMARY KEY,
    class_code   text COLLATE "C" NOT NULL,
    status       text COLLATE "C" NOT NULL,
    status_notes text NOT NULL,
    lead         text COLLATE "C",
    description  text NOT NULL,
    address      text,
    latitude     double precision NOT NULL,
    longitude    double precision NOT NULL,
    requested_at timestamptz NOT NULL,
    updated_at   timestamptz NOT NULL,
    position     bigint NOT NULL
) WITH (fillfactor = 70);
CREATE INDEX ON requests (requested_at DESC, case_id DESC);
CREATE INDEX ON requests (class_code, requested_at DESC, case_id DESC);
"""

COLUMNS = (
    "case_id", "class_code", "status", "status_notes", "lead", "description", "address",
    "latitude", "longitude", "requested_at", "updated_at", "position",
)  # fmt: skip
UPDATE = """
UPDATE requests r
SET status = n.status, status_notes = n.notes, lead = coalesce(n.lead, r.lead),
    updated_at = n.updated_at, position = n.position
FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::timestamptz[], $6::bigint[])
    AS n(case_id, status, notes, lead, updated_at, position)
WHERE r.case_id = n.case_id
"""

REPORTED = "case.reported"
OPEN, CLOSED = "open", "closed"
# What each step means to whoever reported it.
NOTES = {
    REPORTED: "Received.",
    "case.filed": "Filed as a case.",
    "case.dispatched": "Sent to the departments that handle it.",
    "case.accepted": "A department has taken it on.",
    "case.handled": "Reported as solved; the centre checks it.",
    "case.returned": "Checked and not solved: it is handled again.",
    "case.verified": "Checked and solved.",
    "case.closed": "Closed.",
}


class ServiceRequests:
    """The read model `service_requests`."""

    name = "service_requests"
    version = 1
    topics = frozenset(NOTES)
    tables = TABLES

    async def apply(
        self, connection: "asyncpg.Connection[Any]", events: Sequence[RecordedEvent]
    ) -> None:
        """Insert what is new, and bring the others up to their last step."""
        new: dict[str, dict[str, Any]] = {}
        changed: dict[str, dict[str, Any]] = {}
        for event in events:
            if event.topic == REPORTED:
                new[event.stream_id] = _reported(event)
                continue
            row = new.get(event.stream_id) or changed.setdefault(event.stream_id, {"lead": None})
            _change(row, event)
        if new:
            rows = [[row[name] for name in COLUMNS] for row in new.values()]
            await connection.copy_records_to_table("requests", records=rows, columns=COLUMNS)
        if changed:
            columns = [
                [row[name] for row in changed.values()]
                for name in ("status", "status_notes", "lead", "updated_at", "position")
            ]
            await connection.execute(UPDATE, list(changed), *columns)


def _reported(event: RecordedEvent) -> dict[str, Any]:
    data = event.data
    same = ("class_code", "description", "address", "latitude", "longitude")
    return {name: data[name] for name in same} | {
        "case_id": event.stream_id, "status": OPEN, "status_notes": NOTES[REPORTED], "lead": None,
        "requested_at": data["occurred_at"], "updated_at": data["occurred_at"],
        "position": event.position,
    }  # fmt: skip


def _change(row: dict[str, Any], event: RecordedEvent) -> None:
    data = event.data
    closed = event.topic == "case.closed"
    row["status"] = CLOSED if closed else OPEN
    row["status_notes"] = (closed and data["resolution"]) or NOTES[event.topic]
    row["updated_at"], row["position"] = data["occurred_at"], event.position
    if event.topic == "case.dispatched":
        row["lead"] = data["lead"]

"""Open cases: one row for each case that is not closed, by department and class."""

from collections.abc import Sequence
from typing import Any

import asyncpg

from citybrain.eventstore import RecordedEvent

TABLES = """
CREATE TABLE cases (
    case_id     text COLLATE "C" PRIMARY KEY,
    class_code  text COLLATE "C" NOT NULL,
    status      text COLLATE "C" NOT NULL,
    source      text COLLATE "C" NOT NULL,
    lead        text COLLATE "C",
    departments text[] NOT NULL DEFAULT '{}',
    address     text,
    latitude    double precision NOT NULL,
    longitude   double precision NOT NULL,
    description text NOT NULL,
    simulated   boolean NOT NULL,
    reported_at timestamptz NOT NULL,
    updated_at  timestamptz NOT NULL,
    version     bigint NOT NULL,
    position    bigint NOT NULL
) WITH (fillfactor = 70);  -- most changes touch no index: they stay in their page
CREATE INDEX ON cases (reported_at, case_id);
CREATE INDEX ON cases (class_code, reported_at, case_id);
CREATE INDEX ON cases USING gin (departments);
"""

UPDATE = """
UPDATE cases c
SET status = coalesce(n.status, c.status),
    lead = coalesce(n.lead, c.lead),
    departments = coalesce(string_to_array(n.departments, ','), c.departments),
    updated_at = n.updated_at, version = n.version, position = n.position
FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::timestamptz[], $6::bigint[],
            $7::bigint[]) AS n(case_id, status, lead, departments, updated_at, version, position)
WHERE c.case_id = n.case_id
"""

DELETE = "DELETE FROM cases WHERE case_id = ANY($1)"

# The status that follows from an event; None where it depends on the lead.
STATUS = {
    "case.filed": "filed",
    "case.dispatched": "dispatched",
    "case.handled": "handled",
    "case.returned": "returned",
    "case.verified": "verified",
}
NEW_COLUMNS = (
    "case_id", "class_code", "status", "source", "lead", "departments", "address", "latitude",
    "longitude", "description", "simulated", "reported_at", "updated_at", "version", "position",
)  # fmt: skip
CHANGED_COLUMNS = ("case_id", "status", "lead", "departments", "updated_at", "version", "position")


class OpenCases:
    """The read model `open_cases`."""

    name = "open_cases"
    version = 2
    topics = frozenset({"case.reported", "case.accepted", "case.closed", *STATUS})
    tables = TABLES

    async def apply(
        self, connection: "asyncpg.Connection[Any]", events: Sequence[RecordedEvent]
    ) -> None:
        """Fold the batch to one row a case, then insert, update and delete set-wise."""
        leads = await self._leads(connection, events)
        new: dict[str, dict[str, Any]] = {}
        changed: dict[str, dict[str, Any]] = {}
        closed: list[str] = []
        for event in events:
            case_id = event.stream_id
            if event.topic == "case.reported":
                new[case_id] = _reported(event)
                continue
            row = new.get(case_id) or changed.setdefault(
                case_id, dict.fromkeys(CHANGED_COLUMNS) | {"case_id": case_id}
            )
            _change(row, event, leads)
            if event.topic == "case.closed":
                new.pop(case_id, None)
                if changed.pop(case_id, None) is not None:
                    closed.append(case_id)
        if new:
            rows = [[row[name] for name in NEW_COLUMNS] for row in new.values()]
            await connection.copy_records_to_table("cases", records=rows, columns=NEW_COLUMNS)
        if changed:
            for row in changed.values():
                row["departments"] = row["departments"] and ",".join(row["departments"])
            columns = [[row[name] for row in changed.values()] for name in CHANGED_COLUMNS]
            await connection.execute(UPDATE, *columns)
        if closed:
            await connection.execute(DELETE, closed)

    async def _leads(
        self, connection: "asyncpg.Connection[Any]", events: Sequence[RecordedEvent]
    ) -> dict[str, str]:
        """The lead of each case that is accepted in this batch, as known before it."""
        accepted = [event.stream_id for event in events if event.topic == "case.accepted"]
        if not accepted:
            return {}
        rows = await connection.fetch(
            "SELECT case_id, lead FROM cases WHERE case_id = ANY($1)", accepted
        )
        return {row["case_id"]: row["lead"] for row in rows}


def _reported(event: RecordedEvent) -> dict[str, Any]:
    data = event.data
    return {
        "case_id": event.stream_id,
        "status": "reported",
        "lead": None,
        "departments": [],
        "reported_at": data["occurred_at"],
        "updated_at": data["occurred_at"],
        "version": event.version,
        "position": event.position,
        **{
            name: data[name]
            for name in (
                "class_code", "source", "address", "latitude", "longitude", "description",
                "simulated",
            )
        },
    }  # fmt: skip


def _change(row: dict[str, Any], event: RecordedEvent, leads: dict[str, str]) -> None:
    data = event.data
    row["updated_at"] = data["occurred_at"]
    row["version"], row["position"] = event.version, event.position
    if event.topic == "case.accepted":
        if data["department"] == (row["lead"] or leads.get(event.stream_id)):
            row["status"] = "accepted"
    elif event.topic == "case.dispatched":
        row["lead"], row["departments"] = data["lead"], data["departments"]
    row["status"] = STATUS.get(event.topic, row["status"])

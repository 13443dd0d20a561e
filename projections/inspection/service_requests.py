"""Inspection cases as Open311 sees them: service requests, open or closed, with a note why.

Every case stays, the closed ones too: clients ask for what they reported long ago. `updates` has a
row for each step that a reporter is told of. What citizens comment is in neither.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

import asyncpg
import orjson

from citybrain.city_day import CITY_ZONE
from citybrain.domain.inspection.case import EVENTS
from citybrain.domain.inspection.deadlines import Stage
from citybrain.eventstore import RecordedEvent
from projections.reading import Pool, Row, fetch

TABLES = """
CREATE TABLE requests (
    case_id      text COLLATE "C" PRIMARY KEY,
    class_code   text COLLATE "C" NOT NULL,
    status       text COLLATE "C" NOT NULL,
    status_notes text NOT NULL,
    lead         text COLLATE "C",
    description  text NOT NULL,
    address      text,
    address_id   text,
    latitude     double precision NOT NULL,
    longitude    double precision NOT NULL,
    attributes   jsonb NOT NULL,
    requested_at timestamptz NOT NULL,
    updated_at   timestamptz NOT NULL,
    expected_at  timestamptz,
    state        jsonb NOT NULL,
    position     bigint NOT NULL
) WITH (fillfactor = 70);
CREATE INDEX ON requests (requested_at DESC, case_id DESC);
CREATE INDEX ON requests (class_code, requested_at DESC, case_id DESC);
CREATE INDEX ON requests (updated_at);
CREATE TABLE updates (
    case_id     text COLLATE "C" NOT NULL,
    version     bigint NOT NULL,
    status      text COLLATE "C" NOT NULL,
    description text NOT NULL,
    updated_at  timestamptz NOT NULL,
    position    bigint NOT NULL,
    PRIMARY KEY (case_id, version)
);
CREATE INDEX ON updates (updated_at, position);
"""

COLUMNS = (
    "case_id", "class_code", "status", "status_notes", "lead", "description", "address",
    "address_id", "latitude", "longitude", "attributes", "requested_at", "updated_at",
    "expected_at", "state", "position",
)  # fmt: skip
JSON_COLUMNS = frozenset({"attributes", "state"})
UPDATE_COLUMNS = ("case_id", "version", "status", "description", "updated_at", "position")
READ = f"SELECT {', '.join(COLUMNS)} FROM requests WHERE case_id = ANY($1)"  # noqa: S608
DELETE = "DELETE FROM requests WHERE case_id = ANY($1)"

REPORTED = "case.reported"
OPEN, CLOSED = "open", "closed"

# What each step means to whoever reported it: the status, a note where the event has no better
# one, and the word that the updates extension has for it. FIXED, NO_FURTHER_ACTION and
# DUPLICATE are for what is closed.
STEPS = {
    REPORTED: (OPEN, "Received.", "OPEN"),
    "case.filed": (OPEN, "Filed as a case.", "OPEN"),
    "case.dispatched": (OPEN, "Sent to the departments that handle it.", "INVESTIGATING"),
    "case.accepted": (OPEN, "A department has taken it on.", "IN_PROGRESS"),
    "case.decided": (OPEN, "It is settled what will be done.", "ACTION_SCHEDULED"),
    "case.extended": (OPEN, "It takes longer than planned.", "IN_PROGRESS"),
    "case.handed_back": (
        OPEN, "It went to the wrong department and is sent to another.", "INTERNAL_REFERRAL",
    ),
    "case.handled": (OPEN, "Reported as solved; the centre checks it.", "IN_PROGRESS"),
    "case.returned": (OPEN, "Checked and not solved: it is handled again.", "IN_PROGRESS"),
    "case.verified": (OPEN, "Checked and solved.", "IN_PROGRESS"),
    "case.closed": (CLOSED, "Closed.", "FIXED"),
    "case.reopened": (OPEN, "The problem is there again: it is handled again.", "REOPEN"),
    "case.voided": (CLOSED, "Closed without action.", "NO_FURTHER_ACTION"),
}  # fmt: skip
LAID_OVER = frozenset({"case.merged", "case.unmerged", "case.deferred", "case.resumed"})
# These change neither how a case stands nor its deadlines.
SILENT = frozenset(
    {
        "case.detection_merged", "case.detection_separated", "case.absorbed", "case.released",
        "case.change_requested", "case.change_denied", "case.deadline_warned",
        "case.deadline_missed", "case.commented",
    }
)  # fmt: skip


class ServiceRequests:
    """The read model `service_requests`."""

    name = "service_requests"
    version = 2
    topics = frozenset(event.TOPIC for event in EVENTS) - SILENT
    tables = TABLES

    async def apply(
        self, connection: "asyncpg.Connection[Any]", events: Sequence[RecordedEvent]
    ) -> None:
        """Fold the batch into its rows, write them anew, and add the updates."""
        ids = list({event.stream_id for event in events})
        rows = {found["case_id"]: _loaded(found) for found in await connection.fetch(READ, ids)}
        updates = []
        for event in events:
            if event.topic == REPORTED:
                rows[event.stream_id] = _reported(event)
            elif _change(rows[event.stream_id], event):
                updates.append(_update(rows[event.stream_id], event))
        records = [[_column(row, name) for name in COLUMNS] for row in rows.values()]
        await connection.execute(DELETE, ids)
        await connection.copy_records_to_table("requests", records=records, columns=COLUMNS)
        await connection.copy_records_to_table("updates", records=updates, columns=UPDATE_COLUMNS)


def _loaded(found: asyncpg.Record) -> Row:
    return dict(found) | {name: orjson.loads(found[name]) for name in JSON_COLUMNS}


def _column(row: Row, name: str) -> Any:
    return orjson.dumps(row[name]).decode() if name in JSON_COLUMNS else row[name]


def _reported(event: RecordedEvent) -> Row:
    """A new row. `state` is how the case stands by its steps, and what is laid over that."""
    data = event.data
    same = ("class_code", "description", "address", "latitude", "longitude")
    row = {name: data[name] for name in same} | {
        "case_id": event.stream_id,
        "lead": None,
        "attributes": data.get("attributes") or {},
        "address_id": data["external_ref"] if event.metadata.get("channel") == "open311" else None,
        "requested_at": data["occurred_at"],
        "updated_at": data["occurred_at"],
        "position": event.position,
        "state": {"standing": STEPS[REPORTED], "merged_into": None, "until": None, "running": {}},
    }
    _follow_deadlines(row, data)
    _show(row)
    return row


def _change(row: Row, event: RecordedEvent) -> bool:
    """Bring a row up to an event; whether its reporter is told of it."""
    topic, data, state = event.topic, event.data, row["state"]
    told = topic in LAID_OVER or topic in STEPS
    if topic == "case.accepted":
        told = data["department"] == row["lead"]
    if told and topic in STEPS:
        state["standing"] = _standing(topic, data)
    if topic == "case.dispatched":
        row["lead"] = data["lead"]
    elif topic == "case.handed_back":
        row["lead"] = None
    elif topic in ("case.merged", "case.unmerged"):
        state["merged_into"] = data.get("into_case_id")
    elif topic in ("case.deferred", "case.resumed"):
        state["until"] = data.get("until")
    _follow_deadlines(row, data)
    _show(row)
    row["position"] = event.position
    if told:
        row["updated_at"] = data["occurred_at"]
    return told


def _standing(topic: str, data: Row) -> tuple[str, str, str]:
    status, note, word = STEPS[topic]
    if topic == "case.closed":
        note = data["resolution"] or note
    elif topic == "case.voided":
        note = f"Closed without action: {data['reason']}"
    return status, note, word


def _show(row: Row) -> None:
    """Status, note and expected end from the state: a merge goes before a deferral."""
    state = row["state"]
    status, note, word = state["standing"]
    expected = _expected(state["running"]) if status == OPEN else None
    if state["merged_into"]:
        status, expected, word = CLOSED, None, "DUPLICATE"
        note = f"The same problem was reported before; it goes on as {state['merged_into']}."
    elif state["until"] and status == OPEN:
        until = datetime.fromisoformat(state["until"]).astimezone(CITY_ZONE)
        expected, word = None, "ACTION_SCHEDULED"  # the deadlines stand still
        note = f"Nothing can be done for now; it goes on by {until:%Y-%m-%d %H:%M}."
    row["status"], row["status_notes"], row["expected_at"] = status, note, expected
    state["word"] = word


def _expected(running: dict[str, list[str]]) -> datetime | None:
    """The due time of the closing, else the latest of all."""
    closing = [due for stage, due in running.values() if stage == Stage.CLOSING]
    return _latest(closing) or _latest(due for _, due in running.values())


def _latest(texts: Iterable[str]) -> datetime | None:
    return max(map(datetime.fromisoformat, texts), default=None)


def _follow_deadlines(row: Row, data: Row) -> None:
    running = row["state"]["running"]
    for ended in data.get("ended") or ():
        running.pop(ended["code"], None)
    for begun in data.get("begun") or ():
        running[begun["code"]] = [begun["stage"], begun["due_at"]]
    for moved in data.get("moved") or ():
        if each := running.get(moved["code"]):
            each[1] = moved["due_at"]


def _update(row: Row, event: RecordedEvent) -> tuple[Any, ...]:
    """A step as it is told. Its time is that of its recording: who asks again and again for what
    is new since then misses none.
    """
    return (
        row["case_id"],
        event.version,
        row["state"]["word"],
        row["status_notes"],
        event.recorded_at,
        event.position,
    )


SHOWN = """
case_id, class_code, status, status_notes, lead, description, address, address_id, latitude,
longitude, attributes::text AS attributes, requested_at, updated_at, expected_at
"""
PAGE = f"""
SELECT {SHOWN} FROM service_requests.requests
WHERE ($1::text[] IS NULL OR class_code = ANY($1)) AND ($2::text[] IS NULL OR status = ANY($2))
  AND requested_at BETWEEN $3 AND $4 AND updated_at BETWEEN $5 AND $6
ORDER BY requested_at DESC, case_id DESC LIMIT $7 OFFSET $8
"""  # noqa: S608
BY_ID = f"""
SELECT {SHOWN}
FROM service_requests.requests WHERE case_id = ANY($1) ORDER BY requested_at DESC, case_id DESC
"""  # noqa: S608
UPDATES = """
SELECT case_id, version, status, description, updated_at FROM service_requests.updates
WHERE updated_at BETWEEN $1 AND $2 AND ($3::text[] IS NULL OR case_id = ANY($3))
ORDER BY updated_at, position LIMIT $4 OFFSET $5
"""


async def page(
    pool: Pool,
    *,
    requested: tuple[datetime, datetime],
    updated: tuple[datetime, datetime],
    classes: Sequence[str] | None = None,
    statuses: Sequence[str] | None = None,
    limit: int = 1000,
    offset: int = 0,
) -> list[Row]:
    """Cases as Open311's service requests, newest first, both ends included."""
    rows = await fetch(pool, PAGE, classes, statuses, *requested, *updated, limit, offset)
    return [row | {"attributes": orjson.loads(row["attributes"])} for row in rows]


async def by_id(pool: Pool, case_ids: Sequence[str]) -> list[Row]:
    """The service requests of these cases, as far as they are there."""
    rows = await fetch(pool, BY_ID, case_ids)
    return [row | {"attributes": orjson.loads(row["attributes"])} for row in rows]


async def updates(
    pool: Pool,
    *,
    since: datetime,
    until: datetime,
    case_ids: Sequence[str] | None = None,
    limit: int = 1000,
    offset: int = 0,
) -> list[Row]:
    """What reporters are told, oldest first, both ends included."""
    return await fetch(pool, UPDATES, since, until, case_ids, limit, offset)

"""The case desk: one row for every case, and one for each of its running deadlines.

Deadlines come from the events as they are: what began, ended or was moved. The centre is
responsible for those of stages that no department has.
"""

from collections.abc import Sequence
from datetime import datetime
from math import cos, radians
from typing import Any

import asyncpg
import orjson

from citybrain.domain.inspection.case import EVENTS
from citybrain.eventstore import RecordedEvent
from projections.reading import Row

CITY_LATITUDE = 34.7466  # the map of `location` is true to distance here
EAST_SHRINKS = cos(radians(CITY_LATITUDE))

TABLES = """
CREATE TABLE cases (
    case_id         text COLLATE "C" PRIMARY KEY,
    class_code      text COLLATE "C" NOT NULL,
    status          text COLLATE "C" NOT NULL,
    open            boolean NOT NULL,
    source          text COLLATE "C" NOT NULL,
    lead            text COLLATE "C",
    departments     text[] NOT NULL,
    district        text COLLATE "C",
    street          text COLLATE "C",
    community       text COLLATE "C",
    cell            text COLLATE "C",
    address         text,
    latitude        double precision NOT NULL,
    longitude       double precision NOT NULL,
    location        point NOT NULL,
    description     text NOT NULL,
    simulated       boolean NOT NULL,
    reported_at     timestamptz NOT NULL,
    updated_at      timestamptz NOT NULL,
    closed_at       timestamptz,
    detections      integer NOT NULL,
    times_returned  integer NOT NULL,
    times_reopened  integer NOT NULL,
    deferred_until  timestamptz,
    merged_into     text COLLATE "C",
    requests        text[] NOT NULL,
    due_at          timestamptz,
    overdue         boolean NOT NULL,
    state           jsonb NOT NULL,
    version         bigint NOT NULL,
    position        bigint NOT NULL
) WITH (fillfactor = 70);
CREATE INDEX ON cases (reported_at, case_id);
CREATE INDEX ON cases (reported_at, case_id) WHERE open;
CREATE INDEX ON cases (class_code, reported_at, case_id) WHERE open;
CREATE INDEX ON cases (district, reported_at, case_id) WHERE open;
CREATE INDEX ON cases (cell, reported_at, case_id);
CREATE INDEX ON cases (reported_at, case_id) WHERE requests <> '{}';
CREATE INDEX ON cases (reported_at, case_id) WHERE open AND overdue;
CREATE INDEX ON cases USING gin (departments) WHERE open;
CREATE INDEX ON cases USING gist (location) WHERE open;
CREATE INDEX ON cases (case_id) WHERE simulated;
CREATE TABLE deadlines (
    case_id     text COLLATE "C" NOT NULL,
    code        text COLLATE "C" NOT NULL,
    stage       text COLLATE "C" NOT NULL,
    responsible text COLLATE "C" NOT NULL,
    district    text COLLATE "C",
    class_code  text COLLATE "C" NOT NULL,
    due_at      timestamptz NOT NULL,
    warn_at     timestamptz NOT NULL,
    warned      boolean NOT NULL,
    missed      boolean NOT NULL,
    paused      boolean NOT NULL,
    simulated   boolean NOT NULL,
    PRIMARY KEY (case_id, code)
);
CREATE INDEX ON deadlines (due_at, case_id, code) WHERE NOT paused;
CREATE INDEX ON deadlines (responsible, due_at, case_id, code) WHERE NOT paused;
"""

COLUMNS = (
    "case_id", "class_code", "status", "open", "source", "lead", "departments", "district",
    "street", "community", "cell", "address", "latitude", "longitude", "location", "description",
    "simulated", "reported_at", "updated_at", "closed_at", "detections", "times_returned",
    "times_reopened", "deferred_until", "merged_into", "requests", "due_at", "overdue", "state",
    "version", "position",
)  # fmt: skip
DEADLINE_COLUMNS = (
    "case_id", "code", "stage", "responsible", "district", "class_code", "due_at", "warn_at",
    "warned", "missed", "paused", "simulated",
)  # fmt: skip
CHANGING = {  # the columns that a later event changes, and how they travel
    "status": "text", "open": "boolean", "lead": "text", "departments": "list",
    "updated_at": "timestamptz", "closed_at": "timestamptz", "detections": "int",
    "times_returned": "int", "times_reopened": "int", "deferred_until": "timestamptz",
    "merged_into": "text", "requests": "list", "due_at": "timestamptz", "overdue": "boolean",
    "state": "jsonb", "version": "bigint", "position": "bigint",
}  # fmt: skip
SENT_AS = {"list": "text"}  # an array of arrays has no place in unnest
READ = f"SELECT {', '.join(COLUMNS)} FROM cases WHERE case_id = ANY($1)"  # noqa: S608
UPDATE = """
UPDATE cases c SET {assignments}
FROM unnest($1::text[], {arguments}) AS n(case_id, {columns}) WHERE c.case_id = n.case_id
""".format(  # most changes touch no index: they stay in their page
    assignments=", ".join(
        f"{name} = string_to_array(n.{name}, ',')" if kind == "list" else f"{name} = n.{name}"
        for name, kind in CHANGING.items()
    ),
    arguments=", ".join(
        f"${number}::{SENT_AS.get(kind, kind)}[]"
        for number, kind in enumerate(CHANGING.values(), 2)
    ),
    columns=", ".join(CHANGING),
)
DELETE_DEADLINES = "DELETE FROM deadlines WHERE case_id = ANY($1)"

REPORTED = "case.reported"
STATUS = {
    "case.filed": "filed", "case.dispatched": "dispatched", "case.handled": "handled",
    "case.returned": "returned", "case.verified": "verified", "case.closed": "closed",
    "case.reopened": "reopened", "case.voided": "voided", "case.merged": "merged",
    "case.handed_back": "filed",
}  # fmt: skip
OVER = frozenset({"closed", "voided", "merged"})
SAME = (
    "class_code", "source", "address", "latitude", "longitude", "description", "simulated",
)  # fmt: skip
PLACES = ("district", "street", "community", "cell")
CENTRE = "centre"

Deadlines = dict[str, list[tuple[Any, ...]]]


class CaseDesk:
    """The read model `case_desk`."""

    name = "case_desk"
    version = 1
    topics = frozenset(event.TOPIC for event in EVENTS)
    tables = TABLES

    async def apply(
        self, connection: "asyncpg.Connection[Any]", events: Sequence[RecordedEvent]
    ) -> None:
        """Fold the batch into its rows and write them anew."""
        rows: dict[str, Row] = {}
        ids = list({event.stream_id for event in events})
        for found in await connection.fetch(READ, ids):
            rows[found["case_id"]] = dict(found) | {"state": orjson.loads(found["state"])}
        known = set(rows)
        before = {case_id: _deadlines(row) for case_id, row in rows.items()}
        for event in events:
            if event.topic == REPORTED:
                rows[event.stream_id] = _reported(event)
            _change(rows[event.stream_id], event)
        new = [row for case_id, row in rows.items() if case_id not in known]
        if new:
            records = [[_column(row, name) for name in COLUMNS] for row in new]
            await connection.copy_records_to_table("cases", columns=COLUMNS, records=records)
        if known:
            changed = [rows[case_id] for case_id in known]
            columns = [[_sent(row, name) for row in changed] for name in CHANGING]
            await connection.execute(UPDATE, list(known), *columns)
        after = {case_id: _deadlines(row) for case_id, row in rows.items()}
        await self._write_deadlines(connection, before, after)

    async def _write_deadlines(
        self, connection: "asyncpg.Connection[Any]", before: Deadlines, after: Deadlines
    ) -> None:
        """Those of the cases where they have changed."""
        changed = [case_id for case_id in after if after[case_id] != before.get(case_id, [])]
        if gone := [case_id for case_id in changed if before.get(case_id)]:
            await connection.execute(DELETE_DEADLINES, gone)
        if records := [each for case_id in changed for each in after[case_id]]:
            await connection.copy_records_to_table(
                "deadlines", columns=DEADLINE_COLUMNS, records=records
            )


def _column(row: Row, name: str) -> Any:
    return orjson.dumps(row["state"]).decode() if name == "state" else row[name]


def _sent(row: Row, name: str) -> Any:
    return ",".join(row[name]) if CHANGING[name] == "list" else _column(row, name)


def _reported(event: RecordedEvent) -> Row:
    data = event.data
    place = data.get("place") or {}
    location = asyncpg.Point(data["longitude"] * EAST_SHRINKS, data["latitude"])
    return (
        dict.fromkeys(COLUMNS)
        | {name: data[name] for name in SAME}
        | {name: place.get(name) for name in PLACES}
        | {
            "case_id": event.stream_id,
            "status": "reported",
            "departments": [],
            "location": location,
            "reported_at": data["occurred_at"],
            "detections": 0,
            "times_returned": 0,
            "times_reopened": 0,
            "requests": [],
            "state": {"deadlines": {}, "requests": {}, "before_merge": None},
        }
    )


def _change(row: Row, event: RecordedEvent) -> None:
    data, topic, state = event.data, event.topic, row["state"]
    row["updated_at"] = data["occurred_at"]
    row["version"], row["position"] = event.version, event.position
    if topic == "case.merged":
        state["before_merge"], row["merged_into"] = row["status"], data["into_case_id"]
    row["status"] = STATUS.get(topic, row["status"])
    if change := CHANGES.get(topic):
        change(row, data)
    row["open"] = row["status"] not in OVER
    row["closed_at"] = data["occurred_at"] if topic == "case.closed" else row["closed_at"]
    row["closed_at"] = None if row["open"] else row["closed_at"]
    _follow_deadlines(state["deadlines"], data)
    row["requests"] = sorted(state["requests"].values())
    running = state["deadlines"].values()
    row["due_at"] = min((_moment(each["due_at"]) for each in running), default=None)
    row["overdue"] = any(each["missed"] for each in running)


def _dispatched(row: Row, data: Row) -> None:
    row["lead"], row["departments"] = data["lead"], data["departments"]


def _accepted(row: Row, data: Row) -> None:
    if data["department"] == row["lead"]:
        row["status"] = "accepted"


def _declined(row: Row, data: Row) -> None:
    row["departments"] = [each for each in row["departments"] if each != data["department"]]


def _handed_back(row: Row, data: Row) -> None:
    row["lead"], row["departments"] = None, []
    _voided(row, data)


def _unmerged(row: Row, _: Row) -> None:
    row["status"], row["merged_into"] = row["state"].pop("before_merge"), None
    row["state"]["before_merge"] = None


def _requested(row: Row, data: Row) -> None:
    row["state"]["requests"][data["request_id"]] = data["change"]


def _settled(row: Row, data: Row) -> None:
    row["state"]["requests"].pop(data["request_id"], None)


def _voided(row: Row, _: Row) -> None:
    """No request outlives it."""
    row["state"]["requests"] = {}


def _deferred(row: Row, data: Row) -> None:
    row["deferred_until"] = _moment(data["until"])
    _settled(row, data)


def _resumed(row: Row, _: Row) -> None:
    row["deferred_until"] = None


def _counts(column: str, by: int) -> Any:
    def count(row: Row, _: Row) -> None:
        row[column] += by

    return count


def _absorbed(row: Row, data: Row) -> None:
    row["detections"] += len(data["detections"])


def _released(row: Row, data: Row) -> None:
    row["detections"] -= len(data["detection_ids"])


def _warned(row: Row, data: Row) -> None:
    if deadline := row["state"]["deadlines"].get(data["code"]):
        deadline["warned"] = True


def _missed(row: Row, data: Row) -> None:
    if deadline := row["state"]["deadlines"].get(data["code"]):
        deadline["warned"] = deadline["missed"] = True


CHANGES = {
    "case.dispatched": _dispatched, "case.accepted": _accepted, "case.declined": _declined,
    "case.handed_back": _handed_back, "case.unmerged": _unmerged,
    "case.change_requested": _requested, "case.change_denied": _settled,
    "case.extended": _settled, "case.voided": _voided, "case.deferred": _deferred,
    "case.resumed": _resumed, "case.returned": _counts("times_returned", 1),
    "case.reopened": _counts("times_reopened", 1),
    "case.detection_merged": _counts("detections", 1),
    "case.detection_separated": _counts("detections", -1), "case.absorbed": _absorbed,
    "case.released": _released, "case.deadline_warned": _warned, "case.deadline_missed": _missed,
}  # fmt: skip


def _follow_deadlines(running: dict[str, Row], data: Row) -> None:
    for ended in data.get("ended") or ():
        running.pop(ended["code"], None)
    for begun in data.get("begun") or ():
        kept = {name: begun[name] for name in ("stage", "due_at", "warn_at")}
        running[begun["code"]] = kept | {"warned": False, "missed": False}
    for moved in data.get("moved") or ():
        if each := running.get(moved["code"]):
            each["warned"] = each["warned"] and each["warn_at"] == moved["warn_at"]
            each["missed"] = each["missed"] and each["due_at"] == moved["due_at"]
            each["warn_at"], each["due_at"] = moved["warn_at"], moved["due_at"]


def _deadlines(row: Row) -> list[tuple[Any, ...]]:
    """The rows of a case's running deadlines; none where it is over."""
    if not row["open"]:
        return []
    paused = row["deferred_until"] is not None
    return [
        (
            row["case_id"],
            code,
            each["stage"],
            (row["lead"] or CENTRE) if each["stage"] == "handling" else CENTRE,
            row["district"],
            row["class_code"],
            _moment(each["due_at"]),
            _moment(each["warn_at"]),
            each["warned"],
            each["missed"],
            paused,
            row["simulated"],
        )
        for code, each in row["state"]["deadlines"].items()
    ]


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)

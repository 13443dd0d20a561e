"""The case desk: one row for every case, and one for each of its running deadlines.

How a case stands follows from its events by the fold of the domain. Beside the tables stand their
rows as the API answers them: what is asked of them is in `case_desk_questions`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import cos, radians
from typing import Any

import asyncpg
import orjson
from pydantic import AwareDatetime, BaseModel, Field

from citybrain.columns import array, recordset
from citybrain.domain.actor import Role
from citybrain.domain.inspection.case import EVENT_OF
from citybrain.domain.inspection.case_events import REPORT, CaseReported
from citybrain.domain.inspection.daily_events import CaseReclassified, CaseRelocated
from citybrain.domain.inspection.deadlines import kept, recalled, responsible
from citybrain.domain.inspection.standing import Standing
from citybrain.domain.inspection.statuses import CaseStatus, is_over
from citybrain.domain.times import as_text, moment
from citybrain.eventstore import RecordedEvent
from projections.projection import Order
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
    latitude        double precision,
    longitude       double precision,
    location        point,
    description     text NOT NULL,
    description_sealed text,
    visibility      text COLLATE "C" NOT NULL,
    simulated       boolean NOT NULL,
    reported_at     timestamptz NOT NULL,
    updated_at      timestamptz NOT NULL,
    closed_at       timestamptz,
    detections      integer NOT NULL,
    times_returned  integer NOT NULL,
    times_reopened  integer NOT NULL,
    priority        text COLLATE "C" NOT NULL,
    assignees       text[] NOT NULL,
    rating          integer,
    asset_code      text COLLATE "C",
    external_ref    text COLLATE "C",
    reporter        text COLLATE "C",
    deferred_until  timestamptz,
    merged_into     text COLLATE "C",
    requests        text[] NOT NULL,
    due_at          timestamptz,
    overdue         boolean NOT NULL,
    state           jsonb NOT NULL,
    version         bigint NOT NULL,
    position        bigint NOT NULL
) WITH (fillfactor = 70);
-- No index has what each event changes: one that has makes each of them touch all indexes.
CREATE INDEX ON cases (reported_at, case_id);
CREATE INDEX ON cases (reported_at, case_id) WHERE open;
CREATE INDEX ON cases (class_code, reported_at, case_id) WHERE open;
CREATE INDEX ON cases (district, reported_at, case_id) WHERE open;
CREATE INDEX ON cases (cell, reported_at, case_id);
CREATE INDEX ON cases (reported_at, case_id) WHERE requests <> '{}';
CREATE INDEX ON cases (reported_at, case_id) WHERE open AND overdue;
CREATE INDEX ON cases USING gin (departments) WHERE open;
CREATE INDEX ON cases USING gist (location) WHERE open;
CREATE INDEX ON cases (reported_at, case_id) WHERE open AND location IS NULL;
CREATE INDEX ON cases (case_id) WHERE simulated;
CREATE INDEX ON cases (reported_at, case_id) WHERE open AND priority <> 'normal';
CREATE INDEX ON cases USING gin (assignees) WHERE open AND assignees <> '{}';
CREATE INDEX ON cases (asset_code, reported_at) WHERE asset_code IS NOT NULL;
CREATE INDEX ON cases (external_ref) WHERE external_ref IS NOT NULL;
CREATE INDEX ON cases (reporter) WHERE reporter IS NOT NULL;
CREATE INDEX ON cases (reported_at, case_id) WHERE visibility = 'flagged';
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


class CaseRow(BaseModel):
    """A row of the case desk."""

    case_id: str
    class_code: str
    status: str
    source: str
    lead: str | None
    departments: list[str]
    district: str | None
    street: str | None
    community: str | None
    cell: str | None
    address: str | None
    latitude: float | None = Field(description="null: it waits for a place")
    longitude: float | None
    description: str
    visibility: str = Field(description="what is public: public, flagged, hidden or private")
    simulated: bool
    reported_at: AwareDatetime
    updated_at: AwareDatetime
    closed_at: AwareDatetime | None
    detections: int
    times_returned: int
    times_reopened: int
    priority: str = Field(description="normal, high or urgent")
    assignees: list[str] = Field(description="the people of its departments who do it")
    rating: int | None = Field(description="stars of five, by its reporter")
    asset_code: str | None = Field(description="the thing in the street that it is about")
    deferred_until: AwareDatetime | None
    merged_into: str | None
    requests: list[str] = Field(description="changes that wait for a supervisor")
    due_at: AwareDatetime | None = Field(description="the next deadline")
    overdue: bool
    version: int
    position: int


class DeadlineRow(BaseModel):
    """A deadline that runs."""

    case_id: str
    code: str
    stage: str
    responsible: str = Field(description="a department, or `centre`")
    district: str | None
    class_code: str
    due_at: AwareDatetime
    warn_at: AwareDatetime
    warned: bool
    missed: bool
    simulated: bool


HIDDEN = ("description_sealed", "reporter", "external_ref")
"""What a row has that is no part of an answer."""
COLUMNS = (*CaseRow.model_fields, "open", "location", "state", *HIDDEN)
DEADLINE_COLUMNS = (*DeadlineRow.model_fields, "paused")
SAME = tuple(name for name in CaseRow.model_fields if name in REPORT)
"""What a row has of the report as it was."""

PLACES = ("district", "street", "community", "cell")
CHANGING = {  # the columns that a later event changes, and their types
    "status": "text",
    "open": "boolean",
    "lead": "text",
    "departments": "text[]",
    "updated_at": "timestamptz",
    "closed_at": "timestamptz",
    "detections": "integer",
    "times_returned": "integer",
    "times_reopened": "integer",
    "priority": "text",
    "assignees": "text[]",
    "rating": "integer",
    "asset_code": "text",
    "class_code": "text",
    "deferred_until": "timestamptz",
    "merged_into": "text",
    "requests": "text[]",
    "due_at": "timestamptz",
    "overdue": "boolean",
    "visibility": "text",
    "description_sealed": "text",
    "state": "jsonb",
    "version": "bigint",
    "position": "bigint",
}
READ = """
SELECT case_id, class_code, district, simulated, status, lead, departments, closed_at, detections,
       times_returned, times_reopened, deferred_until, merged_into, visibility, priority, rating,
       asset_code, description_sealed, state
FROM cases WHERE case_id = ANY($1::text::text[])
"""  # what later events change, or deadlines show
UPDATE = """
UPDATE cases c SET {assignments}
FROM json_to_recordset($1) AS n(case_id text, {columns}) WHERE c.case_id = n.case_id
""".format(  # most changes touch no index: they stay in their page
    assignments=", ".join(f"{name} = n.{name}" for name in CHANGING),
    columns=", ".join(f"{name} {kind}" for name, kind in CHANGING.items()),
)
PLACED = ("latitude", "longitude", "location", "address", *PLACES)
RELOCATE = """
UPDATE cases SET latitude = $2, longitude = $3, location = $4, address = $5, district = $6,
       street = $7, community = $8, cell = $9 WHERE case_id = $1
"""
DELETE_DEADLINES = "DELETE FROM deadlines WHERE case_id = ANY($1::text::text[])"

DeadlineRows = list[tuple[Any, ...]]


class CaseDesk:
    """The read model `case_desk`."""

    name = "case_desk"
    version = 4
    order = Order.STREAM
    tables = TABLES

    @property
    def topics(self) -> frozenset[str]:
        """All of a case."""
        return frozenset(EVENT_OF)

    async def apply(
        self, connection: "asyncpg.Connection[Any]", events: Sequence[RecordedEvent]
    ) -> None:
        """Fold the batch into its rows and write them anew."""
        ids = array({event.stream_id for event in events})
        moved = {event.stream_id for event in events if event.topic == CaseRelocated.TOPIC}
        known = {row["case_id"]: _kept(row) for row in await connection.fetch(READ, ids)}
        before = {case_id: case.deadline_rows() for case_id, case in known.items()}
        cases = dict(known)
        for event in events:
            if event.topic == CaseReported.TOPIC:
                cases[event.stream_id] = _reported(event)
            cases[event.stream_id].follow(event)
        new = [case.as_record() for case_id, case in cases.items() if case_id not in known]
        if new:
            await connection.copy_records_to_table("cases", columns=COLUMNS, records=new)
        if known:
            changed = [case.changing() for case in known.values()]
            await connection.execute(UPDATE, recordset(changed))
        for case_id in moved & known.keys():
            row = known[case_id].row
            await connection.execute(RELOCATE, case_id, *(row[name] for name in PLACED))
        after = {case_id: case.deadline_rows() for case_id, case in cases.items()}
        await self._write_deadlines(connection, before, after)

    async def _write_deadlines(
        self,
        connection: "asyncpg.Connection[Any]",
        before: Mapping[str, DeadlineRows],
        after: Mapping[str, DeadlineRows],
    ) -> None:
        """Those of the cases where they have changed."""
        changed = [case_id for case_id in after if after[case_id] != before.get(case_id, [])]
        if gone := [case_id for case_id in changed if before.get(case_id)]:
            await connection.execute(DELETE_DEADLINES, array(gone))
        if records := [row for case_id in changed for row in after[case_id]]:
            await connection.copy_records_to_table(
                "deadlines", columns=DEADLINE_COLUMNS, records=records
            )


@dataclass(slots=True)
class _Case:
    """A row, and how its case stands, while a batch is folded."""

    row: Row
    standing: Standing = field(default_factory=Standing)

    def follow(self, event: RecordedEvent) -> None:
        """Bring it up to an event."""
        row, data, meaning = self.row, event.data, EVENT_OF[event.topic]
        meaning.fold(self.standing, data)
        row["detections"] += meaning.adds_detections(data)
        row["updated_at"] = data["occurred_at"]
        if meaning is CaseReclassified:
            row["class_code"] = data["class_code"]
        elif meaning is CaseRelocated:
            row.update(_placed(data))
        row["version"], row["position"] = event.version, event.position
        if meaning.leads_to is CaseStatus.CLOSED:
            row["closed_at"] = data["occurred_at"]
        elif not is_over(self.standing.status):
            row["closed_at"] = None

    def changing(self) -> Row:
        """The columns that events change, beside its id."""
        row, standing = self.row, self.standing
        deadlines = standing.deadlines
        return {
            "case_id": row["case_id"],
            "status": standing.status,
            "open": not is_over(standing.status),
            "lead": standing.lead,
            "departments": standing.departments,
            "updated_at": row["updated_at"],
            "closed_at": row["closed_at"],
            "detections": row["detections"],
            "times_returned": standing.times_returned,
            "times_reopened": standing.times_reopened,
            "priority": standing.priority,
            "assignees": sorted(set(standing.assignees.values())),
            "rating": standing.rating,
            "asset_code": standing.asset_code,
            "class_code": row["class_code"],
            "deferred_until": standing.deferred_until and moment(standing.deferred_until),
            "merged_into": standing.merged_into,
            "requests": sorted(each["change"] for each in standing.requests),
            "due_at": min((moment(each["due_at"]) for each in deadlines), default=None),
            "overdue": any(each["missed"] for each in deadlines),
            "visibility": standing.visibility,
            "description_sealed": standing.description_sealed,
            "state": {
                "deadlines": {each["code"]: kept(each) for each in deadlines},
                "requests": {each["request_id"]: each["change"] for each in standing.requests},
                "before_merge": standing.status_before_merge,
                "assignees": standing.assignees,
            },
            "version": row["version"],
            "position": row["position"],
        }

    def as_record(self) -> list[Any]:
        """The whole row, in the order of the table."""
        row = self.row | self.changing()
        row["state"] = orjson.dumps(row["state"]).decode()
        return [row[name] for name in COLUMNS]

    def deadline_rows(self) -> DeadlineRows:
        """The rows of its running deadlines; none where it is over."""
        row, standing = self.row, self.standing
        if is_over(standing.status):
            return []
        paused = standing.deferred_until is not None
        return [
            (
                row["case_id"],
                deadline["code"],
                deadline["stage"],
                responsible(deadline["stage"], standing.lead),
                row["district"],
                row["class_code"],
                moment(deadline["due_at"]),
                moment(deadline["warn_at"]),
                deadline["warned"],
                deadline["missed"],
                row["simulated"],
                paused,
            )
            for deadline in standing.deadlines
        ]


def _reported(event: RecordedEvent) -> _Case:
    data, metadata = event.data, event.metadata
    by_citizen = Role.CITIZEN in str(metadata.get("role")).split(",")
    return _Case(
        {name: data.get(name) for name in SAME}
        | _placed(data)
        | {
            "case_id": event.stream_id,
            "reporter": metadata.get("actor") if by_citizen else None,
            "external_ref": data["external_ref"],
            "reported_at": data["occurred_at"],
            "closed_at": None,
            "detections": 0,
        }
    )


def _placed(data: Mapping[str, Any]) -> Row:
    """Where a case is, by the event that says so."""
    place = data.get("place") or {}
    north, east = data["latitude"], data["longitude"]
    return {name: place.get(name) for name in PLACES} | {
        "latitude": north,
        "longitude": east,
        "address": data["address"],
        "location": None if north is None else asyncpg.Point(east * EAST_SHRINKS, north),
    }


def _kept(found: Mapping[str, Any]) -> _Case:
    """What a row keeps of how its case stands; `state` has what is no column."""
    row = dict(found.items())
    state = orjson.loads(row["state"])
    standing = Standing(
        status=row["status"],
        lead=row["lead"],
        departments=row["departments"],
        deadlines=[recalled(code, **each) for code, each in state["deadlines"].items()],
        requests=[
            {"request_id": request_id, "change": change}
            for request_id, change in state["requests"].items()
        ],
        deferred_until=row["deferred_until"] and as_text(row["deferred_until"]),
        merged_into=row["merged_into"],
        status_before_merge=state["before_merge"],
        times_returned=row["times_returned"],
        times_reopened=row["times_reopened"],
        visibility=row["visibility"],
        priority=row["priority"],
        rating=row["rating"],
        asset_code=row["asset_code"],
        assignees=state["assignees"],
        description_sealed=row["description_sealed"],
    )
    return _Case(row, standing)

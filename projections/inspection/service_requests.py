"""Inspection cases as Open311 sees them: service requests, open or closed, with a note why.

Every case stays, the closed ones too: clients ask for what they reported long ago. `updates` has a
row for each step that a reporter is told of. What citizens comment is in neither.

What is new since a moment is asked by when it became known here (`known_at`), so that whoever asks
again and again misses nothing, however late we were told. That time is shown as the time of an
update, and never runs backwards. An import tells what another system knew: its steps are shown with
the time of the world, and its updates are apart from the others.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypedDict

import asyncpg
import orjson

from citybrain.columns import array
from citybrain.domain.inspection.case import EVENT_OF
from citybrain.domain.inspection.case_events import IMPORT_CHANNEL, CaseReported
from citybrain.domain.inspection.daily_events import CaseReclassified, CaseRelocated
from citybrain.domain.inspection.deadlines import recalled
from citybrain.domain.inspection.standing import Standing
from citybrain.domain.inspection.telling import SILENT, Shown, expected_at, laid_over, told_of
from citybrain.eventstore import RecordedEvent
from citybrain.geo.distance import EARTH_RADIUS_M
from projections.projection import Order
from projections.reading import Pool, Row, fetch

TABLES = """
CREATE TABLE requests (
    case_id      text COLLATE "C" PRIMARY KEY,
    class_code   text COLLATE "C" NOT NULL,
    status       text COLLATE "C" NOT NULL,
    status_notes text NOT NULL,
    lead         text COLLATE "C",
    description  text NOT NULL,
    description_sealed text,
    visibility   text COLLATE "C" NOT NULL,
    public_photos text[] NOT NULL,
    address      text,
    address_id   text,
    latitude     double precision,
    longitude    double precision,
    attributes   jsonb NOT NULL,
    requested_at timestamptz NOT NULL,
    updated_at   timestamptz NOT NULL,
    known_at     timestamptz NOT NULL,
    expected_at  timestamptz,
    simulated    boolean NOT NULL,
    state        jsonb NOT NULL,
    position     bigint NOT NULL
) WITH (fillfactor = 70);
CREATE INDEX ON requests (requested_at DESC, case_id DESC);
CREATE INDEX ON requests (class_code, requested_at DESC, case_id DESC);
CREATE INDEX ON requests (known_at);
CREATE INDEX ON requests (case_id) WHERE visibility = 'private';
CREATE TABLE updates (
    case_id     text COLLATE "C" NOT NULL,
    version     bigint NOT NULL,
    status      text COLLATE "C" NOT NULL,
    description text NOT NULL,
    updated_at  timestamptz NOT NULL,
    known_at    timestamptz NOT NULL,
    imported    boolean NOT NULL,
    position    bigint NOT NULL,
    PRIMARY KEY (case_id, version)
);
CREATE INDEX ON updates (known_at, position) WHERE NOT imported;
CREATE INDEX ON updates (known_at, position);
"""


class RequestRow(TypedDict):
    """A service request as it is asked for."""

    case_id: str
    class_code: str
    status: str
    status_notes: str
    lead: str | None
    description: str
    description_sealed: str | None
    visibility: str
    public_photos: list[str]
    address: str | None
    address_id: str | None
    latitude: float | None
    longitude: float | None
    attributes: dict[str, list[str]]
    requested_at: datetime
    updated_at: datetime
    expected_at: datetime | None
    simulated: bool


class UpdateRow(TypedDict):
    """What a reporter is told of one step."""

    case_id: str
    version: int
    status: str
    description: str
    updated_at: datetime


COLUMNS = (*RequestRow.__annotations__, "known_at", "state", "position")
UPDATE_COLUMNS = (*UpdateRow.__annotations__, "known_at", "imported", "position")
TAKE = f"""
DELETE FROM requests WHERE case_id = ANY($1::text::text[]) RETURNING {", ".join(COLUMNS)}
"""  # noqa: S608
CORRECTED = {
    CaseReclassified.TOPIC: ("class_code",),
    CaseRelocated.TOPIC: ("latitude", "longitude", "address"),
}
NOT_YET = Shown("", "", ""), Shown("", "", "")


class ServiceRequests:
    """The read model `service_requests`."""

    name = "service_requests"
    version = 6
    order = Order.STREAM
    tables = TABLES

    @property
    def topics(self) -> frozenset[str]:
        """All that change how a case is shown, or its deadlines."""
        return frozenset(topic for topic, event in EVENT_OF.items() if event not in SILENT)

    async def apply(
        self, connection: "asyncpg.Connection[Any]", events: Sequence[RecordedEvent]
    ) -> None:
        """Take the batch's rows out, fold it into them, put them back, and add the updates."""
        ids = array({event.stream_id for event in events})
        requests = {row["case_id"]: _kept(row) for row in await connection.fetch(TAKE, ids)}
        updates = []
        for event in events:
            if event.topic == CaseReported.TOPIC:
                requests[event.stream_id] = _reported(event)
            elif requests[event.stream_id].follow(event):
                updates.append(_update(requests[event.stream_id], event))
        records = [_record(request) for request in requests.values()]
        await connection.copy_records_to_table("requests", records=records, columns=COLUMNS)
        await connection.copy_records_to_table("updates", records=updates, columns=UPDATE_COLUMNS)


@dataclass(slots=True)
class _Request:
    """A row, how its case stands, and how it is shown: by its steps, and with what is laid over."""

    row: Row
    standing: Standing
    by_steps: Shown
    shown: Shown

    def follow(self, event: RecordedEvent) -> bool:
        """Bring it up to an event; whether its reporter is told of it."""
        data, meaning = event.data, EVENT_OF[event.topic]
        told = told_of(meaning, self.standing, data, self.by_steps)
        meaning.fold(self.standing, data)
        if event.topic in CORRECTED:
            self.row.update({name: data[name] for name in CORRECTED[event.topic]})
        self.by_steps = told or self.by_steps
        self.shown = laid_over(self.by_steps, self.standing)
        self.row["position"] = event.position
        if told is not None:
            at = data["occurred_at"] if _imported(event) else event.recorded_at
            self.row["updated_at"] = max(self.row["updated_at"], at)
            self.row["known_at"] = max(self.row["known_at"], event.recorded_at)
        return told is not None


def _reported(event: RecordedEvent) -> _Request:
    data = event.data
    same = ("class_code", "description", "address", "latitude", "longitude")
    row = {name: data[name] for name in same} | {
        "case_id": event.stream_id,
        "attributes": orjson.dumps(data.get("attributes") or {}).decode(),
        "address_id": data["external_ref"] if event.metadata.get("channel") == "open311" else None,
        "requested_at": data["occurred_at"],
        "updated_at": data["occurred_at"],
        "known_at": event.recorded_at,
        "simulated": data["simulated"],
    }
    request = _Request(row, Standing(), *NOT_YET)
    request.follow(event)
    return request


def _kept(found: Mapping[str, Any]) -> _Request:
    """What a row keeps. `state` is how its case is shown by its steps, and what is laid over."""
    row = dict(found.items())
    state = orjson.loads(row["state"])
    standing = Standing(
        lead=row["lead"],
        visibility=row["visibility"],
        description_sealed=row["description_sealed"],
        public_photos=row["public_photos"],
        merged_into=state["merged_into"],
        deferred_until=state["until"],
        deadlines=[recalled(code, *times) for code, times in state["running"].items()],
    )
    by_steps = Shown(*state["standing"])
    return _Request(row, standing, by_steps, laid_over(by_steps, standing))


def _record(request: _Request) -> list[Any]:
    """The whole row, in the order of the table."""
    standing, shown = request.standing, request.shown
    running = {each["code"]: [each["stage"], each["due_at"]] for each in standing.deadlines}
    state = {
        "standing": [*request.by_steps],
        "merged_into": standing.merged_into,
        "until": standing.deferred_until,
        "running": running,
        "word": shown.word,
    }
    row = request.row
    row["lead"], row["visibility"] = standing.lead, standing.visibility
    row["description_sealed"] = standing.description_sealed
    row["public_photos"] = standing.public_photos
    row["status"], row["status_notes"] = shown.status, shown.note
    row["expected_at"] = expected_at(shown, standing)
    row["state"] = orjson.dumps(state).decode()
    return [row[name] for name in COLUMNS]


def _update(request: _Request, event: RecordedEvent) -> tuple[Any, ...]:
    """A step as it is told; its time is that of its request."""
    return (
        request.row["case_id"],
        event.version,
        request.shown.word,
        request.shown.note,
        request.row["updated_at"],
        request.row["known_at"],
        _imported(event),
        event.position,
    )


def _imported(event: RecordedEvent) -> bool:
    return event.metadata.get("channel") == IMPORT_CHANNEL


SHOWN = ", ".join(
    "attributes::text" if n == "attributes" else n for n in RequestRow.__annotations__
)
PAGE = f"""
SELECT {SHOWN} FROM service_requests.requests
WHERE visibility <> 'private'
  AND ($1::text[] IS NULL OR class_code = ANY($1)) AND ($2::text[] IS NULL OR status = ANY($2))
  AND requested_at BETWEEN $3 AND $4 AND known_at BETWEEN $5 AND $6
  AND ($7::float8 IS NULL OR latitude BETWEEN $7 AND $9)
  AND ($8::float8 IS NULL OR CASE WHEN $8 <= $10 THEN longitude BETWEEN $8 AND $10
                                  ELSE longitude >= $8 OR longitude <= $10 END)
  AND ($11::float8 IS NULL OR 2 * {EARTH_RADIUS_M} * asin(sqrt(least(1,
       power(sind((latitude - $11) / 2), 2)
       + cosd($11) * cosd(latitude) * power(sind((longitude - $12) / 2), 2)))) <= $13)
ORDER BY requested_at DESC, case_id DESC LIMIT $14 OFFSET $15
"""  # noqa: S608
BY_ID = f"""
SELECT {SHOWN} FROM service_requests.requests
WHERE case_id = ANY($1) AND visibility <> 'private' ORDER BY requested_at DESC, case_id DESC
"""  # noqa: S608
UPDATES = f"""
SELECT {", ".join(UpdateRow.__annotations__)} FROM service_requests.updates
WHERE known_at BETWEEN $1 AND $2 AND ($3::text[] IS NULL OR case_id = ANY($3))
  AND (NOT imported OR $4)
  AND case_id NOT IN (SELECT case_id FROM service_requests.requests WHERE visibility = 'private')
ORDER BY known_at, position LIMIT $5 OFFSET $6
"""  # noqa: S608


async def page(
    pool: Pool,
    *,
    requested: tuple[datetime, datetime],
    updated: tuple[datetime, datetime],
    classes: Sequence[str] | None = None,
    statuses: Sequence[str] | None = None,
    around: tuple[float, float, float] | None = None,
    box: tuple[float, float, float, float] | None = None,
    limit: int = 1000,
    offset: int = 0,
) -> list[Row]:
    """`RequestRow`s, newest first, both ends included.

    `around`: within so many metres (the third) of a point; `box`: south, west, north, east, over
    180° where its west is the larger. `updated`: when what changed became known.
    """
    where = (*(box or [None] * 4), *(around or [None] * 3))
    rows = await fetch(pool, PAGE, classes, statuses, *requested, *updated, *where, limit, offset)
    return [_row(row) for row in rows]


async def by_id(pool: Pool, case_ids: Sequence[str]) -> list[Row]:
    """The service requests of these cases, as far as they are there."""
    return [_row(row) for row in await fetch(pool, BY_ID, case_ids)]


def _row(row: Row) -> Row:
    return row | {"attributes": orjson.loads(row["attributes"])}


async def updates(
    pool: Pool,
    *,
    since: datetime,
    until: datetime,
    case_ids: Sequence[str] | None = None,
    imports: bool = False,
    limit: int = 1000,
    offset: int = 0,
) -> list[Row]:
    """`UpdateRow`s by when they became known, oldest first, both ends included.

    `imports`: those, too, that an import told; they are among those of a case in any case.
    """
    told = imports or case_ids is not None
    return await fetch(pool, UPDATES, since, until, case_ids, told, limit, offset)

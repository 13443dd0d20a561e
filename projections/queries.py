"""What is read from the read models: one function a question, each one SQL statement."""

import asyncio
import time
from collections.abc import Sequence
from datetime import date, datetime
from typing import Any, TypeAlias

import asyncpg
import orjson

from citybrain.eventstore import EventStore
from citybrain.eventstore.reader import patiently
from citybrain.places.distance import degrees_around, metres_between
from projections.application_days import bucket_seconds
from projections.case_desk import EAST_SHRINKS
from projections.registry import PROJECTIONS

Pool: TypeAlias = "asyncpg.Pool[Any]"
Row = dict[str, Any]

POLL_SECONDS = 0.02

CASE_COLUMNS = """
case_id, class_code, status, source, lead, departments, district, street, community, cell, address,
latitude, longitude, description, simulated, reported_at, updated_at, closed_at, detections,
times_returned, times_reopened, deferred_until, merged_into, requests, due_at, overdue, version,
position
"""

CASES = f"""
SELECT {CASE_COLUMNS} FROM case_desk.cases
WHERE ($1::boolean IS NULL OR open = $1)
  AND ($2::text IS NULL OR departments @> ARRAY[$2])
  AND ($3::text IS NULL OR class_code = $3)
  AND ($4::text IS NULL OR status = $4)
  AND ($5::text IS NULL OR source = $5)
  AND ($6::text IS NULL OR cell LIKE $6 || '%')
  AND ($7::boolean IS NULL OR overdue = $7)
  AND ($8::boolean IS NULL OR (requests <> '{{}}') = $8)
  AND ($9::timestamptz IS NULL OR reported_at >= $9)
  AND ($10::timestamptz IS NULL OR reported_at < $10)
  AND ($11::timestamptz IS NULL OR (reported_at, case_id) > ($11, $12::text))
ORDER BY reported_at, case_id LIMIT $13
"""  # noqa: S608

CASES_NEAR = f"""
SELECT {CASE_COLUMNS} FROM case_desk.cases
WHERE location <@ box(point($1, $2), point($3, $4)) AND open
  AND ($5::text IS NULL OR departments @> ARRAY[$5])
ORDER BY location <-> point(($1 + $3) / 2, ($2 + $4) / 2) LIMIT $6
"""  # noqa: S608

OPEN_CASE_COUNTS = """
SELECT coalesce(lead, '') AS department, class_code, count(*) AS open
FROM case_desk.cases WHERE open GROUP BY 1, 2 ORDER BY 3 DESC, 1, 2
"""

DEADLINES = """
SELECT case_id, code, stage, responsible, district, class_code, due_at, warn_at, warned, missed,
       simulated
FROM case_desk.deadlines
WHERE NOT paused
  AND ($1::text IS NULL OR responsible = $1)
  AND ($2::text IS NULL OR stage = $2)
  AND ($3::text IS NULL OR district = $3)
  AND ($4::timestamptz IS NULL OR due_at <= $4)
  AND ($5::timestamptz IS NULL OR (due_at, case_id, code) > ($5, $6::text, $7::text))
ORDER BY due_at, case_id, code LIMIT $8
"""

DEADLINE_COUNTS = """
SELECT responsible, count(*) FILTER (WHERE due_at <= $1) AS overdue,
       count(*) FILTER (WHERE due_at > $1 AND due_at <= $1 + interval '1 hour') AS within_1_hour,
       count(*) FILTER (WHERE due_at > $1 AND due_at <= $1 + interval '4 hours') AS within_4_hours,
       count(*) FILTER (WHERE due_at > $1 AND due_at <= $1 + interval '24 hours')
           AS within_24_hours,
       count(*) AS running
FROM case_desk.deadlines WHERE NOT paused GROUP BY 1 ORDER BY 2 DESC, 1
"""

HEAT = """
SELECT north, east, sum(reported)::bigint AS reported FROM heat_grid.squares
WHERE day BETWEEN $1 AND $2 AND ($3::text IS NULL OR class_code = $3)
  AND north BETWEEN $4 AND $5 AND east BETWEEN $6 AND $7
GROUP BY 1, 2 ORDER BY 3 DESC, 1, 2 LIMIT $8
"""

EVALUATION = """
SELECT CASE $1 WHEN 'area' THEN district WHEN 'department' THEN department
               WHEN 'class' THEN class_code ELSE day::text END AS key,
       what, sum(count)::bigint AS count
FROM evaluation_days.counts
WHERE day BETWEEN $2 AND $3 AND ($4::text IS NULL OR department = $4)
  AND ($5::text IS NULL OR class_code = $5) AND ($6::text IS NULL OR district = $6)
GROUP BY 1, 2 ORDER BY 1, 2
"""

CASE_TIMELINE = """
SELECT case_id, version, position, topic, occurred_at, recorded_at, actor, role, channel, details
FROM case_timeline.entries
WHERE case_id = ANY($1) AND position > $2 AND ($3::text IS NULL OR topic = $3)
ORDER BY position LIMIT $4
"""

CASE_DAYS = """
SELECT day, class_code, reported, filed, dispatched, handled, returned, closed, reopened,
       CASE WHEN first_handled > 0 THEN ms_to_handled / first_handled / 1000.0 END
           AS mean_seconds_to_handled,
       CASE WHEN closed > 0 THEN ms_to_closed / closed / 1000.0 END AS mean_seconds_to_closed,
       CASE WHEN handled > 0 THEN (returned + reopened)::float8 / handled END AS rework_rate
FROM case_days.days
WHERE day BETWEEN $1 AND $2 AND ($3::text IS NULL OR class_code = $3)
ORDER BY day, class_code
"""

IDENTITY_DAYS = """
SELECT day, purpose, jsonb_object_agg(outcome, count)::text AS outcomes,
       (sum(count) FILTER (WHERE outcome = 'face-matched'))::float8
           / nullif(sum(count) FILTER (WHERE outcome LIKE 'face-%'), 0) AS face_success_rate,
       coalesce(sum(count) FILTER (WHERE outcome NOT LIKE 'face-%'), 0)::float8
           / nullif(sum(count) FILTER (
               WHERE outcome NOT LIKE 'face-%' OR outcome = 'face-matched'), 0) AS fallback_rate
FROM identity_days.outcomes
WHERE day BETWEEN $1 AND $2 AND ($3::text IS NULL OR purpose = $3)
GROUP BY day, purpose ORDER BY day, purpose
"""

APPLICATION_COLUMNS = """
application_id, citizen_id, service, department, item_version, status, channel, channels, held_by,
simulated, pays, submitted_at, promised_at, legal_due_on, identified_at, identity_method,
decided_at, decided_by, outcome, reasons, amount_fen, paid_at, payout_delayed, appealed, reviews,
updated_at, version, position
"""

APPLICATIONS = f"""
SELECT {APPLICATION_COLUMNS} FROM applications.applications
WHERE ($1::text IS NULL OR citizen_id = $1) AND ($2::text IS NULL OR status = $2)
  AND ($3::text IS NULL OR service = $3) AND ($4::text IS NULL OR department = $4)
  AND ($5::timestamptz IS NULL OR (submitted_at, application_id) < ($5, $6::text))
ORDER BY submitted_at DESC, application_id DESC LIMIT $7
"""  # noqa: S608

AWAITING = """
SELECT detection_id, camera_id, class_code, confidence, latitude, longitude, occurred_at,
       evidence_sha256, simulated
FROM detections.awaiting
WHERE ($1::text IS NULL OR class_code = $1)
  AND ($2::timestamptz IS NULL OR (occurred_at, detection_id) > ($2, $3::text))
ORDER BY occurred_at, detection_id LIMIT $4
"""

CAMERAS = """
SELECT camera_id, latitude, longitude, online, since, reason, simulated FROM cameras.cameras
WHERE ($1::boolean IS NULL OR online = $1) AND ($2::text IS NULL OR camera_id > $2)
ORDER BY camera_id LIMIT $3
"""

CAMERA_COUNTS = """
SELECT count(*) AS total, count(*) FILTER (WHERE NOT online) AS offline FROM cameras.cameras
"""

APPLICATION_QUEUE = f"""
SELECT {APPLICATION_COLUMNS} FROM applications.applications
WHERE waiting AND ($1::text IS NULL OR department = $1)
  AND ($2::timestamptz IS NULL
       OR (coalesce(legal_due_on, 'infinity'::date), submitted_at, application_id) > (
           (SELECT coalesce(last.legal_due_on, 'infinity'::date)
            FROM applications.applications last WHERE last.application_id = $3::text),
           $2, $3::text))
ORDER BY coalesce(legal_due_on, 'infinity'::date), submitted_at, application_id LIMIT $4
"""  # noqa: S608

APPLICATION = f"""
SELECT {APPLICATION_COLUMNS} FROM applications.applications WHERE application_id = $1
"""  # noqa: S608

APPLICATION_STEPS = """
SELECT version, position, topic, at, recorded_at, milliseconds, actor, role, channel,
       details::text AS details
FROM applications.steps WHERE application_id = $1 AND version > $2 ORDER BY version
"""

APPLICATION_DAYS = """
SELECT day, service, jsonb_object_agg(what, count)::text AS counts
FROM application_days.counts
WHERE day BETWEEN $1 AND $2 AND ($3::text IS NULL OR service = $3)
GROUP BY day, service ORDER BY day, service
"""

APPLICATION_SECONDS = """
SELECT bucket, sum(count)::bigint AS count FROM application_days.seconds
WHERE day BETWEEN $1 AND $2 AND ($3::text IS NULL OR service = $3)
GROUP BY bucket ORDER BY bucket
"""

SOURCE_DAYS = """
SELECT day, department, jsonb_object_agg(what, count)::text AS counts
FROM source_days.counts
WHERE day BETWEEN $1 AND $2 AND ($3::text IS NULL OR department = $3)
GROUP BY day, department ORDER BY day, department
"""

SOURCE_LATENCIES = """
SELECT day, department, bucket, count FROM source_days.latencies
WHERE day BETWEEN $1 AND $2 AND ($3::text IS NULL OR department = $3)
ORDER BY day, department, bucket
"""

REFUSAL_DAYS = """
SELECT day, service, by, reason, count FROM refusal_days.refusals
WHERE day BETWEEN $1 AND $2 AND ($3::text IS NULL OR service = $3)
ORDER BY day, service, count DESC, by, reason
"""

DATA_ACCESSES = """
SELECT access_id, at, who, what, purpose, stream_id, version FROM data_accesses.accesses
WHERE citizen_id = $1 AND ($2::timestamptz IS NULL OR (at, access_id) < ($2, $3::text))
ORDER BY at DESC, access_id DESC LIMIT $4
"""

SERVICE_REQUEST_COLUMNS = """
case_id, class_code, status, status_notes, lead, description, address, address_id, latitude,
longitude, attributes::text AS attributes, requested_at, updated_at, expected_at
"""

SERVICE_REQUESTS = f"""
SELECT {SERVICE_REQUEST_COLUMNS} FROM service_requests.requests
WHERE ($1::text[] IS NULL OR class_code = ANY($1)) AND ($2::text[] IS NULL OR status = ANY($2))
  AND requested_at BETWEEN $3 AND $4 AND updated_at BETWEEN $5 AND $6
ORDER BY requested_at DESC, case_id DESC LIMIT $7 OFFSET $8
"""  # noqa: S608

SERVICE_REQUESTS_BY_ID = f"""
SELECT {SERVICE_REQUEST_COLUMNS}
FROM service_requests.requests WHERE case_id = ANY($1) ORDER BY requested_at DESC, case_id DESC
"""  # noqa: S608

SERVICE_REQUEST_UPDATES = """
SELECT case_id, version, status, description, updated_at FROM service_requests.updates
WHERE updated_at BETWEEN $1 AND $2 AND ($3::text[] IS NULL OR case_id = ANY($3))
ORDER BY updated_at, position LIMIT $4 OFFSET $5
"""

STREAM_COUNTS = """
SELECT category, streams, events, last_position, last_recorded_at
FROM streams.categories ORDER BY category
"""

SUSPECTED_DUPLICATES = """
SELECT pair, citizen_id, other, score, threshold, enrolled, suspected_at
FROM suspected_duplicates.suspicions
WHERE $1::timestamptz IS NULL OR (suspected_at, pair) > ($1, $2::text)
ORDER BY suspected_at, pair LIMIT $3
"""

STATUS = """
SELECT c.projection, c.version, c.position, c.updated_at,
       (SELECT count(*) FROM parked_events p WHERE p.projection = c.projection) AS parked,
       EXISTS (
           SELECT 1 FROM pg_locks l
           WHERE l.locktype = 'advisory' AND l.granted
             AND (l.classid::bigint << 32 | l.objid::bigint)
               = hashtextextended('projection:' || c.projection, 7163850362)
       ) AS running
FROM projection_checkpoints c ORDER BY c.projection
"""

PARKED = """
SELECT projection, position, stream_id, topic, error, attempts, parked_at
FROM parked_events ORDER BY projection, position LIMIT $1
"""


async def cases(
    pool: Pool,
    *,
    is_open: bool | None = True,
    department: str | None = None,
    class_code: str | None = None,
    status: str | None = None,
    source: str | None = None,
    area: str | None = None,
    overdue: bool | None = None,
    waiting: bool | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    after: tuple[datetime, str] | None = None,
    limit: int = 50,
) -> list[Row]:
    """Cases, oldest first; `after` is (reported_at, case_id) of the last one seen.

    `area` is the code of a district, street, community or cell; `waiting`: for a supervisor.
    """
    reported_at, case_id = after or (None, None)
    return await _rows_planned(
        pool,
        CASES,
        is_open,
        department,
        class_code,
        status,
        source,
        area,
        overdue,
        waiting,
        since,
        until,
        reported_at,
        case_id,
        limit,
    )


async def cases_near(
    pool: Pool,
    latitude: float,
    longitude: float,
    *,
    radius_m: float,
    department: str | None = None,
    limit: int = 50,
) -> list[Row]:
    """Open cases within a circle, nearest first, with `distance_m`."""
    north, east = degrees_around(latitude, radius_m)
    west_x, east_x = ((longitude + each) * EAST_SHRINKS for each in (-east, east))
    rows = await _rows_planned(
        pool,
        CASES_NEAR,
        west_x,
        latitude - north,
        east_x,
        latitude + north,
        department,
        2 * limit + 50,
    )
    for row in rows:  # the index's map is not true everywhere: what it finds is measured
        row["distance_m"] = metres_between(latitude, longitude, row["latitude"], row["longitude"])
    near = sorted(
        (row for row in rows if row["distance_m"] <= radius_m),
        key=lambda row: (row["distance_m"], row["case_id"]),
    )
    return near[:limit]


async def deadlines(
    pool: Pool,
    *,
    responsible: str | None = None,
    stage: str | None = None,
    district: str | None = None,
    due_before: datetime | None = None,
    after: tuple[datetime, str, str] | None = None,
    limit: int = 50,
) -> list[Row]:
    """Running deadlines, the next one first; `after` is (due_at, case_id, code)."""
    return await _rows_planned(
        pool,
        DEADLINES,
        responsible,
        stage,
        district,
        due_before,
        *(after or (None, None, None)),
        limit,
    )


async def deadline_counts(pool: Pool, now: datetime) -> list[Row]:
    """Running deadlines by who is responsible: overdue, and due within some hours."""
    return await _rows(pool, DEADLINE_COUNTS, now)


async def heat(
    pool: Pool,
    *,
    since: date,
    until: date,
    class_code: str | None,
    squares: tuple[int, int, int, int],
    limit: int,
) -> list[Row]:
    """Reports by square, the most first. `squares`: south, north, west, east, all included."""
    return await _rows_planned(pool, HEAT, since, until, class_code, *squares, limit)


async def evaluation(
    pool: Pool,
    *,
    by: str,
    since: date,
    until: date,
    department: str | None = None,
    class_code: str | None = None,
    district: str | None = None,
) -> dict[str, dict[str, int]]:
    """What happened in these days, by area, department, class or day."""
    found: dict[str, dict[str, int]] = {}
    rows = await _rows_planned(pool, EVALUATION, by, since, until, department, class_code, district)
    for row in rows:
        found.setdefault(row["key"], {})[row["what"]] = row["count"]
    return found


async def open_case_counts(pool: Pool) -> list[Row]:
    """Open cases by leading department ('' before dispatch) and class."""
    return await _rows(pool, OPEN_CASE_COUNTS)


async def case_timeline(
    pool: Pool,
    case_ids: Sequence[str],
    *,
    topic: str | None = None,
    after: int = 0,
    limit: int | None = None,
) -> list[Row]:
    """The events of cases behind a position, in the order of the log; `details` decoded."""
    rows = await _rows(pool, CASE_TIMELINE, list(case_ids), after, topic, limit)
    return [row | {"details": orjson.loads(row["details"])} for row in rows]


async def case_days(
    pool: Pool, *, since: date, until: date, class_code: str | None = None
) -> list[Row]:
    """Counts, mean seconds and rates by city day and class, both days included."""
    return await _rows(pool, CASE_DAYS, since, until, class_code)


async def identity_days(
    pool: Pool, *, since: date, until: date, purpose: str | None = None
) -> list[Row]:
    """How people were identified, by city day and purpose, both days included."""
    rows = await _rows(pool, IDENTITY_DAYS, since, until, purpose)
    return [row | {"outcomes": orjson.loads(row["outcomes"])} for row in rows]


async def applications(
    pool: Pool,
    *,
    citizen_id: str | None = None,
    status: str | None = None,
    service: str | None = None,
    department: str | None = None,
    after: tuple[datetime, str] | None = None,
    limit: int = 50,
) -> list[Row]:
    """Applications, newest first; `after` is (submitted_at, application_id) of the last seen."""
    at, application_id = after or (None, None)
    return await _rows(
        pool, APPLICATIONS, citizen_id, status, service, department, at, application_id, limit
    )


async def application_queue(
    pool: Pool,
    *,
    department: str | None = None,
    after: tuple[datetime, str] | None = None,
    limit: int = 50,
) -> list[Row]:
    """What waits for an officer, by legal day, then longest waiting first.

    `after` is (submitted_at, application_id) of the last seen; its legal day never changes.
    """
    at, application_id = after or (None, None)
    return await _rows(pool, APPLICATION_QUEUE, department, at, application_id, limit)


async def application(pool: Pool, application_id: str) -> Row | None:
    """One application; None where the read model does not have it."""
    rows = await _rows(pool, APPLICATION, application_id)
    return rows[0] if rows else None


async def application_steps(pool: Pool, application_id: str, after: int = 0) -> list[Row]:
    """The steps behind a version, in order; `details` decoded."""
    rows = await _rows(pool, APPLICATION_STEPS, application_id, after)
    return [row | {"details": orjson.loads(row["details"])} for row in rows]


async def application_days(
    pool: Pool, *, since: date, until: date, service: str | None = None
) -> list[Row]:
    """What became of applications, by the city's day of submission and service."""
    rows = await _rows(pool, APPLICATION_DAYS, since, until, service)
    return [row | {"counts": orjson.loads(row["counts"])} for row in rows]


async def seconds_to_money(
    pool: Pool, *, since: date, until: date, service: str | None = None
) -> list[tuple[float, int]]:
    """From submission to the bank's receipt: (seconds at most, how many), ascending."""
    rows = await _rows(pool, APPLICATION_SECONDS, since, until, service)
    return [(bucket_seconds(row["bucket"]), row["count"]) for row in rows]


async def source_days(
    pool: Pool, *, since: date, until: date, department: str | None = None
) -> list[Row]:
    """Departments by day: counts, and answers by their time (seconds at most, how many)."""
    rows = await _rows(pool, SOURCE_DAYS, since, until, department)
    latencies: dict[tuple[date, str], list[tuple[float, int]]] = {}
    for row in await _rows(pool, SOURCE_LATENCIES, since, until, department):
        found = latencies.setdefault((row["day"], row["department"]), [])
        found.append((bucket_seconds(row["bucket"]), row["count"]))
    return [
        row
        | {
            "counts": orjson.loads(row["counts"]),
            "seconds": latencies.get((row["day"], row["department"]), []),
        }
        for row in rows
    ]


async def refusal_days(
    pool: Pool, *, since: date, until: date, service: str | None = None
) -> list[Row]:
    """Refusals by day, service, who refused, and reason."""
    return await _rows(pool, REFUSAL_DAYS, since, until, service)


async def data_accesses(
    pool: Pool, citizen_id: str, *, after: tuple[datetime, str] | None = None, limit: int = 50
) -> list[Row]:
    """Who used a citizen's data, newest first; `after` is (at, access_id) of the last seen."""
    at, access_id = after or (None, None)
    return await _rows(pool, DATA_ACCESSES, citizen_id, at, access_id, limit)


async def service_requests(
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
    rows = await _rows(
        pool, SERVICE_REQUESTS, classes, statuses, *requested, *updated, limit, offset
    )
    return [row | {"attributes": orjson.loads(row["attributes"])} for row in rows]


async def service_requests_by_id(pool: Pool, case_ids: Sequence[str]) -> list[Row]:
    """The service requests of these cases, as far as they are there."""
    rows = await _rows(pool, SERVICE_REQUESTS_BY_ID, case_ids)
    return [row | {"attributes": orjson.loads(row["attributes"])} for row in rows]


async def service_request_updates(
    pool: Pool,
    *,
    since: datetime,
    until: datetime,
    case_ids: Sequence[str] | None = None,
    limit: int = 1000,
    offset: int = 0,
) -> list[Row]:
    """What reporters are told, oldest first, both ends included."""
    return await _rows(pool, SERVICE_REQUEST_UPDATES, since, until, case_ids, limit, offset)


async def stream_counts(pool: Pool) -> list[Row]:
    """Streams and events by category."""
    return await _rows(pool, STREAM_COUNTS)


async def suspected_duplicates(
    pool: Pool, *, after: tuple[datetime, str] | None = None, limit: int = 50
) -> list[Row]:
    """Faces enrolled for two people, oldest first; `after` is (suspected_at, pair)."""
    suspected_at, pair = after or (None, None)
    return await _rows(pool, SUSPECTED_DUPLICATES, suspected_at, pair, limit)


async def projection_status(store: EventStore) -> list[Row]:
    """Version, position, lag and parked events of each live projection."""
    head = await store.head()
    live = {projection.name for projection in PROJECTIONS}
    return [
        row | {"lag": max(head - row["position"], 0)}
        for row in await _rows(store.pool, STATUS)
        if row["projection"] in live
    ]


async def parked_events(pool: Pool, limit: int = 100) -> list[Row]:
    """Events that projections set aside."""
    return await _rows(pool, PARKED, limit)


async def awaiting_detections(
    pool: Pool,
    *,
    class_code: str | None = None,
    after: tuple[datetime, str] | None = None,
    limit: int = 50,
) -> list[Row]:
    """Detections that wait for a person, longest waiting first."""
    at, detection_id = after or (None, None)
    return await _rows(pool, AWAITING, class_code, at, detection_id, limit)


async def cameras(
    pool: Pool, *, online: bool | None = None, after: str | None = None, limit: int = 50
) -> list[Row]:
    """Cameras by id."""
    return await _rows(pool, CAMERAS, online, after, limit)


async def camera_counts(pool: Pool) -> tuple[int, int]:
    """How many cameras there are, and how many of them see nothing."""
    (row,) = await _rows(pool, CAMERA_COUNTS)
    return row["total"], row["offline"]


async def reached(pool: Pool, projection: str, position: int) -> bool:
    """Whether a read model has reached a log position."""
    rows = await _rows(
        pool, "SELECT position FROM projection_checkpoints WHERE projection = $1", projection
    )
    return bool(rows) and bool(rows[0]["position"] >= position)


async def wait_until(pool: Pool, projection: str, position: int, timeout_seconds: float) -> bool:
    """Wait until a read model has reached a log position; false when it did not in time."""
    deadline = time.monotonic() + timeout_seconds
    while True:
        if await reached(pool, projection, position):
            return True
        if time.monotonic() >= deadline:
            return False
        await asyncio.sleep(POLL_SECONDS)


async def _rows_planned(pool: Pool, query: str, *arguments: Any) -> list[Row]:
    """Rows of a query with many filters that may be absent: planned for those that are given.

    PostgreSQL would keep one plan for all of them, which is a poor one for each.
    """

    async def ask() -> list[Any]:
        async with pool.acquire() as connection, connection.transaction(readonly=True):
            await connection.execute("SET LOCAL plan_cache_mode = force_custom_plan")
            return await connection.fetch(query, *arguments)

    return [dict(row) for row in await patiently(ask)]


async def _rows(pool: Pool, query: str, *arguments: Any) -> list[Row]:
    return [dict(row) for row in await patiently(lambda: pool.fetch(query, *arguments))]

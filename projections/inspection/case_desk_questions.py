"""What is asked of the case desk: lists, what is near, deadlines, counts."""

from collections.abc import Sequence
from dataclasses import astuple, dataclass
from datetime import datetime

from pydantic import BaseModel

from citybrain.geo.distance import degrees_around, metres_between
from projections.inspection.case_desk import EAST_SHRINKS, CaseRow, DeadlineRow
from projections.reading import Pool, Row, columns, fetch, fetch_planned

COLUMNS = columns(CaseRow, "description_sealed")


class NearRow(CaseRow):
    """A case and how far it is."""

    distance_m: float


class OpenCount(BaseModel):
    """Open cases of a leading department and class; department is empty before dispatch."""

    department: str
    class_code: str
    open: int


class DeadlineCount(BaseModel):
    """Deadlines of one department, or of the centre."""

    responsible: str
    overdue: int
    within_1_hour: int
    within_4_hours: int
    within_24_hours: int
    running: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which cases, in the order in which `CASES` takes it; what is None does not matter.

    `area` is the code of a district, street, community or cell; `waiting`: for a supervisor.
    `placed`: false for those that wait for a place. `said` stands in its address, or is its id, or
    what it is called elsewhere.
    """

    is_open: bool | None = True
    department: str | None = None
    class_code: str | None = None
    status: str | None = None
    source: str | None = None
    area: str | None = None
    overdue: bool | None = None
    waiting: bool | None = None
    since: datetime | None = None
    until: datetime | None = None
    visibility: str | None = None
    priority: str | None = None
    assignee: str | None = None
    said: str | None = None
    asset_code: str | None = None
    placed: bool | None = None


OPEN_ONES = Wanted()

CASES = f"""
SELECT {COLUMNS} FROM case_desk.cases
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
  AND ($11::text IS NULL OR visibility = $11)
  AND ($12::text IS NULL OR priority = $12)
  AND ($13::text IS NULL OR assignees @> ARRAY[$13])
  AND ($14::text IS NULL OR strpos(lower(address), lower($14)) > 0
       OR case_id = $14 OR external_ref = $14)
  AND ($15::text IS NULL OR asset_code = $15)
  AND ($16::boolean IS NULL OR (location IS NOT NULL) = $16)
  AND ($17::timestamptz IS NULL OR (reported_at, case_id) > ($17, $18::text))
ORDER BY reported_at, case_id LIMIT $19
"""  # noqa: S608

REPORTED_BY = f"""
SELECT {COLUMNS} FROM case_desk.cases
WHERE reporter = $1 AND position < $2 ORDER BY position DESC LIMIT $3
"""  # noqa: S608

OF_IDS = f"""
SELECT {COLUMNS} FROM case_desk.cases
WHERE case_id = ANY($1) AND ($2::boolean IS NULL OR open = $2)
  AND ($3::text IS NULL OR departments @> ARRAY[$3])
ORDER BY reported_at DESC, case_id DESC LIMIT $4
"""  # noqa: S608

NEAR = f"""
SELECT {COLUMNS} FROM case_desk.cases
WHERE location <@ box(point($1, $2), point($3, $4)) AND open
  AND ($5::text IS NULL OR departments @> ARRAY[$5])
ORDER BY location <-> point(($1 + $3) / 2, ($2 + $4) / 2) LIMIT $6
"""  # noqa: S608

OPEN_COUNTS = """
SELECT coalesce(lead, '') AS department, class_code, count(*) AS open
FROM case_desk.cases WHERE open GROUP BY 1, 2 ORDER BY 3 DESC, 1, 2
"""

DEADLINES = f"""
SELECT {", ".join(DeadlineRow.model_fields)} FROM case_desk.deadlines
WHERE NOT paused
  AND ($1::text IS NULL OR responsible = $1)
  AND ($2::text IS NULL OR stage = $2)
  AND ($3::text IS NULL OR district = $3)
  AND ($4::timestamptz IS NULL OR due_at <= $4)
  AND ($5::timestamptz IS NULL OR (due_at, case_id, code) > ($5, $6::text, $7::text))
ORDER BY due_at, case_id, code LIMIT $8
"""  # noqa: S608

DEADLINE_COUNTS = """
SELECT responsible, count(*) FILTER (WHERE due_at <= $1) AS overdue,
       count(*) FILTER (WHERE due_at > $1 AND due_at <= $1 + interval '1 hour') AS within_1_hour,
       count(*) FILTER (WHERE due_at > $1 AND due_at <= $1 + interval '4 hours') AS within_4_hours,
       count(*) FILTER (WHERE due_at > $1 AND due_at <= $1 + interval '24 hours')
           AS within_24_hours,
       count(*) AS running
FROM case_desk.deadlines WHERE NOT paused GROUP BY 1 ORDER BY 2 DESC, 1
"""

ANY_SIMULATED = "SELECT EXISTS (SELECT FROM case_desk.cases WHERE simulated) AS found"


async def cases(
    pool: Pool,
    wanted: Wanted = OPEN_ONES,
    *,
    after: tuple[datetime, str] | None = None,
    limit: int = 50,
) -> list[Row]:
    """Cases, oldest first; `after` is (reported_at, case_id) of the last one seen."""
    return await fetch_planned(pool, CASES, *astuple(wanted), *(after or (None, None)), limit)


async def reported_by(pool: Pool, reporter: str, *, before: int, limit: int) -> list[Row]:
    """The cases that somebody reported, what changed last first, before a log position."""
    return await fetch(pool, REPORTED_BY, reporter, before, limit)


async def of_ids(
    pool: Pool, case_ids: Sequence[str], *, is_open: bool | None, department: str | None, limit: int
) -> list[Row]:
    """Those of these cases that are a department's, and open or over, newest first."""
    return await fetch(pool, OF_IDS, list(case_ids), is_open, department, limit)


async def near(
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
    rows = await fetch_planned(
        pool, NEAR, west_x, latitude - north, east_x, latitude + north, department, 2 * limit + 50
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
    return await fetch_planned(
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
    return await fetch(pool, DEADLINE_COUNTS, now)


async def open_counts(pool: Pool) -> list[Row]:
    """Open cases by leading department ('' before dispatch) and class."""
    return await fetch(pool, OPEN_COUNTS)


async def any_simulated(pool: Pool) -> bool:
    """Whether a made-up case is among them."""
    (row,) = await fetch(pool, ANY_SIMULATED)
    return bool(row["found"])

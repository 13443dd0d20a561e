"""Open cases as a map shows them. Questions to the read model `case_desk`."""

from collections.abc import Sequence
from typing import TypeAlias

from pydantic import AwareDatetime, BaseModel, Field

from projections.inspection.case_desk import EAST_SHRINKS
from projections.reading import Pool, Row, columns, fetch_planned

Box: TypeAlias = tuple[float, float, float, float]
"""South, west, north and east, in degrees."""


class CaseOnMap(BaseModel):
    """An open case: where, of which class, and by when."""

    case_id: str
    class_code: str
    latitude: float
    longitude: float
    status: str
    priority: str
    due_at: AwareDatetime | None = Field(
        description="the next deadline, which may be over; null: none runs, or it stands still"
    )
    simulated: bool


SHOWN = columns(CaseOnMap).replace(
    "due_at", "CASE WHEN deferred_until IS NULL THEN due_at END AS due_at"
)
IN_BOX = "location <@ box(point($1, $2), point($3, $4))"
THERE = f"""
SELECT {SHOWN} FROM case_desk.cases c
WHERE {IN_BOX} AND open AND ($5::text IS NULL OR departments @> ARRAY[$5])
ORDER BY c.due_at NULLS LAST, case_id LIMIT $6
"""  # noqa: S608
OF_THESE = f"""
SELECT {SHOWN}, open AND {IN_BOX} AND ($5::text IS NULL OR departments @> ARRAY[$5]) AS there,
       {IN_BOX} AS inside
FROM case_desk.cases c
WHERE case_id = ANY($6) AND location IS NOT NULL ORDER BY c.due_at NULLS LAST, case_id
"""  # noqa: S608


async def there(pool: Pool, box: Box, department: str | None, *, limit: int) -> list[Row]:
    """Open cases in a box, of one department or of all: what is due first comes first."""
    return await fetch_planned(pool, THERE, *_corners(box), department, limit)


async def of_these(
    pool: Pool, box: Box, department: str | None, case_ids: Sequence[str]
) -> list[Row]:
    """Those of these cases that have a place: `there` as above, `inside` the box."""
    return await fetch_planned(pool, OF_THESE, *_corners(box), department, list(case_ids))


def _corners(box: Box) -> tuple[float, float, float, float]:
    south, west, north, east = box
    return west * EAST_SHRINKS, south, east * EAST_SHRINKS, north

"""For whom applications wait, counted: whether somebody has each of them, or it is stranded.

Questions to the read model `applications`; what counts as stranded is the domain's.
"""

from datetime import date, datetime

from pydantic import BaseModel, Field

from citybrain.domain.applications.waiting import MARGIN, Waits
from projections.reading import Pool, fetch

COUNTS = f"""
SELECT waits_for, count(*) AS count,
       count(*) FILTER (WHERE due_at < $1 OR waits_for = '{Waits.NOBODY}') AS stranded,
       count(*) FILTER (WHERE waiting AND legal_due_on < $2) AS overdue
FROM applications.applications
WHERE waits_for <> '{Waits.ENDED}' AND ($3::text IS NULL OR service = $3) GROUP BY waits_for
"""  # noqa: S608


class WaitingCounts(BaseModel):
    """Applications that have not ended, now."""

    person: int = Field(0, description="wait for their applicant")
    moving: int = Field(0, description="go on by themselves")
    officer: int = Field(0, description="wait for an officer")
    bank: int = Field(0, description="wait for the bank")
    overdue: int = Field(0, description="in an officer's queue, beyond the law's day")
    stranded: int = Field(0, description="nobody has them, or nobody was woken: always 0")


async def counts(
    pool: Pool, *, now: datetime, today: date, service: str | None = None
) -> WaitingCounts:
    """How many wait for whom, of one service or of all; `stranded` are those that nobody has."""
    found = WaitingCounts()
    for row in await fetch(pool, COUNTS, now - MARGIN, today, service):
        if row["waits_for"] != Waits.NOBODY:
            setattr(found, row["waits_for"], row["count"])
        found.overdue += row["overdue"]
        found.stranded += row["stranded"]
    return found

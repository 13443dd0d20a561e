"""Arrears by age and district as of any moment, from what `parking_claims` keeps.

What was open is asked as of the moment at which it was recorded, so what is told later changes no
answer that was given.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from pydantic import BaseModel, Field

from citybrain.domain.parking.ageing import buckets
from projections.reading import Pool, fetch

ARREARS = """
SELECT width_bucket($1 - due_at, $2::interval[]) AS bucket, area_id, count(*) AS claims,
       count(DISTINCT debtor) AS debtors, sum(open_fen)::bigint AS open_fen,
       coalesce(sum(open_fen) FILTER (WHERE suspended), 0)::bigint AS suspended_fen
FROM parking_claims.debts
WHERE from_at <= $1 AND (until_at IS NULL OR until_at > $1) AND due_at <= $1
GROUP BY bucket, area_id ORDER BY area_id NULLS LAST, bucket
"""


class ArrearsRow(BaseModel):
    """What is open of one age in one district."""

    area_id: str | None = Field(description="the district; null where it is of none")
    age_days: str = Field(description="from its first day on until before its last: `7-30`, `30+`")
    claims: int
    debtors: int = Field(description="people, or vehicles of which nobody is known")
    open_fen: int
    suspended_fen: int = Field(description="what of it is not collected while it is looked into")


async def arrears(pool: Pool, at: datetime, edges: Sequence[timedelta]) -> list[ArrearsRow]:
    """Every debt that was due at a moment, in the one bucket of its age."""
    ages = buckets(edges)
    rows = await fetch(pool, ARREARS, at, [age.begins for age in ages])
    return [
        ArrearsRow.model_validate(row | {"age_days": ages[row["bucket"] - 1].name}) for row in rows
    ]

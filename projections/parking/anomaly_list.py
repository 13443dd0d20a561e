"""The list of anomalies: those that have rows, and devices that are silent now.

A device is silent where it said that it sees nothing, and has said nothing since, or where it was
not heard for longer than the limit: of its counter, or of the rules of parking.
"""

from datetime import datetime, timedelta

from pydantic import AwareDatetime, BaseModel, Field

from citybrain.domain.parking.anomaly import AnomalyKind, AnomalyState
from projections.reading import Pool, Row, fetch_planned


class AnomalyRow(BaseModel):
    """Something that is not as it should be, and of what."""

    anomaly_id: str
    kind: AnomalyKind
    state: AnomalyState = Field(description="`closed` by an officer, or `ended` by itself")
    place_id: str | None
    device_id: str | None
    session_id: str | None
    other_id: str | None = Field(description="the second session of a conflict of two")
    claim_id: str | None
    evidence: str | None = Field(description="the sign or the payment that it was seen by")
    since: AwareDatetime
    ended_at: AwareDatetime | None
    closed_at: AwareDatetime | None
    closed_by: str | None
    reason: str | None = Field(description="of the officer who closed it")
    simulated: bool


STATES = {
    AnomalyState.OPEN: "ended_at IS NULL AND closed_at IS NULL",
    AnomalyState.CLOSED: "ended_at IS NULL AND closed_at IS NOT NULL",
    AnomalyState.ENDED: "ended_at IS NOT NULL",
    None: "true",
}
EVERY = """
SELECT *, ARRAY[place_id] AS places FROM parking_anomalies.cases
UNION ALL
SELECT d.anomaly_id, 'device-silent', CASE WHEN cardinality(d.watches) = 1 THEN d.watches[1] END,
       d.device_id, NULL, NULL, NULL, NULL, d.since, NULL, NULL, NULL, NULL, d.simulated, d.watches
FROM (
    SELECT *, CASE WHEN lost_at >= heard_at THEN lost_at
              ELSE heard_at + coalesce(make_interval(secs => silence_seconds), $2) END AS since
    FROM parking_anomalies.devices WHERE in_use
) d
WHERE d.since <= $1
  AND NOT EXISTS (SELECT 1 FROM parking_anomalies.cases c WHERE c.anomaly_id = d.anomaly_id)
"""
WITH_PEOPLE = """
SELECT f.*,
       CASE WHEN f.ended_at IS NOT NULL THEN 'ended'
            WHEN f.closed_at IS NOT NULL THEN 'closed' ELSE 'open' END AS state,
       coalesce(c.citizen_id, s.payer) AS person, o.payer AS other_person
FROM found f
LEFT JOIN parking_claims.claims c ON c.claim_id = f.claim_id
LEFT JOIN parking_sessions.sessions s ON s.session_id = f.session_id
LEFT JOIN parking_sessions.sessions o ON o.session_id = f.other_id
ORDER BY f.since DESC, f.anomaly_id DESC
"""


def _page(wanted: str) -> str:
    """The statement of a page: the parts are constants of this module."""
    return f"""
WITH found AS (
    SELECT * FROM ({EVERY}) e
    WHERE {wanted}
      AND ($3::text IS NULL OR kind = $3) AND ($4::text IS NULL OR $4 = ANY(places))
      AND ($5::timestamptz IS NULL OR (since, anomaly_id) < ($5, $6::text))
    ORDER BY since DESC, anomaly_id DESC LIMIT $7
) {WITH_PEOPLE}
"""  # noqa: S608


PAGES = {state: _page(wanted) for state, wanted in STATES.items()}
ONE = f"WITH found AS (SELECT * FROM ({EVERY}) e WHERE anomaly_id = $3) {WITH_PEOPLE}"  # noqa: S608
OPEN = f"""
SELECT kind, count(*) AS anomalies FROM ({EVERY}) e
WHERE {STATES[AnomalyState.OPEN]} GROUP BY kind
"""  # noqa: S608


async def page(
    pool: Pool,
    *,
    now: datetime,
    silence: timedelta,
    state: AnomalyState | None = None,
    kind: AnomalyKind | None = None,
    place_id: str | None = None,
    after: tuple[datetime, str] | None = None,
    limit: int,
) -> list[Row]:
    """Anomalies that fit, the newest first, with the citizens that they are about.

    `silence` is the limit of devices that have none of their own.
    """
    at, case_id = after or (None, None)
    return await fetch_planned(pool, PAGES[state], now, silence, kind, place_id, at, case_id, limit)


async def one(pool: Pool, case_id: str, *, now: datetime, silence: timedelta) -> Row | None:
    """One anomaly."""
    rows = await fetch_planned(pool, ONE, now, silence, case_id)
    return rows[0] if rows else None


async def open_counts(pool: Pool, *, now: datetime, silence: timedelta) -> dict[str, int]:
    """How many of each kind are open."""
    rows = await fetch_planned(pool, OPEN, now, silence)
    return {row["kind"]: row["anomalies"] for row in rows}

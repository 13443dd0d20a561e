"""How far read models are behind the log: asked of PostgreSQL when somebody looks, by any process.

A gauge that the leader of a model sets would stay what it was where the leader hangs, and where
another process leads now.
"""

import structlog
from prometheus_client import Counter, Gauge

from citybrain.eventstore import StoreUnavailable
from citybrain.eventstore.lane import AGAIN_LATER
from projections.reading import Pool

log = structlog.get_logger(__name__)

POSITION = Gauge(
    "citybrain_projection_position", "Up to here a projection has all of the log", ["projection"]
)
LAG = Gauge(
    "citybrain_projection_lag_events", "Events between a projection and the head", ["projection"]
)
LAG_SECONDS = Gauge(
    "citybrain_projection_lag_seconds", "Age of the oldest event that it lacks", ["projection"]
)
PARKED = Gauge("citybrain_parked_events", "Events that are set aside now", ["projection"])
STOPPED = Gauge("citybrain_projection_stopped", "1: it waits for a newer release", ["projection"])
UNKNOWN = Counter("citybrain_lag_unknown_total", "How often the lag could not be read")

MEASURE = """
SELECT c.projection, c.position, c.stopped IS NOT NULL AS stopped,
       (SELECT count(*) FROM parked_events p WHERE p.projection = c.projection) AS parked,
       greatest(h.head - c.position, 0) AS events,
       CASE WHEN h.head > c.position
           THEN greatest(extract(epoch FROM clock_timestamp() - e.recorded_at), 0)::float8
           ELSE 0 END AS seconds
FROM projection_checkpoints c
CROSS JOIN (SELECT coalesce(max(notification_id), 0) AS head FROM stored_events) h
LEFT JOIN stored_events e ON e.notification_id = c.position + 1
WHERE c.projection NOT LIKE '%\\_\\_%'
"""
OLDEST = f"SELECT projection, seconds FROM ({MEASURE}) AS lag ORDER BY seconds DESC"  # noqa: S608


async def behind(pool: Pool, tolerated_seconds: float) -> tuple[float, list[str]]:
    """The age of the oldest event that some model lacks, and who lacks one older than tolerated."""
    rows = await pool.fetch(OLDEST)
    late = [row["projection"] for row in rows if row["seconds"] > tolerated_seconds]
    return (rows[0]["seconds"] if rows else 0.0), late


async def measure(pool: Pool) -> None:
    """Set the gauges; where PostgreSQL cannot say, there are none, rather than the last ones."""
    try:
        rows = await pool.fetch(MEASURE)
    except (StoreUnavailable, *AGAIN_LATER) as error:
        log.warning("lag_unknown", error=type(error).__name__)
        UNKNOWN.inc()
        rows = []
    for gauge in (POSITION, LAG, LAG_SECONDS, STOPPED, PARKED):
        gauge.clear()
    for row in rows:
        name = row["projection"]
        POSITION.labels(name).set(row["position"])
        LAG.labels(name).set(row["events"])
        LAG_SECONDS.labels(name).set(row["seconds"])
        STOPPED.labels(name).set(row["stopped"])
        PARKED.labels(name).set(row["parked"])

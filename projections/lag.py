"""How far read models are behind the log: asked of PostgreSQL when somebody looks, by any process.

A gauge that the leader of a model sets would stay what it was where the leader hangs, and where
another process leads now.
"""

from typing import NamedTuple

import structlog
from prometheus_client import Counter, Gauge

from citybrain.eventstore import EventStore, StoreUnavailable
from citybrain.eventstore.reader import HEAD
from citybrain.faults import AGAIN_LATER

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

CHECKPOINTS = """
SELECT c.projection, c.position, c.stopped IS NOT NULL AS stopped,
       (SELECT count(*) FROM parked_events p WHERE p.projection = c.projection) AS parked
FROM projection_checkpoints c WHERE c.projection NOT LIKE '%\\_\\_%'
"""
AGES = """
SELECT notification_id AS position,
       greatest(extract(epoch FROM clock_timestamp() - recorded_at), 0)::float8 AS seconds
FROM stored_events WHERE notification_id = ANY($1)
"""


class Lag(NamedTuple):
    """How far a read model is."""

    projection: str
    position: int
    stopped: bool
    parked: int
    events: int
    """Between it and the head."""
    seconds: float
    """Age of the oldest one that it lacks."""


async def _read(store: EventStore) -> list[Lag]:
    checkpoints = await store.keeping.fetch(CHECKPOINTS)
    head = await store.pool.fetchval(HEAD) or 0
    next_ones = sorted({row["position"] + 1 for row in checkpoints})
    ages = {row["position"]: row["seconds"] for row in await store.pool.fetch(AGES, next_ones)}
    return [
        Lag(
            row["projection"],
            row["position"],
            row["stopped"],
            row["parked"],
            max(head - row["position"], 0),
            ages.get(row["position"] + 1, 0.0),
        )
        for row in checkpoints
    ]


async def behind(store: EventStore, tolerated_seconds: float) -> tuple[float, list[str]]:
    """The age of the oldest event that some model lacks, and who lacks one older than tolerated."""
    found = sorted(await _read(store), key=lambda lag: -lag.seconds)
    late = [lag.projection for lag in found if lag.seconds > tolerated_seconds]
    return (found[0].seconds if found else 0.0), late


async def measure(store: EventStore) -> None:
    """Set the gauges; where PostgreSQL cannot say, there are none, rather than the last ones."""
    try:
        found = await _read(store)
    except (StoreUnavailable, *AGAIN_LATER) as error:
        log.warning("lag_unknown", error=type(error).__name__)
        UNKNOWN.inc()
        found = []
    for gauge in (POSITION, LAG, LAG_SECONDS, STOPPED, PARKED):
        gauge.clear()
    for lag in found:
        POSITION.labels(lag.projection).set(lag.position)
        LAG.labels(lag.projection).set(lag.events)
        LAG_SECONDS.labels(lag.projection).set(lag.seconds)
        STOPPED.labels(lag.projection).set(lag.stopped)
        PARKED.labels(lag.projection).set(lag.parked)

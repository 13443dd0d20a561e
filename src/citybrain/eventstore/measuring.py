"""What PostgreSQL itself is like: connections, sizes, archive, standbys. Asked when somebody looks.

What the role may not see has no figure (`pg_monitor` lets it see all); where PostgreSQL cannot say
now, nothing has.
"""

from typing import Any, TypeAlias

import asyncpg
import structlog
from prometheus_client import Gauge

from citybrain.eventstore.connections import LIMITS
from citybrain.eventstore.types import StoreUnavailable
from citybrain.faults import AGAIN_LATER

log = structlog.get_logger(__name__)

Pool: TypeAlias = "asyncpg.Pool[Any]"

IN_USE = Gauge("citybrain_database_connections", "Connections that PostgreSQL has", ["of"])
MOST = Gauge("citybrain_database_connections_limit", "Connections that it takes", ["of"])
FIGURES = {
    "database_bytes": Gauge("citybrain_database_bytes", "Size of the database"),
    "wal_bytes": Gauge("citybrain_wal_bytes", "Size of the write-ahead log on PostgreSQL's disk"),
    "archive_failing": Gauge(
        "citybrain_wal_archive_failing", "1: the last segment could not be archived"
    ),
    "archive_seconds": Gauge(
        "citybrain_wal_archive_age_seconds", "Since a segment was archived last; none: no archive"
    ),
    "standbys": Gauge("citybrain_standbys", "Standbys that are connected"),
    "standby_bytes": Gauge(
        "citybrain_standby_lag_bytes", "Write-ahead log that the slowest standby has not applied"
    ),
    "retained_bytes": Gauge(
        "citybrain_wal_retained_bytes", "Write-ahead log that is kept for a replication slot"
    ),
}
MEASURE = """
SELECT pg_database_size(current_database()) AS database_bytes,
    (SELECT coalesce(last_failed_time > coalesce(last_archived_time, '-infinity'), false)::int
     FROM pg_stat_archiver WHERE current_setting('archive_mode') <> 'off') AS archive_failing,
    (SELECT extract(epoch FROM clock_timestamp() - last_archived_time)::float8
     FROM pg_stat_archiver WHERE current_setting('archive_mode') <> 'off') AS archive_seconds,
    (SELECT count(*) FROM pg_stat_replication) AS standbys,
    CASE WHEN NOT pg_is_in_recovery() THEN
        (SELECT max(pg_wal_lsn_diff(pg_current_wal_lsn(), replay_lsn))::float8
         FROM pg_stat_replication) END AS standby_bytes,
    CASE WHEN NOT pg_is_in_recovery() THEN
        (SELECT max(pg_wal_lsn_diff(pg_current_wal_lsn(), restart_lsn))::float8
         FROM pg_replication_slots) END AS retained_bytes,
    has_function_privilege('pg_ls_waldir()', 'EXECUTE') AS sees_wal
"""
WAL_BYTES = "SELECT sum(size)::float8 FROM pg_ls_waldir()"
NOTHING = float("nan")


async def measure(pool: Pool) -> None:
    """Set the gauges."""
    figures: dict[str, Any] = {}
    rows = []
    try:
        (row,) = await pool.fetch(MEASURE)
        figures = dict(row)
        if figures["sees_wal"]:
            figures["wal_bytes"] = (await pool.fetch(WAL_BYTES))[0][0]
        rows = await pool.fetch(LIMITS)
    except (StoreUnavailable, *AGAIN_LATER) as error:
        log.warning("server_not_measured", error=type(error).__name__)
    for name, gauge in FIGURES.items():
        value = figures.get(name)
        gauge.set(NOTHING if value is None else value)
    for gauge in (IN_USE, MOST):
        gauge.clear()
    for row in rows:
        IN_USE.labels(row["whose"]).set(row["in_use"])
        MOST.labels(row["whose"]).set(row["most"])

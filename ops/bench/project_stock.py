"""The peer: the stock ProjectionRunner filling the same timeline from the same rows.

It reads our table as it is, and records one event and its tracking in each transaction, which
is how the stock library is used. Needs psycopg.
"""

import asyncio
import time
from typing import Any

import asyncpg

from citybrain.domain.inspection.case import InspectionCase
from citybrain.domain.stream import register_stream
from citybrain.eventstore.codec import transcoder
from ops.bench.figures import Sample, sample
from ops.bench.peer_stock import postgres_parts
from ops.bench.project_ours import history_database
from ops.bench.rounds import NotInstalled
from ops.bench.tally import WARM_UP_SECONDS
from ops.bench.workbench import BenchFailed, Workbench

TABLE = """
CREATE TABLE timeline (
    case_id text COLLATE "C" NOT NULL, version bigint NOT NULL, position bigint NOT NULL,
    topic text COLLATE "C" NOT NULL, occurred_at timestamptz NOT NULL, details bytea NOT NULL,
    PRIMARY KEY (case_id, version))
"""
INSERT = "INSERT INTO timeline VALUES (%s, %s, %s, %s, %s, %s)"
REACHED = "SELECT count(*), max(position) FROM timeline"


async def stock_projection(bench: Workbench) -> Sample:
    """Events a second over the time of a measurement; the history is longer than that."""
    async with bench.database(like=await history_database(bench)) as url:
        connection = await asyncpg.connect(url)
        try:
            await connection.execute(TABLE)
            rate = await asyncio.to_thread(_run, url, bench.seconds)
            count, last = await connection.fetchrow(REACHED) or (0, 0)
            if not count or count != last:
                raise BenchFailed(f"stock: {count} entries up to position {last}")
        finally:
            await connection.close()
    return rate


def _run(url: str, seconds: float) -> Sample:
    try:
        from eventsourcing.application import Application
        from eventsourcing.persistence import Tracking
        from eventsourcing.postgres import PostgresTrackingRecorder
        from eventsourcing.projection import Projection, ProjectionRunner
    except ImportError as error:
        raise NotInstalled from error

    register_stream(InspectionCase)

    class TimelineView(PostgresTrackingRecorder):
        """The table and its tracking."""

        def add(self, event: Any, tracking: Tracking) -> None:
            details = transcoder().encode(
                {name: value for name, value in vars(event).items() if name not in NOT_DETAILS}
            )
            with self.datastore.transaction(commit=True) as cursor:
                self._insert_tracking(cursor, tracking)
                cursor.execute(
                    INSERT,
                    (
                        event.originator_id,
                        event.originator_version,
                        tracking.notification_id,
                        type(event).TOPIC,
                        event.occurred_at,
                        details,
                    ),
                    prepare=True,
                )

    class Timeline(Projection[TimelineView]):
        """One entry an event."""

        def process_event(self, domain_event: Any, tracking: Tracking) -> None:
            self.view.add(domain_event, tracking)

    class Cases(Application[str]):
        """All the stock side knows of us: the registered topics and the plain table name."""

        name = ""

    with ProjectionRunner(
        application_class=Cases,
        projection_class=Timeline,
        view_class=TimelineView,
        env=_environment(url),
    ) as runner:
        time.sleep(WARM_UP_SECONDS)
        view = runner.projection.view
        began, before = time.perf_counter(), view.max_tracking_id(Cases.name) or 0
        runner.run_forever(timeout=seconds)
        after = view.max_tracking_id(Cases.name) or 0
        return sample(after - before, time.perf_counter() - began)


NOT_DETAILS = frozenset({"originator_id", "originator_version", "timestamp", "occurred_at"})


def _environment(url: str) -> dict[str, str]:
    parts = postgres_parts(url)
    return {
        "PERSISTENCE_MODULE": "eventsourcing.postgres",
        "POSTGRES_DBNAME": parts["dbname"],
        "POSTGRES_HOST": parts["host"],
        "POSTGRES_PORT": parts["port"],
        "POSTGRES_USER": parts["user"],
        "POSTGRES_PASSWORD": parts["password"] or "none",
        "ORIGINATOR_ID_TYPE": "text",
    }

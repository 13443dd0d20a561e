"""The peer of `eventsourcing` itself: its PostgresApplicationRecorder on its own table.

Text ids like ours, threads as clients, its default way of writing (a table lock to the commit).
It keeps no metadata. Needs psycopg, which the development extra brings.
"""

import itertools
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

import asyncpg
from eventsourcing.persistence import StoredEvent

from ops.bench.clients import in_threads
from ops.bench.events import STATE, TOPIC, new_stream_id
from ops.bench.figures import Sample
from ops.bench.rounds import Contender, NotInstalled
from ops.bench.tally import Tally
from ops.bench.workbench import BenchFailed, Workbench

if TYPE_CHECKING:
    from eventsourcing.postgres import PostgresApplicationRecorder


def postgres_parts(url: str) -> dict[str, str]:
    """Host, port, user, password and database name out of a URL of ours."""
    parts = urlsplit(url)
    socket = parse_qs(parts.query).get("host", [""])[0]
    return {
        "dbname": parts.path.lstrip("/"),
        "host": parts.hostname or socket,
        "port": str(parts.port or 5432),
        "user": parts.username or "postgres",
        "password": parts.password or "",
    }


@contextmanager
def stock_recorder(
    url: str, connections: int, *, create: bool = True
) -> Iterator["PostgresApplicationRecorder"]:
    """A stock recorder over a database; raises `NotInstalled` without psycopg."""
    try:
        from eventsourcing.postgres import PostgresApplicationRecorder, PostgresDatastore
    except ImportError as error:
        raise NotInstalled from error
    parts = postgres_parts(url)
    with PostgresDatastore(
        parts["dbname"],
        parts["host"],
        parts["port"],
        parts["user"],
        parts["password"],
        pool_size=connections,
        originator_id_type="text",
    ) as datastore:
        datastore.pool.open(wait=True)
        recorder = PostgresApplicationRecorder(datastore)
        if create:
            recorder.create_table()
        yield recorder


def stock_append(threads: int, events_per_append: int = 1) -> Contender:
    """New streams, `threads` at once."""

    async def contender(bench: Workbench) -> Sample:
        async with bench.database(migrated=False) as url:
            with stock_recorder(url, threads) as recorder:

                def client(number: int, tally: Tally) -> None:
                    while tally.running():
                        began = time.perf_counter()
                        stream = new_stream_id()
                        recorder.insert_events(
                            [
                                StoredEvent(stream, version, TOPIC, STATE)
                                for version in range(1, events_per_append + 1)
                            ]
                        )
                        tally.note(began, events_per_append)

                tally = await in_threads(client, threads, bench.seconds)
            await _verify(url, tally.acknowledged)
        return tally.sample()

    return contender


async def stock_hot_stream(bench: Workbench) -> Sample:
    """One thread, one stream, ascending versions."""
    async with bench.database(migrated=False) as url:
        with stock_recorder(url, 1) as recorder:

            def client(number: int, tally: Tally) -> None:
                for version in itertools.count(1):
                    if not tally.running():
                        return
                    began = time.perf_counter()
                    recorder.insert_events([StoredEvent("bench-hot", version, TOPIC, STATE)])
                    tally.note(began, 1)

            tally = await in_threads(client, 1, bench.seconds)
        await _verify(url, tally.acknowledged)
    return tally.sample()


async def _verify(url: str, acknowledged: int) -> None:
    connection = await asyncpg.connect(url)
    try:
        stored = await connection.fetchval("SELECT count(*) FROM stored_events")
    finally:
        await connection.close()
    if stored != acknowledged:
        raise BenchFailed(f"stock: {acknowledged} acknowledged, {stored} stored")

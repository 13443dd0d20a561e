"""The log of many parking sessions into all read models of parking, in a process of its own.

An event counts for each model, whether it wants it or not. It stands beside reading and decoding
the same log without any model, and beside taking it out of PostgreSQL undecoded.
"""

import time
from collections.abc import Sequence
from dataclasses import replace

import asyncpg

from citybrain.systems.parking import PARKING
from ops.bench.child import Child
from ops.bench.figures import Sample, sample
from ops.bench.parking.lives import load
from ops.bench.workbench import BenchFailed, Workbench

SESSIONS = 5_000
READ = """
SELECT notification_id, originator_id, originator_version, topic, state, recorded_at, metadata
FROM stored_events
"""
SHOWN = "SELECT count(*) FROM parking_sessions.sessions"
PARKED = "SELECT count(*) FROM parked_events"


def models() -> list[str]:
    """The names of the read models."""
    return [projection.name for projection in PARKING.projections]


async def rebuilt(bench: Workbench) -> Sample:
    """The contender: one model after the other; every session must be in it, no event parked."""
    url, names = await _log(bench), models()
    found = await _in_child(bench, url, names, passes=0)
    connection = await asyncpg.connect(url)
    try:
        shown, parked = [await connection.fetchval(query) for query in (SHOWN, PARKED)]
    finally:
        await connection.close()
    if (shown, parked) != (sessions_of(bench), 0):
        raise BenchFailed(f"{shown} of {sessions_of(bench)} sessions, {parked} events parked")
    return found


async def read(bench: Workbench) -> Sample:
    """The limit: one pass that decodes every event, and nothing else."""
    return await _in_child(bench, await _log(bench), (), passes=1)


async def copied(bench: Workbench) -> Sample:
    """COPY in binary of the whole log; its rows are not even told apart."""
    connection = await asyncpg.connect(await _log(bench))

    async def ignore(_: bytes) -> None:
        pass

    try:
        began = time.perf_counter()
        status = await connection.copy_from_query(READ, output=ignore, format="binary")
        return sample(int(status.removeprefix("COPY ")), time.perf_counter() - began)
    finally:
        await connection.close()


def sessions_of(bench: Workbench) -> int:
    """How many sessions the log has."""
    return bench.sizes.get("sessions", SESSIONS)


async def _log(bench: Workbench) -> str:
    async def fill(url: str) -> None:
        await load(url, sessions_of(bench))

    return bench.database_url(await bench.filled("parking_log", fill))


async def _in_child(bench: Workbench, url: str, names: Sequence[str], *, passes: int) -> Sample:
    process = await Child.start(
        "ops.bench.rebuild_process",
        {"url": url, "folder": str(bench.folder), "names": names, "passes": passes},
    )
    try:
        events = await process.ready()
        before = bench.postgres_cpu_seconds()
        answer = await process.go()
        computed = bench.postgres_cpu_seconds() - before
    finally:
        await process.stop()
    positions, sessions = answer["positions"], sessions_of(bench)
    if positions != [events] * (len(names) or passes):
        raise BenchFailed(f"{events} events were read up to {positions}")
    return replace(
        sample(events * len(positions), answer["seconds"]),
        rss_mb=answer["rss_mb"],
        seconds=answer["seconds"],
        cpu_us=answer["cpu_seconds"] / sessions * 1e6,
        db_cpu_us=computed / sessions * 1e6,
    )

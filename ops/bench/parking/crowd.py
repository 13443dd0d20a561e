"""A thousand citizens ask for ten berths at one moment, over HTTP: exactly ten get one.

Beside them stand an HTTP handler that parses and answers, and a table whose key lets one of
those who insert the same berth win, without citizens, plates, limits or calendars.
"""

import asyncio
import time
from datetime import UTC, date, datetime, timedelta
from typing import Any

import asyncpg

from citybrain.app import open_services
from citybrain.domain.actor import Actor, Role
from commands.citizens.citizen import RegisterCitizen, register_citizen
from commands.services import Services
from ops.bench.figures import Sample, sample
from ops.bench.http import Exercised, exercised
from ops.bench.parking.street import berth_name, context_of, open_street
from ops.bench.workbench import BenchFailed, Workbench
from ops.simulators.applications.identity_numbers import identity_number

CITIZENS, WANTED, CONNECTIONS = 1000, 10, 64
CLERK = Actor("clerk-1", frozenset({Role.CLERK}), counter="counter-1")
BORN = date(1990, 5, 1)
HELD, TAKEN = "201", "409 berth-taken"
HOLDERS = """
SELECT count(*) AS held, count(DISTINCT originator_id) AS reservations,
       (SELECT count(*) FROM stored_events WHERE topic = 'parking.calendar_held') AS berths
FROM stored_events WHERE topic = 'parking.reservation_held'
"""
TABLE = "CREATE TABLE holders (berth text, starts_at timestamptz, PRIMARY KEY (berth, starts_at))"
INSERT = "INSERT INTO holders VALUES ($1, $2) ON CONFLICT DO NOTHING"


async def crowd(bench: Workbench) -> Sample:
    """The contender: each asks once; who won is looked for in the log."""
    async with bench.database() as url:
        async with open_services(bench.settings(url)) as services:
            await open_street(services, berths=WANTED)
            people = await registered(services)
        found = await _asked(bench, url, citizens=people)
        await check_winners(url, found.answer["answers"])
    return _sample(found)


async def bare_crowd(bench: Workbench) -> Sample:
    """The limit: all are answered, and nothing is decided."""
    return _sample(await _asked(bench, None))


async def one_key(bench: Workbench) -> Sample:
    """Rows with a commit each; the first of a key is kept."""
    start = datetime(2026, 1, 1, tzinfo=UTC)
    async with bench.database(migrated=False) as url:
        pool = await asyncpg.create_pool(url, min_size=CONNECTIONS, max_size=CONNECTIONS)
        async with pool:
            await pool.execute(TABLE)
            began = time.perf_counter()
            found = await asyncio.gather(
                *(
                    pool.execute(INSERT, berth_name(number % WANTED), start)
                    for number in range(CITIZENS)
                )
            )
            seconds = time.perf_counter() - began
    if found.count("INSERT 0 1") != WANTED:
        raise BenchFailed("a key was not unique")
    return sample(CITIZENS, seconds)


async def registered(services: Services) -> list[str]:
    """The ids of citizens."""

    async def one(number: int) -> str:
        command = RegisterCitizen(
            name="张三", id_number=identity_number(BORN, number), birth_date=BORN, simulated=True
        )
        return (await register_citizen(command, context_of(CLERK), services)).stream_id

    return await asyncio.gather(*map(one, range(CITIZENS)))


async def _asked(bench: Workbench, url: str | None, **server_orders: object) -> Exercised:
    start = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) + timedelta(hours=24)
    orders = {
        "clients": CITIZENS,
        "berths": [berth_name(number) for number in range(WANTED)],
        "start": start.isoformat(),
        "end": (start + timedelta(hours=1)).isoformat(),
    }
    module = "ops.bench.parking.crowd_client"
    return await exercised(bench, url, module, orders, workers=False, **server_orders)


async def check_winners(url: str, answers: dict[str, int]) -> None:
    """One winner a berth, in the answers and in the log. Raises `BenchFailed`."""
    if answers != {HELD: WANTED, TAKEN: CITIZENS - WANTED}:
        raise BenchFailed(f"{CITIZENS} who asked for {WANTED} berths were answered {answers}")
    connection: asyncpg.Connection[Any] = await asyncpg.connect(url)
    try:
        row = await connection.fetchrow(HOLDERS)
    finally:
        await connection.close()
    if row is None or tuple(row) != (WANTED, WANTED, WANTED):
        found = None if row is None else tuple(row)
        raise BenchFailed(f"{WANTED} berths have {found} holders in the log")


def _sample(found: Exercised) -> Sample:
    own = sample(CITIZENS, found.answer["seconds"], found.answer["latencies"])
    return found.of(own, CITIZENS)

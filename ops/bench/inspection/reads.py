"""Questions of inspection over a million cases, while detections go on becoming cases beside them.

A fifth of the cases is open; the read models are filled as their projections would leave them
(`CITYBRAIN_BENCH_READ_CASES`). Server parts and questions share one process and its event loop.
"""

import asyncio
import os
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import count
from typing import Any
from uuid import uuid4

import asyncpg

from citybrain.app import open_runtime, open_services
from citybrain.city_day import CITY_ZONE
from citybrain.domain.actor import Actor, Role
from citybrain.systems import PROJECTIONS
from commands.handling import CommandContext
from commands.inspection.detection import Recorded, record_detections
from commands.services import Services
from ops.bench.figures import Sample, sample
from ops.bench.inspection.detections import CLASSES, SOUTH, WEST, detection
from ops.bench.rounds import Contender
from ops.bench.workbench import BenchFailed, Workbench
from projections.inspection import case_desk_questions as desk
from projections.inspection import heat_grid
from projections.inspection.case_desk import EAST_SHRINKS
from projections.inspection.heat_grid import SQUARES_A_DEGREE
from projections.runner import prepare

CASES = int(os.environ.get("CITYBRAIN_BENCH_READ_CASES", "1000000"))
FILLED = "inspection_reads"
READERS = 4
LOAD_A_SECOND, LOADS_A_SECOND = 20, 2
RADIUS_M = 500.0
WARM_UP = 10

FILL_CASES = """
INSERT INTO case_desk.cases
    (case_id, class_code, status, open, source, lead, departments, district, street, community,
     cell, latitude, longitude, location, description, visibility, simulated, reported_at,
     updated_at, closed_at, detections, times_returned, times_reopened, priority, assignees,
     requests, due_at, overdue, state, version, position)
SELECT 'case-' || lpad(to_hex(n), 32, '0'), ($2::text[])[1 + n % cardinality($2)],
       CASE WHEN open THEN 'accepted' ELSE 'closed' END, open, 'camera', lead, ARRAY[lead],
       area, area || '001', area || '001001', area || '001001' || lpad((n % 1000)::text, 3, '0'),
       latitude, longitude, point(longitude * $5, latitude), '', 'public', true, at, at,
       CASE WHEN NOT open THEN at + interval '1 day' END, 2, 0, 0, 'normal', '{}', '{}',
       CASE WHEN open THEN at + interval '3 days' END, open AND n % 15 = 0,
       '{"deadlines": {}, "requests": {}, "before_merge": null}', 8, n
FROM (
    SELECT n, n % 5 = 0 AS open, '41010' || 1 + n % 5 AS area,
           ($6::text[])[1 + n % cardinality($6)] AS lead,
           $3::float8 + random() * 0.28 AS latitude, $4::float8 + random() * 0.4 AS longitude,
           clock_timestamp() - random() * CASE n % 5 WHEN 0 THEN interval '3 days'
                                                     ELSE interval '60 days' END AS at
    FROM generate_series(1, $1::int) AS n
) AS drawn
"""
FILL_DEADLINES = """
INSERT INTO case_desk.deadlines
SELECT case_id, code, code, CASE code WHEN 'closing' THEN 'centre' ELSE lead END, district,
       class_code, reported_at + within, reported_at + within * 0.75, false, false, false, true
FROM case_desk.cases,
     (VALUES ('handling', interval '2 days'), ('closing', interval '5 days')) AS d(code, within)
WHERE open
"""
FILL_HEAT = """
INSERT INTO heat_grid.squares
SELECT (reported_at AT TIME ZONE $2)::date, class_code, floor(latitude * $1::int),
       floor(longitude * $1), count(*)
FROM case_desk.cases GROUP BY 1, 2, 3, 4
"""
KEY = "SELECT case_id, version FROM case_desk.cases WHERE case_id = $1"
LEADS = ("urban-management", "sanitation", "municipal-works", "landscape", "housing-construction")

Pool = Any
Question = Callable[[Pool, random.Random], Awaitable[list[Any]]]
_numbers = count(1)


async def fill(bench: Workbench, url: str) -> None:
    """The read models of many cases."""
    async with open_services(bench.settings(url)) as services:
        await prepare(services.store, PROJECTIONS)
    connection: asyncpg.Connection[Any] = await asyncpg.connect(url)
    try:
        await connection.execute("SELECT setseed(0.2020)")
        await connection.execute(
            FILL_CASES, CASES, list(CLASSES), SOUTH, WEST, EAST_SHRINKS, list(LEADS)
        )
        await connection.execute(FILL_DEADLINES)
        await connection.execute(FILL_HEAT, SQUARES_A_DEGREE, CITY_ZONE.key)
        await connection.execute(
            "VACUUM (ANALYZE) case_desk.cases, case_desk.deadlines, heat_grid.squares"
        )
        await connection.execute("CHECKPOINT")
    finally:
        await connection.close()


async def near(pool: Pool, chance: random.Random) -> list[Any]:
    """Open cases around somebody."""
    latitude, longitude = SOUTH + chance.random() * 0.28, WEST + chance.random() * 0.4
    return await desk.near(pool, latitude, longitude, radius_m=RADIUS_M)


async def deadlines(pool: Pool, chance: random.Random) -> list[Any]:
    """The first page of a department's deadline board."""
    return await desk.deadlines(pool, responsible=chance.choice(LEADS))


async def heat(pool: Pool, chance: random.Random) -> list[Any]:
    """A week's heat of a class, in the whole city."""
    until = datetime.now(UTC).date() + timedelta(days=1)
    north, east = int(SOUTH * SQUARES_A_DEGREE), int(WEST * SQUARES_A_DEGREE)
    return await heat_grid.squares(
        pool,
        since=until - timedelta(days=8),
        until=until,
        class_code=chance.choice(CLASSES),
        squares=(north, north + 60, east, east + 90),
        limit=1000,
    )


async def by_key(pool: Pool, chance: random.Random) -> list[Any]:
    """One case by its id."""
    case_id = f"case-{chance.randint(1, CASES):032x}"
    rows: list[Any] = await pool.fetch(KEY, case_id)
    return rows


def asking(question: Question) -> Contender:
    """The contender: readers that ask one after the other, beside the load."""

    async def contender(bench: Workbench) -> Sample:
        name = await bench.filled(FILLED, partial(fill, bench))
        async with _loaded(bench, bench.database_url(name)) as pool:
            return await _asked(pool, question, bench.seconds)

    return contender


async def _asked(pool: Pool, question: Question, seconds: float) -> Sample:
    latencies: list[float] = []
    found = 0

    async def reader(number: int) -> None:
        nonlocal found
        chance = random.Random(number)
        for _ in range(WARM_UP):
            await question(pool, chance)
        ends = time.perf_counter() + seconds
        while (began := time.perf_counter()) < ends:
            found += len(await question(pool, chance))
            latencies.append(time.perf_counter() - began)

    await asyncio.gather(*(reader(number) for number in range(READERS)))
    if not found:
        raise BenchFailed("the questions were answered with nothing")
    return sample(len(latencies), seconds, latencies)


@asynccontextmanager
async def _loaded(bench: Workbench, url: str) -> AsyncIterator[Pool]:
    """The pool of a runtime with its workers, while detections come in at a rate."""
    async with open_runtime(bench.settings(url), faces=False) as runtime:
        load = asyncio.create_task(_detections(runtime.services))
        try:
            yield runtime.store.pool
        finally:
            load.cancel()
            await asyncio.gather(load, return_exceptions=True)


async def _detections(services: Services) -> None:
    command_id = uuid4()
    context = CommandContext(
        Actor("gateway-1", frozenset({Role.GATEWAY}), acts_for=frozenset({"c-*"})),
        "http",
        command_id,
        command_id,
    )
    while True:
        batch = [detection(next(_numbers)) for _ in range(LOAD_A_SECOND // LOADS_A_SECOND)]
        found = await record_detections(batch, context, services)
        if not all(isinstance(each, Recorded) for each in found):
            raise BenchFailed("detections were refused")
        await asyncio.sleep(1 / LOADS_A_SECOND)

"""What becomes of detections among many open cases: merged, or found by their place."""

import os
import random
import time
from collections.abc import Sequence
from datetime import timedelta
from functools import cache
from typing import Any
from uuid import uuid4

import asyncpg

from citybrain.app import open_services
from citybrain.definitions.inspection.cases import CaseClass, cases_at
from citybrain.domain.actor import Actor, Role
from citybrain.eventstore import RecordedEvent
from citybrain.systems import load_definitions
from commands.handling import CommandContext
from commands.inspection.detection import Recorded, record_detections
from commands.inspection.grouping import CELL_DEGREES, CELLS_A_ROW, Sighting, candidates
from commands.inspection.processes.detections import DetectionMerging
from commands.processes.runner import BATCH_SIZE
from commands.services import Services, utc_now
from ops.bench.figures import Sample, sample
from ops.bench.inspection.detections import CLASSES, SOUTH, WEST, detection
from ops.bench.meter import Meter
from ops.bench.rounds import Contender
from ops.bench.workbench import BenchFailed, Workbench

CASES = int(os.environ.get("CITYBRAIN_BENCH_CASES", "100000"))
CASES_A_SPOT, PLACES_A_CASE = 4, 2
PROBES = 2000
WARM_UP = 5
FILLED = "inspection_cases"

# Cases of the last day at spots all over a city, of several classes at each; each was seen at
# places a few metres apart. The classes are $4, south and west of the city $2 and $3.
FILL_CASES = """
INSERT INTO sighted_cases (case_id, first_at)
SELECT 'case-' || lpad(to_hex(n), 32, '0'), clock_timestamp() - n % 1000 * interval '80 seconds'
FROM generate_series(1, $1::int) AS n
"""
FILL_PLACES = """
WITH spots AS MATERIALIZED (
    SELECT spot, $2::float8 + random() * 0.28 AS latitude, $3::float8 + random() * 0.4 AS longitude
    FROM generate_series(0, $1::int / $5::int) AS spot
), places AS MATERIALIZED (
    SELECT 'case-' || lpad(to_hex(n), 32, '0') AS case_id,
           ($4::text[])[1 + (n * 7 + n / $5) % cardinality($4)] AS class_code,
           round((latitude + random() * 1e-4)::numeric, 6)::float8 AS latitude,
           round((longitude + random() * 1e-4)::numeric, 6)::float8 AS longitude,
           clock_timestamp() - n % 1000 * interval '80 seconds' AS first_at
    FROM generate_series(1, $1) AS n JOIN spots ON spot = n / $5,
         generate_series(1, $6::int)
)
INSERT INTO sighting_places
    (origin_case_id, case_id, class_code, cell, latitude, longitude, first_at, last_at)
SELECT case_id, case_id, class_code,
       floor(latitude / $7::float8)::bigint * $8::bigint + floor(longitude / $7)::bigint,
       latitude, longitude, first_at, first_at + interval '10 minutes'
FROM places
"""
PROBE = """
SELECT case_id, class_code, latitude, longitude, last_at FROM sighting_places
ORDER BY hashtext(case_id || latitude), case_id LIMIT $1
"""
BY_KEY = "SELECT case_id, first_at, closed_at, apart FROM sighted_cases WHERE case_id = ANY($1)"


async def fill(url: str) -> None:
    """Open cases all over a city, as the process manager's tables know them."""
    connection: asyncpg.Connection[Any] = await asyncpg.connect(url)
    try:
        await connection.execute("SELECT setseed(0.2020)")
        await connection.execute(FILL_CASES, CASES)
        await connection.execute(
            FILL_PLACES,
            CASES,
            SOUTH,
            WEST,
            list(CLASSES),
            CASES_A_SPOT,
            PLACES_A_CASE,
            CELL_DEGREES,
            CELLS_A_ROW,
        )
        await connection.execute("VACUUM (ANALYZE) sighted_cases, sighting_places")
        await connection.execute("CHECKPOINT")
    finally:
        await connection.close()


def merging(*, again: bool) -> Contender:
    """The contender: batches of detections through the process manager.

    Each opens a case, or with `again` belongs to one that the first batch has opened.
    """

    async def contender(bench: Workbench) -> Sample:
        name = await bench.filled(FILLED, fill)
        async with bench.database(like=name) as url, open_services(bench.settings(url)) as services:
            return await _merged(bench, services, again=again)

    return contender


async def _merged(bench: Workbench, services: Services, *, again: bool) -> Sample:
    process, position, spent, meter = DetectionMerging(), 0, 0.0, Meter(bench)
    latencies: list[float] = []
    for turn in range(1 << 20):
        first = 0 if again else turn * BATCH_SIZE
        events = await _recorded(services, first, turn, position)
        position = events[-1].position
        began = time.perf_counter()
        with meter:
            await process.react_all(events, services)
        if turn > 0:  # the first one warms up
            latencies.append(time.perf_counter() - began)
            spent += latencies[-1]
        if spent >= bench.seconds:
            break
    await _check(services, len(latencies) + 1, again=again)
    found = sample(len(latencies) * BATCH_SIZE, spent, latencies)
    return meter.of(found, (len(latencies) + 1) * BATCH_SIZE)


async def _recorded(
    services: Services, first: int, turn: int, position: int
) -> Sequence[RecordedEvent]:
    """A batch of detections, from the log behind `position`."""
    command_id = uuid4()
    context = CommandContext(
        Actor("gateway-1", frozenset({Role.GATEWAY}), acts_for=frozenset({"c-*"})),
        "http",
        command_id,
        command_id,
    )
    commands = [detection(first + place, again=turn) for place in range(BATCH_SIZE)]
    found = await record_detections(commands, context, services)
    if not all(isinstance(each, Recorded) for each in found):
        raise BenchFailed("detections were refused")
    log = await services.store.read_all(position, limit=4 * BATCH_SIZE + 4)
    return [event for event in log if event.topic == "detection.recorded"]


async def _check(services: Services, batches: int, *, again: bool) -> None:
    """Every detection is in one case, and there are as many cases as problems."""
    rows = await services.store.pool.fetch(
        "SELECT topic, count(*) AS count FROM stored_events GROUP BY topic"
    )
    found = {row["topic"]: row["count"] for row in rows}
    cases = BATCH_SIZE if again else batches * BATCH_SIZE
    reached = found.get("case.reported"), found.get("case.detection_merged")
    if reached != (cases, batches * BATCH_SIZE):
        raise BenchFailed(f"{batches} batches of {BATCH_SIZE} detections became {found}")


def searching(size: int, *, by_key: bool) -> Contender:
    """The contender: cases that `size` detections may belong to; or as many cases by their key."""

    async def contender(bench: Workbench) -> Sample:
        name = await bench.filled(FILLED, fill)
        connection: asyncpg.Connection[Any] = await asyncpg.connect(bench.database_url(name))
        try:
            rows = await connection.fetch(PROBE, PROBES)
            return await _searched(connection, rows, size, bench.seconds, by_key=by_key)
        finally:
            await connection.close()

    return contender


async def _searched(
    connection: "asyncpg.Connection[Any]",
    rows: list[Any],
    size: int,
    seconds: float,
    *,
    by_key: bool,
) -> Sample:
    chance, latencies = random.Random(2020), []
    probes = [(_sighting(number, row), row["case_id"]) for number, row in enumerate(rows)]
    ends = time.perf_counter() + seconds
    turn = 0
    while time.perf_counter() < ends or turn <= WARM_UP:
        chosen = chance.sample(probes, min(size, len(probes)))
        began = time.perf_counter()
        if by_key:
            found = len(await connection.fetch(BY_KEY, list({case_id for _, case_id in chosen})))
        else:
            found = len(await candidates(connection, [sighting for sighting, _ in chosen]))
        took = time.perf_counter() - began
        if not found:
            raise BenchFailed("a place that is known was not found")
        if turn >= WARM_UP:
            latencies.append(took)
        turn += 1
    return sample(len(latencies) * size, sum(latencies), latencies)


def _sighting(number: int, row: Any) -> Sighting:
    """A camera sees the problem again, a metre away."""
    return Sighting(
        f"detection-{number:032x}",
        row["class_code"],
        row["latitude"] + 1e-5,
        row["longitude"],
        row["last_at"] + timedelta(minutes=1),
        _classes()[row["class_code"]].merge,
    )


@cache
def _classes() -> dict[str, CaseClass]:
    return cases_at(load_definitions(), utc_now()).classes

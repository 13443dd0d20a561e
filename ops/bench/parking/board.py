"""The board of berths of a large city over HTTP, while signs come in and become sessions.

Most berths are filled in as the read model would have left them; the signs are of a street of it
that is in the log. Server parts and questions share one process, so `cpu_us` is of both.
"""

import asyncio
import time
from functools import partial
from typing import Any

import asyncpg

from citybrain.app import open_services
from citybrain.systems import PROJECTIONS
from ops.bench.figures import Sample, sample
from ops.bench.http import Exercised, exercised
from ops.bench.parking.street import BERTHS, open_street
from ops.bench.workbench import BenchFailed, Workbench
from projections.runner import prepare

CITY_BERTHS, A_ZONE, READERS = 100_000, 50, 4
SIGNS_AT_ONCE, A_SECOND = 25, 4
FILLED = "parking_board"
CITY_ZONES = "CZ-"

FILL = """
INSERT INTO parking_berths.berths (place_id, zone_id, number, state, changed_at, simulated)
SELECT 'CB-' || lpad(n::text, 6, '0'), $2 || n / $3::int, 1 + n % $3,
       CASE WHEN n % 20 = 0 THEN NULL WHEN n % 3 = 0 THEN 'free' ELSE 'occupied' END,
       clock_timestamp() - n % 600 * interval '1 second', true
FROM generate_series(0, $1::int - 1) AS n
"""
FILL_DEVICES = """
INSERT INTO parking_berths.devices (device_id, heard_at)
SELECT 'cc-' || n, clock_timestamp() FROM generate_series(0, $1::int / 10) AS n
"""
FILL_WATCHED = """
INSERT INTO parking_berths.watched (device_id, place_id)
SELECT 'cc-' || substr(place_id, 4)::int / 10, place_id
FROM parking_berths.berths WHERE zone_id LIKE $1 || '%'
"""
BY_KEY = "SELECT * FROM parking_berths.berths WHERE place_id = $1"


async def fill(bench: Workbench, url: str) -> None:
    """A street in the log, and a city in the read model."""
    async with open_services(bench.settings(url)) as services:
        await prepare(services.store, PROJECTIONS)
        await open_street(services)
    connection: asyncpg.Connection[Any] = await asyncpg.connect(url)
    try:
        await connection.execute(FILL, CITY_BERTHS - BERTHS, CITY_ZONES, A_ZONE)
        await connection.execute(FILL_DEVICES, CITY_BERTHS)
        await connection.execute(FILL_WATCHED, CITY_ZONES)
        await connection.execute(
            "VACUUM (ANALYZE) parking_berths.berths, parking_berths.devices, parking_berths.watched"
        )
        await connection.execute("CHECKPOINT")
    finally:
        await connection.close()


async def board(bench: Workbench) -> Sample:
    """The contender: readers that ask for one block face after the other, beside the signs."""
    return _sample(await _read(bench, bench.seconds))


async def static_page(bench: Workbench) -> Sample:
    """The limit: the same bytes, whatever is asked."""
    page = (await _read(bench, 0.0)).answer["page"]
    orders = _orders(bench.seconds)
    module = "ops.bench.parking.board_client"
    return _sample(await exercised(bench, None, module, orders, workers=False, page=page))


async def by_key(bench: Workbench) -> Sample:
    """A berth by its id, by as many connections, and no signs."""
    name = await bench.filled(FILLED, partial(fill, bench))
    latencies: list[float] = []
    async with bench.database(like=name) as url:

        async def reader(number: int) -> None:
            connection: asyncpg.Connection[Any] = await asyncpg.connect(url)
            try:
                find = await connection.prepare(BY_KEY)
                ends = time.perf_counter() + bench.seconds
                while (began := time.perf_counter()) < ends:
                    await find.fetch(f"CB-{number:06}")
                    latencies.append(time.perf_counter() - began)
                    number = (number * 31 + 7) % CITY_BERTHS
            finally:
                await connection.close()

        await asyncio.gather(*map(reader, range(READERS)))
    return sample(len(latencies), bench.seconds, latencies)


async def _read(bench: Workbench, seconds: float) -> Exercised:
    name = await bench.filled(FILLED, partial(fill, bench))
    async with bench.database(like=name) as url:
        orders = _orders(seconds)
        found = await exercised(bench, url, "ops.bench.parking.board_client", orders, workers=True)
        connection: asyncpg.Connection[Any] = await asyncpg.connect(url)
        try:
            stored = await connection.fetchval(
                "SELECT count(*) FROM stored_events WHERE topic = 'parking.detected'"
            )
        finally:
            await connection.close()
    if stored != found.answer["sent"]:
        raise BenchFailed(f"{found.answer['sent']} signs were sent, {stored} are stored")
    return found


def _orders(seconds: float) -> dict[str, object]:
    return {
        "seconds": seconds,
        "readers": READERS,
        "berths": CITY_BERTHS,
        "paths": [
            f"/v1/parking/berths?zone_id={CITY_ZONES}{number}&limit={A_ZONE}"
            for number in range((CITY_BERTHS - BERTHS) // A_ZONE)
        ],
        "signs_at_once": SIGNS_AT_ONCE,
        "a_second": A_SECOND,
    }


def _sample(found: Exercised) -> Sample:
    answer = found.answer
    own = sample(len(answer["latencies"]), answer["seconds"], answer["latencies"])
    return found.of(own, len(answer["latencies"]))

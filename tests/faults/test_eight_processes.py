"""Eight real processes that serve, on a PostgreSQL that takes a hundred connections (a storm)."""

import asyncio
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path
from typing import Any
from uuid import uuid4

import aiohttp
import asyncpg
import pytest

from citybrain.eventstore.embedded import EmbeddedPostgres
from tests.given.api import REPORT_NOW
from tests.given.killed_server import KilledServer, kill_postgres, killed_server
from tests.given.server import environment_of
from tests.given.storm import STORM
from tests.given.waiting import eventually
from tests.given.warm import Warm

SERVERS, REPORTS = 8, 20
MAX_CONNECTIONS = 100
BY_PROCESS = """
SELECT split_part(application_name, ' ', 2) AS process, count(*) AS connections
FROM pg_stat_activity WHERE application_name LIKE 'citybrain-% %' GROUP BY 1
"""
ALL = "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'"
LOOKS_ITSELF = 1


async def a_server_for_a_hundred(data: Path) -> str:
    server = EmbeddedPostgres(data)
    url = await server.start()
    connection: asyncpg.Connection[Any] = await asyncpg.connect(url)
    await connection.execute(f"ALTER SYSTEM SET max_connections = {MAX_CONNECTIONS}")
    await connection.close()
    kill_postgres(data)
    return await server.start()


async def report(server: KilledServer) -> int:
    """One case; the status of the answer."""
    token = await server.token(f"camera-{uuid4()}", "camera")
    async with (
        aiohttp.ClientSession(server.url) as http,
        http.post(
            "/v1/cases", json=REPORT_NOW, headers={"Authorization": f"Bearer {token}"}
        ) as answer,
    ):
        return answer.status


async def ready(server: KilledServer) -> bool:
    async with aiohttp.ClientSession(server.url) as http, http.get("/readyz") as answer:
        return answer.status == 200


@pytest.mark.fault
@pytest.mark.storm
@pytest.mark.skipif(STORM == 1, reason="a storm: eight processes cost half a minute of computing")
async def test_eight_real_processes_work_on_a_hundred_connections(tmp_path: Path) -> None:
    url = await a_server_for_a_hundred(tmp_path)
    try:
        async with AsyncExitStack() as stack:
            servers = [
                await stack.enter_async_context(killed_server(tmp_path)) for _ in range(SERVERS)
            ]
            told = await asyncio.gather(*(report(each) for each in servers for _ in range(REPORTS)))
            assert set(told) == {201}
            for each in servers:
                await eventually(partial(ready, each))
            connection: asyncpg.Connection[Any] = await asyncpg.connect(url)
            assert await connection.fetchval("SHOW max_connections") == str(MAX_CONNECTIONS)
            rows = await connection.fetch(BY_PROCESS)
            in_use = await connection.fetchval(ALL) - LOOKS_ITSELF
            held = sorted(row["connections"] for row in rows)
            print(
                f"{SERVERS} processes have {in_use} of {MAX_CONNECTIONS} connections: {held}; "
                f"{len(told)} of {SERVERS * REPORTS} reports were acknowledged"
            )
            assert len(held) == SERVERS
            ninth = Warm(
                tmp_path / "ninth",
                "citybrain",
                *("serve", "--port", "0"),
                environment=environment_of(tmp_path) | {"CITYBRAIN_MODE": "development"},
            )
            assert await ninth.ended() == 75
            print(ninth.err.read_text().strip())
            assert {await report(each) for each in servers} == {201}
            await connection.close()
    finally:
        kill_postgres(tmp_path)

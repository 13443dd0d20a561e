"""A roll-out: the release before and this one serve and work side by side on one log."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import aiohttp
import pytest
from pydantic import SecretStr

from citybrain.eventstore import ANY, EventStore, Metadata, NewEvent, open_event_store
from citybrain.settings import Settings
from tests.given.killed_server import killed_server
from tests.given.release_before import (
    BEFORE,
    BEFORE_KAFKA,
    code_of,
    last_migration,
    older_server,
    start,
)
from tests.given.reporting import CAMERAS, REPORT, City, until_quiet, whole
from tests.given.server import Server
from tests.given.storm import STORM
from tests.given.terminal import Terminal
from tests.given.waiting import eventually, holds

COLD = pytest.mark.skipif(STORM == 1, reason="processes of other releases are for a storm")
LATER = b'{"class_version":99,"what":"nobody here knows"}'
SCHEMA = "SELECT max(number) FROM schema_migrations"
STOPPED = "SELECT projection, stopped FROM projection_checkpoints WHERE stopped IS NOT NULL"


@asynccontextmanager
async def reporting(server: Server) -> AsyncIterator[City]:
    """Cameras report to a server during the block, until each has its last answer."""
    city = City()
    city.up.set_result(server)
    cameras = [asyncio.create_task(city.camera(number)) for number in range(CAMERAS)]
    yield city
    city.ending = True
    await asyncio.gather(*cameras)


async def reported(server: Server, key: str) -> tuple[int, str]:
    """A report under a key: the status, and the case."""
    headers = {"Authorization": f"Bearer {await server.token('camera-1', 'camera')}"}
    async with (
        aiohttp.ClientSession(server.url) as http,
        http.post("/v1/cases", json=REPORT, headers=headers | {"Idempotency-Key": key}) as answer,
    ):
        return answer.status, (await answer.json())["case_id"]


@COLD
@pytest.mark.fault
@pytest.mark.storm
@pytest.mark.parametrize("release", [BEFORE, BEFORE_KAFKA])
async def test_two_releases_side_by_side_lose_and_double_nothing(
    release: str, tmp_path: Path
) -> None:
    code = code_of(release)
    async with older_server(code, tmp_path) as old:
        async with reporting(old.server) as first:
            await holds(lambda: len(first.acknowledged) >= 30)
        async with (
            killed_server(tmp_path) as new,
            open_event_store(Settings(data_dir=tmp_path)) as store,
        ):
            assert await store.pool.fetchval(SCHEMA) >= last_migration(code)
            async with reporting(old.server) as second, reporting(new) as third:
                await holds(lambda: min(len(second.acknowledged), len(third.acknowledged)) >= 30)
                key = str(uuid4())
                at_old, at_new = await reported(old.server, key), await reported(new, key)
                assert at_old == at_new
                other = str(uuid4())
                again = await reported(new, other)
                assert await reported(old.server, other) == again
                third.acknowledged |= {key: at_old[1], other: again[1]}
            assert await old.stop() == 0
            async with reporting(new) as fourth:
                await holds(lambda: len(fourth.acknowledged) >= 30)
            all_of_it = City()
            for city in (first, second, third, fourth):
                all_of_it.acknowledged |= city.acknowledged
            await until_quiet(store, len(all_of_it.acknowledged))
            await whole(store, all_of_it)


@COLD
@pytest.mark.fault
async def test_the_release_before_stops_at_an_event_of_this_one_and_says_so(tmp_path: Path) -> None:
    code = code_of(BEFORE)
    async with (
        older_server(code, tmp_path) as old,
        open_event_store(Settings(data_dir=tmp_path)) as store,
    ):
        key = str(uuid4())
        assert (await reported(old.server, key))[0] == 201
        metadata = Metadata("tester", "system", "test", uuid4(), uuid4())
        later = NewEvent("case.filed", LATER)
        at = (await store.append("case-later", ANY, [later], metadata=metadata)).position
        stopped = await eventually(lambda: _stopped(store))  # of each model that applies them
        assert all(
            f"case.filed at position {at} is of version 99" in why for why in stopped.values()
        )
        assert (await reported(old.server, str(uuid4())))[0] == 201  # all else goes on
        url = SecretStr(store.dsn)
        said = await Terminal(Settings(data_dir=tmp_path, database_url=url), tmp_path / "said").run(
            "projections", "status"
        )
        assert "stopped: case_desk" in said.err


async def _stopped(store: EventStore) -> dict[str, Any]:
    """Why models stopped, once the desk has, too."""
    found = {row["projection"]: row["stopped"] for row in await store.pool.fetch(STOPPED)}
    return found if "case_desk" in found else {}


@COLD
@pytest.mark.fault
async def test_the_release_before_does_not_begin_on_the_schema_of_this_one(tmp_path: Path) -> None:
    code = code_of(BEFORE_KAFKA)
    async with open_event_store(Settings(data_dir=tmp_path)):
        process, said = await start(code, tmp_path, "serve", "--port", "0")
        assert await process.wait() == 1
        assert "newer than the" in said.read_text()

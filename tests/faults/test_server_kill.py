"""The server with its workers is killed with SIGKILL again and again while cameras report.

Afterwards: each report is one case, each case was filed and dispatched once by the process
manager, and every read model equals one rebuilt from the log.
"""

import asyncio
import itertools
import os
import random
import signal
from pathlib import Path

import pytest
from pydantic import SecretStr

from citybrain.eventstore import open_event_store
from citybrain.settings import Settings
from tests.given.killed_server import killed_server
from tests.given.reporting import CAMERAS, City, until_quiet, whole
from tests.given.storm import STORM, repeated
from tests.given.waiting import holds

ROUNDS = repeated(2)


@pytest.mark.fault
@pytest.mark.storm
async def test_killed_servers_leave_each_case_whole_and_each_model_equal(tmp_path: Path) -> None:
    chance = random.Random(20261123)
    city = City()
    async with open_event_store(Settings(data_dir=tmp_path)) as store:
        cameras = [asyncio.create_task(city.camera(number)) for number in range(CAMERAS)]
        for turn in itertools.count(1):
            async with killed_server(tmp_path) as serving:
                enough = len(city.acknowledged) + chance.randrange(30, 90)
                city.up.set_result(serving)
                await holds(lambda: len(city.acknowledged) >= enough)  # noqa: B023
                if turn > ROUNDS:
                    city.ending = True
                    await asyncio.gather(*cameras)
                    await until_quiet(store, len(city.acknowledged))
                    break
                city.up = asyncio.get_running_loop().create_future()
                await serving.kill()
        await whole(store, city)


@pytest.mark.fault
async def test_a_stopped_leader_is_replaced_and_does_no_harm_when_it_wakes(tmp_path: Path) -> None:
    await stopped_and_awake_again(Settings(data_dir=tmp_path))


@pytest.mark.fault
@pytest.mark.storm
@pytest.mark.skipif(STORM == 1, reason="a storm: the same once more costs what it costs")
async def test_a_stopped_leader_of_read_models_in_another_database_does_no_harm_either(
    tmp_path: Path,
) -> None:
    async with open_event_store(Settings(data_dir=tmp_path)) as store:
        await store.pool.execute("CREATE DATABASE models")
        models = SecretStr(store.dsn.replace("/postgres?", "/models?"))
        await stopped_and_awake_again(Settings(data_dir=tmp_path, read_database_url=models))
        assert await store.pool.fetchval("SELECT count(*) FROM projection_checkpoints") == 0


async def stopped_and_awake_again(settings: Settings) -> None:
    """The one that leads hangs while reports come; later it goes on."""
    city, data, more = City(), settings.data_dir, {}
    if settings.read_database_url is not None:
        more = {"CITYBRAIN_READ_DATABASE_URL": settings.read_database_url.get_secret_value()}
    async with (
        open_event_store(settings) as store,
        killed_server(data, **more) as stopped,
        killed_server(data, **more) as serving,
    ):
        city.up.set_result(serving)
        cameras = [asyncio.create_task(city.camera(number)) for number in range(CAMERAS)]
        await holds(lambda: len(city.acknowledged) >= 40)
        os.kill(stopped.pid, signal.SIGSTOP)
        await holds(lambda: len(city.acknowledged) >= 80)
        city.ending = True
        await asyncio.gather(*cameras)
        await until_quiet(store, len(city.acknowledged))
        os.kill(stopped.pid, signal.SIGCONT)
        city.ending, city.up = False, asyncio.get_running_loop().create_future()
        city.up.set_result(stopped)
        cameras = [asyncio.create_task(city.camera(number)) for number in range(CAMERAS)]
        await holds(lambda: len(city.acknowledged) >= 120)
        city.ending = True
        await asyncio.gather(*cameras)
        await until_quiet(store, len(city.acknowledged))
        await whole(store, city)

"""The server with its workers is killed with SIGKILL again and again while cameras report.

Afterwards: each report is one case, each case was filed and dispatched once by the process
manager, and every read model equals one rebuilt from the log.
"""

import asyncio
import itertools
import os
import random
import signal
from collections import Counter
from contextlib import suppress
from pathlib import Path
from uuid import uuid4

import aiohttp
import pytest

from citybrain.eventstore import EventStore, open_event_store
from citybrain.settings import Settings
from citybrain.systems import PROJECTIONS
from commands.processes.parked import parked_commands
from projections.rebuild import compare
from projections.status import projection_status
from tests.given.killed_server import killed_server
from tests.given.server import Server
from tests.given.storm import repeated
from tests.given.waiting import eventually, holds

ROUNDS = repeated(2)
CAMERAS = 12
REPORT = {
    "source": "camera",
    "class_code": "overflowing_bin",
    "latitude": 34.7,
    "longitude": 113.6,
    "confidence": 90,
    "simulated": True,
}


class City:
    """Cameras that send each report with one key until a server acknowledges it."""

    def __init__(self) -> None:
        self.up: asyncio.Future[Server] = asyncio.get_running_loop().create_future()
        self.acknowledged: dict[str, str] = {}
        self.ending = False

    async def camera(self, number: int) -> None:
        while not self.ending:
            await self._report(f"camera-{number}", str(uuid4()))

    async def _report(self, camera: str, key: str) -> None:
        while True:
            serving = await self.up
            with suppress(aiohttp.ClientError, ConnectionError, AssertionError):
                token = await serving.token(camera, "camera")
                headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": key}
                async with (
                    aiohttp.ClientSession(serving.url) as http,
                    http.post("/v1/cases", json=REPORT, headers=headers) as answer,
                ):
                    assert answer.status == 201
                    self.acknowledged[key] = (await answer.json())["case_id"]
                    return
            await asyncio.sleep(0.05)


async def until_quiet(store: EventStore, cases: int) -> None:
    """Every case is dispatched and every read model has seen the whole log."""

    async def quiet() -> bool:
        if await store.head() < 3 * cases:
            return False
        return not any(row["lag"] for row in await projection_status(store, PROJECTIONS))

    await eventually(quiet)


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
    city = City()
    async with (
        open_event_store(Settings(data_dir=tmp_path)) as store,
        killed_server(tmp_path) as stopped,
        killed_server(tmp_path) as serving,
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


async def whole(store: EventStore, city: City) -> None:
    """Each acknowledged report is one case, filed and dispatched once; each model is right."""
    log = await store.read_all(limit=await store.head() + 1)
    parked = await parked_commands(store)
    comparisons = [await compare(store, projection) for projection in PROJECTIONS]

    assert len(set(city.acknowledged.values())) == len(city.acknowledged)
    steps = Counter((event.stream_id, event.topic) for event in log)
    for case_id in city.acknowledged.values():
        for topic in ("case.reported", "case.filed", "case.dispatched"):
            assert steps.pop((case_id, topic)) == 1
    assert not steps, "a report that was sent again made a second case"
    assert not parked
    assert all(comparison.equal for comparison in comparisons), comparisons

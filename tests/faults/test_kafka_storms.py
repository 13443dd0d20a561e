"""Storms over everything: brokers are lost, workers come and go, the network and the disk fail.

Each ends with the same checks: what was acknowledged is there once, in order and gapless, read
models are as rebuilt, and Kafka has what the log has.
"""

import asyncio
import os
import signal
import subprocess
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from random import Random
from uuid import uuid4

import aiohttp
import pytest
from pydantic import SecretStr

from citybrain.eventstore import EventStore, open_event_store
from citybrain.settings import Settings
from ops.kafka import Cluster, kafka_broker
from tests.given.api import REPORT_NOW
from tests.given.kafka import kafka_or_skip
from tests.given.kafka_storm import CASES, SECONDS, begun_worker, reports, require_all_right, worker
from tests.given.killed_server import KilledServer, kill_postgres, killed_server
from tests.given.network import PostgresNetwork
from tests.given.publishing import publish_process, published_up_to, publishing_settings
from tests.given.storm import STORM
from tests.given.waiting import eventually, holds

pytestmark = [
    pytest.mark.fault,
    pytest.mark.storm,
    pytest.mark.skipif(STORM == 1, reason="minutes long: `make storm` runs it"),
]
MOST_WORKERS = 5
DISK = "size=600m"


async def test_one_of_three_brokers_is_lost_for_good_and_then_all_are_away(
    settings: Settings, store: EventStore, tmp_path: Path
) -> None:
    kafka_or_skip()
    async with kafka_broker(brokers=3) as cluster:
        ours = publishing_settings(settings, cluster, kafka_categories=[CASES])
        topic = ours.kafka_topic_prefix + CASES
        async with (
            publish_process(ours, tmp_path / "one"),
            publish_process(ours, tmp_path / "other"),
            worker(ours),
        ):
            async with reports(store) as acknowledged:
                await holds(lambda: len(acknowledged) > 20)
                await published_up_to(store, 20, topic)
                await asyncio.to_thread(cluster.brokers[2].kill)
                await published_up_to(store, await store.head() + 20, topic)
                await asyncio.gather(
                    *(asyncio.to_thread(broker.kill) for broker in cluster.brokers[:2])
                )
                before = len(acknowledged)
                await asyncio.sleep(SECONDS)
                assert len(acknowledged) > before + SECONDS, "commands go on"
                for broker in cluster.brokers[:2]:
                    broker.launch()
                for broker in cluster.brokers[:2]:
                    await asyncio.to_thread(broker.wait_until_ready)
                await published_up_to(store, await store.head() + 20, topic)
            await require_all_right(ours, store, acknowledged)


async def test_k13_workers_join_and_leave_and_one_is_stopped_for_a_minute(
    kafka: Cluster, settings: Settings, store: EventStore, tmp_path: Path
) -> None:
    ours = publishing_settings(settings, kafka, kafka_categories=[CASES], kafka_partitions=12)
    chance, ends = Random(13), time.monotonic() + SECONDS
    async with publish_process(ours, tmp_path), worker(ours) as sleeper:
        others = [begun_worker(ours)]
        joined = left = 0
        async with reports(store) as acknowledged:
            await holds(lambda: len(acknowledged) > 20)
            os.kill(sleeper.pid, signal.SIGSTOP)
            while time.monotonic() < ends:
                if len(others) < 2 or (len(others) < MOST_WORKERS and chance.random() < 0.5):
                    others.append(begun_worker(ours))
                    joined += 1
                else:
                    leaver = others.pop(chance.randrange(len(others)))
                    os.kill(leaver.pid, chance.choice([signal.SIGTERM, signal.SIGKILL]))
                    await leaver.ended()
                    left += 1
                if time.monotonic() > ends - SECONDS / 2:
                    os.kill(sleeper.pid, signal.SIGCONT)
                await asyncio.sleep(chance.uniform(2, 6))
        assert min(joined, left) > 2
        await require_all_right(ours, store, acknowledged)
        for each in others:
            await each.kill()


class Cameras:
    """Report until they are acknowledged, each with one key; answers are counted by status."""

    def __init__(self, server: KilledServer) -> None:
        self._server = server
        self.acknowledged: list[str] = []
        self.answers: Counter[str] = Counter()
        self.slowest_seconds = 0.0

    async def run(self) -> None:
        """One of them, until cancelled."""
        token = await self._server.token(f"camera-{uuid4()}", "camera")
        async with aiohttp.ClientSession(
            self._server.url, headers={"Authorization": f"Bearer {token}"}
        ) as http:
            while True:
                await self._report(http, str(uuid4()))
                await asyncio.sleep(0.1)

    async def _report(self, http: aiohttp.ClientSession, key: str) -> None:
        while True:
            began = time.monotonic()
            try:
                async with http.post(
                    "/v1/cases", json=REPORT_NOW, headers={"Idempotency-Key": key}
                ) as answer:
                    body = await answer.json()
                    said = str(answer.status) + body.get("code", "")
                    if answer.status == 201:
                        self.acknowledged.append(body["case_id"])
            except (aiohttp.ClientError, ConnectionError) as error:
                said = type(error).__name__
            self.answers[said] += 1
            self.slowest_seconds = max(self.slowest_seconds, time.monotonic() - began)
            if said == "201":
                return
            await asyncio.sleep(0.1)

    async def more(self, number: int = 20) -> None:
        """Wait for so many more that are acknowledged."""
        enough = len(self.acknowledged) + number
        await holds(lambda: len(self.acknowledged) >= enough)


@asynccontextmanager
async def cameras(server: KilledServer, number: int = 8) -> AsyncIterator[Cameras]:
    """They report while the block runs."""
    found = Cameras(server)
    reporting = [asyncio.create_task(found.run()) for _ in range(number)]
    try:
        yield found
    finally:
        for each in reporting:
            each.cancel()
        await asyncio.gather(*reporting, return_exceptions=True)
        print(dict(found.answers), f"slowest answer {found.slowest_seconds:.1f} s")


def only_unavailable(answers: Counter[str]) -> bool:
    """Whether whatever was not done was said to be so, by a problem that says to come again."""
    return all(said == "201" or said.startswith("503") for said in answers)


async def test_the_network_to_postgresql_is_slow_and_then_swallows_everything(
    kafka: Cluster, settings: Settings, store: EventStore, tmp_path: Path
) -> None:
    assert settings.database_url is not None
    async with PostgresNetwork(settings.database_url.get_secret_value()) as network:
        ours = publishing_settings(
            settings, kafka, kafka_categories=[CASES], database_url=SecretStr(network.url)
        )
        async with (
            killed_server(tmp_path / "data", CITYBRAIN_DATABASE_URL=network.url) as server,
            publish_process(ours, tmp_path / "publisher"),
        ):
            async with cameras(server) as found:
                await found.more()
                network.delay_seconds = 0.1
                await found.more()
                network.swallow()
                await holds(lambda: any(said.startswith("503") for said in found.answers))
                await asyncio.sleep(SECONDS / 4)
                network.delay_seconds = 0.0
                network.heal()
                await found.more(40)
                await eventually(lambda: _ready(server))
            await require_all_right(ours, store, found.acknowledged)
    assert only_unavailable(found.answers), found.answers
    assert found.slowest_seconds < 20


async def test_postgresql_is_killed_under_the_api_again_and_again(
    kafka: Cluster, tmp_path: Path
) -> None:
    data = tmp_path / "data"
    ours = publishing_settings(Settings(data_dir=data), kafka, kafka_categories=[CASES])
    async with killed_server(data) as server, publish_process(ours, tmp_path / "publisher"):
        async with cameras(server) as found:
            for _ in range(STORM // 2):
                await found.more(20)
                kill_postgres(data)
            await found.more(40)
            await eventually(lambda: _ready(server))
        async with open_event_store(ours) as store:
            await require_all_right(ours, store, found.acknowledged)
    assert only_unavailable(found.answers), found.answers


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A small file system for PostgreSQL and what the server logs."""
    place = tmp_path / "data"
    place.mkdir()
    made = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", DISK, "tmpfs", str(place)], capture_output=True, check=False
    )
    if made.returncode:
        pytest.skip(f"no small file system: only root may mount one ({made.stderr.decode()})")
    try:
        yield place
    finally:
        subprocess.run(["umount", "-l", str(place)], check=True)


async def test_the_disk_of_postgresql_is_full_for_a_while(
    kafka: Cluster, disk: Path, tmp_path: Path
) -> None:
    ours = publishing_settings(Settings(data_dir=disk), kafka, kafka_categories=[CASES])
    try:
        async with killed_server(disk) as server, publish_process(ours, tmp_path / "publisher"):
            async with cameras(server) as found:
                await found.more()
                ballast = disk / "ballast"
                fill(ballast)
                await holds(lambda: any(said.startswith("503") for said in found.answers))
                await asyncio.sleep(SECONDS / 4)
                fill(ballast)
                ballast.unlink()
                await found.more(40)
                await eventually(lambda: _ready(server))
            async with open_event_store(ours) as store:
                await require_all_right(ours, store, found.acknowledged)
        assert only_unavailable(found.answers), found.answers
    finally:
        with suppress(FileNotFoundError):  # the last one stops it, unless it was killed
            kill_postgres(disk)


def fill(file: Path) -> None:
    """Take all the room there is."""
    with file.open("ab", buffering=0) as ballast:
        for size in (1 << 20, 1 << 12):
            try:
                while True:
                    ballast.write(bytes(size))
            except OSError:
                continue


async def _ready(server: KilledServer) -> bool:
    async with aiohttp.ClientSession(server.url) as http, http.get("/readyz") as answer:
        return answer.status == 200

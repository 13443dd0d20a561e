"""The scenario of several processes on one port (K39), with real ones, of which one is killed."""

import asyncio
import os
import signal
from collections import Counter
from datetime import datetime
from pathlib import Path
from uuid import uuid4

import aiohttp
import psutil
import pytest

from citybrain.eventstore import open_event_store
from citybrain.settings import Settings
from tests.given.api import REPORT_NOW
from tests.given.many_processes import ManyProcesses, many_processes
from tests.given.storm import STORM
from tests.given.waiting import eventually, holds

PROCESSES = 2 if STORM == 1 else 4
LIMIT, SENT = 100, 260
PAUSE_SECONDS = 0.1 if STORM == 1 else 0.0
"""Of a camera between two reports: while others start, they have the processor."""
SERVING = "FROM pg_stat_activity WHERE application_name LIKE 'citybrain-serves %'"
ALL_SERVE = f"SELECT clock_timestamp() WHERE (SELECT count(*) {SERVING}) = $1"
ASKED_SINCE = f"SELECT count(*) {SERVING} AND query_start > $1"


class Cameras:
    """Send reports, each with one key until it is acknowledged; what goes wrong is counted."""

    def __init__(self, city: ManyProcesses) -> None:
        self._city = city
        self.acknowledged: dict[str, str] = {}
        self.failures: Counter[str] = Counter()
        self._ending = False
        self._tasks: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> "Cameras":
        self._ending = False
        self._tasks = [asyncio.create_task(self._report()) for _ in range(8)]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._ending = True
        await asyncio.gather(*self._tasks)

    async def more(self, count: int) -> None:
        """Wait for so many more that are acknowledged."""
        enough = len(self.acknowledged) + count
        await holds(lambda: len(self.acknowledged) >= enough)

    async def _report(self) -> None:
        while not self._ending:
            key = str(uuid4())  # a camera for each: none meets its limit
            async with self._city.client(f"camera-{key}", "camera") as http:
                while key not in self.acknowledged:
                    await self._send(http, key)
            await asyncio.sleep(PAUSE_SECONDS)

    async def _send(self, http: aiohttp.ClientSession, key: str) -> None:
        try:
            headers = {"Idempotency-Key": key}
            async with http.post("/v1/cases", json=REPORT_NOW, headers=headers) as answer:
                if answer.status == 201:
                    self.acknowledged[key] = (await answer.json())["case_id"]
                else:
                    self.failures[f"{answer.status}"] += 1
        except (aiohttp.ClientError, ConnectionError) as error:
            self.failures[type(error).__name__] += 1
            await asyncio.sleep(0.02)


@pytest.mark.fault
@pytest.mark.storm
async def test_k39_several_processes_keep_one_promise(tmp_path: Path) -> None:
    settings = {
        "CITYBRAIN_RATE_LIMIT_PER_SECOND": "0.001",
        "CITYBRAIN_RATE_LIMIT_BURST": str(LIMIT),
        "CITYBRAIN_REQUEST_TIMEOUT_SECONDS": "3600",
    }
    async with many_processes(tmp_path, PROCESSES, **settings) as city:
        await all_know_of_all(tmp_path)
        first = city.serving
        assert len(first) == PROCESSES
        await one_key_is_one_effect(city)
        await the_limit_is_not_multiplied(city)
        await everybody_sees_what_they_wrote(city)

        cameras = Cameras(city)
        async with cameras:
            await cameras.more(40)
            os.kill(min(first), signal.SIGKILL)
            await cameras.more(40)
            await holds(lambda: len(city.serving) == PROCESSES and min(first) not in city.serving)
            await holds(lambda: "process_started_again" in city.said)
            await cameras.more(40)

        cameras.failures.clear()
        before = city.serving
        async with cameras:
            os.kill(city.supervisor.pid, signal.SIGHUP)
            await holds(lambda: "all_replaced" in city.said)
            await cameras.more(20)
        assert cameras.failures == {}
        after = city.serving
        assert not before & after
        assert await city.stop() == 0
        assert not any(map(psutil.pid_exists, first | before | after))

    async with open_event_store(Settings(data_dir=tmp_path)) as store:
        log = await store.read_all(topics=["case.reported"], limit=100_000)
        every = await store.read_all(limit=100_000)
    reported = Counter(event.stream_id for event in log)
    assert len(set(cameras.acknowledged.values())) == len(cameras.acknowledged)
    assert {reported[case_id] for case_id in cameras.acknowledged.values()} == {1}
    assert [event.position for event in every] == list(range(1, len(every) + 1))


async def all_know_of_all(data: Path) -> None:
    """Each has asked how many serve since all do: it has one limit with all others."""
    async with open_event_store(Settings(data_dir=data)) as store:

        async def since() -> datetime | None:
            found: datetime | None = await store.pool.fetchval(ALL_SERVE, PROCESSES)
            return found

        seen = await eventually(since)

        async def asked() -> bool:
            many: int = await store.pool.fetchval(ASKED_SINCE, seen)
            return many == PROCESSES

        await eventually(asked)


async def one_key_is_one_effect(city: ManyProcesses) -> None:
    """The same key reaches all at once: one case, and equal answers, or that it is in flight."""
    async with city.client("camera-key", "camera") as http:

        async def send() -> tuple[int, str]:
            headers = {"Idempotency-Key": "the-same"}
            async with http.post("/v1/cases", json=REPORT_NOW, headers=headers) as answer:
                body = await answer.json()
                return answer.status, body.get("case_id") or body["code"]

        told = set(await asyncio.gather(*(send() for _ in range(24))))
        last = await send()
    assert last[0] == 201
    assert told - {(409, "idempotency-key-in-flight")} == {last}


async def the_limit_is_not_multiplied(city: ManyProcesses) -> None:
    """Whoever changes between processes has the limit, and by chance a little less."""
    async with city.client("operator-limited", "operator") as http:

        async def status() -> int:
            async with http.get("/v1/cases") as answer:
                return answer.status

        told = Counter(await asyncio.gather(*(status() for _ in range(SENT))))
    assert told[200] + told[429] == SENT
    assert 0.75 * LIMIT <= told[200] <= LIMIT


async def everybody_sees_what_they_wrote(city: ManyProcesses) -> None:
    """Whichever process is asked."""
    async with city.client("camera-reads", "camera") as http, city.client("o", "operator") as staff:
        for _ in range(4):
            async with http.post("/v1/cases", json=REPORT_NOW) as answer:
                case, position = (await answer.json())["case_id"], answer.headers["X-Position"]
            async with staff.get(f"/v1/cases/{case}") as answer:
                assert answer.status == 200
            async with staff.get(f"/v1/cases?min_position={position}") as answer:
                cases = (await answer.json())["cases"]
            assert case in {each["case_id"] for each in cases}

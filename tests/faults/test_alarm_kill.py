"""Processes killed in the midst of thousands of alarms that are due at one second.

Afterwards: each alarm has rung exactly once, and none is left.
"""

import asyncio
import random
import subprocess
import sys
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from citybrain.eventstore import EventStore, open_event_store
from citybrain.settings import Settings
from commands.processes.parked import parked_commands
from tests.given.services import services_over
from tests.given.sleepers import RANG, come

SLEEPERS = 2000
KILLS = 3
LEFT = "SELECT count(*) FROM stream_alarms"
RUNG = "SELECT count(*) FROM stored_events WHERE topic = 'sleeper.rang'"


def start(data_dir: Path) -> "subprocess.Popen[bytes]":
    return subprocess.Popen([sys.executable, "-m", "tests.given.ringing", str(data_dir)])


async def until(store: EventStore, query: str, at_least: int, at_most: int) -> None:
    async with asyncio.timeout(90):
        while not at_least <= await store.pool.fetchval(query) <= at_most:
            await asyncio.sleep(0.01)


@pytest.mark.fault
async def test_thousands_of_alarms_at_one_second_ring_once_whoever_was_killed(
    tmp_path: Path,
) -> None:
    chance, ringing = random.Random(20261128), []
    async with open_event_store(Settings(data_dir=tmp_path)) as store:
        services, limit = services_over(store), asyncio.Semaphore(100)
        due_at = datetime.now(UTC) + timedelta(seconds=8)

        async def one() -> None:
            async with limit:
                await come(services, due_at)

        await asyncio.gather(*(one() for _ in range(SLEEPERS)))
        ringing = [start(tmp_path), start(tmp_path)]  # one leads, one stands by
        interrupted = 0
        try:
            for _ in range(KILLS):
                before = await store.pool.fetchval(RUNG)
                wanted = min(before + chance.randrange(1, 400), SLEEPERS)
                await until(store, RUNG, wanted, SLEEPERS)
                for each in ringing if chance.random() < 0.5 else ringing[:1]:
                    each.kill()
                    each.wait()
                interrupted += await store.pool.fetchval(RUNG) < SLEEPERS
                ringing = [each for each in ringing if each.poll() is None]
                ringing += [start(tmp_path) for _ in range(2 - len(ringing))]
            await until(store, RUNG, SLEEPERS, SLEEPERS)
            await until(store, LEFT, 0, 0)
        finally:
            for each in ringing:
                each.kill()
                each.wait()
        log = await store.read_all(topics=[RANG], limit=10 * SLEEPERS)
        assert not await parked_commands(store)
    rung = Counter(event.stream_id for event in log)
    assert interrupted >= 2, "nothing was interrupted"
    assert len(rung) == SLEEPERS
    assert set(rung.values()) == {1}

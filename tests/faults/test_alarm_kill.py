"""Processes killed in the midst of thousands of alarms that are due at one second.

Afterwards: each alarm has rung exactly once, and none is left.
"""

import asyncio
import os
import random
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from citybrain.eventstore import EventStore, open_event_store
from citybrain.settings import Settings
from commands.processes.parked import parked_commands
from tests.given.services import services_over
from tests.given.sleepers import RANG, come
from tests.given.storm import repeated
from tests.given.waiting import eventually
from tests.given.warm import Warm

SLEEPERS = repeated(1000)
KILLS = repeated(3)
LEFT = "SELECT count(*) FROM stream_alarms"
RUNG = "SELECT count(*) FROM stored_events WHERE topic = 'sleeper.rang'"


def start(data_dir: Path) -> Warm:
    return Warm(data_dir / "said", "tests.given.ringing", str(data_dir), environment=os.environ)


async def until(store: EventStore, query: str, at_least: int, at_most: int) -> None:
    async def reached() -> bool:
        count: int = await store.pool.fetchval(query)
        return at_least <= count <= at_most

    await eventually(reached)


@pytest.mark.fault
@pytest.mark.storm
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
                wanted = min(before + chance.randrange(1, 200), SLEEPERS)
                await until(store, RUNG, wanted, SLEEPERS)
                for each in ringing if chance.random() < 0.5 else ringing[:1]:
                    await each.kill()
                interrupted += await store.pool.fetchval(RUNG) < SLEEPERS
                ringing = [each for each in ringing if each.status is None]
                ringing += [start(tmp_path) for _ in range(2 - len(ringing))]
            while (before := await store.pool.fetchval(RUNG)) < SLEEPERS:  # however many there are
                await until(store, RUNG, before + 1, SLEEPERS)
            await until(store, LEFT, 0, 0)
        finally:
            for each in ringing:
                await each.kill()
        log = await store.read_all(topics=[RANG], limit=10 * SLEEPERS)
        assert not await parked_commands(store)
    rung = Counter(event.stream_id for event in log)
    assert interrupted >= 2, "nothing was interrupted"
    assert len(rung) == SLEEPERS
    assert set(rung.values()) == {1}

"""Processes that share junctions are killed, over midnight: nothing unsafe is in the log.

Afterwards: the checker finds nothing, each day was closed and opened once, and every junction
follows its plan. Nobody waits at a lamp here, so that how busy the machine is says nothing.
"""

import os
import random
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from citybrain.audit.signals.exports import read_log
from citybrain.eventstore import EventStore, open_event_store
from citybrain.settings import Settings
from commands.signals.sharing import SHARDS
from tests.given.services import services_over
from tests.given.signals.controlled import RENMIN, Centre, in_service
from tests.given.signals.controlling import fast_clock
from tests.given.storm import repeated
from tests.given.waiting import eventually
from tests.given.warm import Warm

KILLS = repeated(4)
BEFORE_MIDNIGHT = datetime(2026, 9, 14, 15, 50, tzinfo=UTC)
CHANGES = "SELECT count(*) FROM stored_events WHERE topic = 'signal.stage_applied'"
DAYS = "SELECT count(*) FROM stored_events WHERE topic = 'signal.day_opened'"

HOLDERS = """
SELECT count(*) FROM (
    SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND mode = 'ExclusiveLock'
      AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
    GROUP BY pid HAVING count(*) = $1
) AS holders
"""


async def until(store: EventStore, query: str, at_least: int) -> int:
    async def reached() -> int | None:
        count: int = await store.pool.fetchval(query)
        return count if count >= at_least else None

    return await eventually(reached)


async def shared(store: EventStore, processes: int) -> None:
    """Wait until each has its part, also of what a killed one had."""

    async def reached() -> bool:
        holders: int = await store.pool.fetchval(HOLDERS, SHARDS // processes)
        return holders == processes

    await eventually(reached)


@pytest.mark.fault
@pytest.mark.storm
async def test_whoever_is_killed_another_one_takes_over_and_nothing_is_unsafe(
    tmp_path: Path,
) -> None:
    chance = random.Random(20260914)
    async with open_event_store(Settings(data_dir=tmp_path)) as store:
        began, zero = time.time(), BEFORE_MIDNIGHT.timestamp()
        clock = fast_clock(began, zero)

        def start() -> Warm:
            module = "tests.given.signals.controlling"
            said = (str(tmp_path), str(began), str(zero))
            return Warm(tmp_path / "said", module, *said, environment=os.environ)

        services = services_over(store)
        services.clock = clock
        await in_service(await Centre.of(services, clock()), *RENMIN)
        services.clock = clock
        running, changes = [start(), start()], 0
        try:
            for _ in range(KILLS):
                await shared(store, len(running))
                changes = await until(store, CHANGES, changes + chance.randrange(1, 6))
                await running.pop(chance.randrange(2)).kill()
                running.append(start())
            await until(store, DAYS, 2 * len(RENMIN))
            await until(store, CHANGES, await store.pool.fetchval(CHANGES) + 12)
        finally:
            for each in running:
                await each.kill()
        centre = await Centre.of(services, clock())
        assert await centre.violations() == {code: [] for code in RENMIN}
        journals = await read_log(store)
    for code, events in journals.items():
        topics = [each.topic for each in events]
        assert topics.count("signal.day_opened") == topics.count("signal.day_closed") + 1, code
        assert topics.count("signal.powered_up") == 1, code

"""One process leads a piece of work; whoever stands by takes over, and has no connection for it."""

import asyncio
from contextlib import AsyncExitStack

import pytest
from pydantic import SecretStr

from citybrain.eventstore import EventStore, leadership, open_event_store
from citybrain.eventstore.leadership import leading
from citybrain.settings import Settings
from tests.given.waiting import holds

WORKERS = """
SELECT count(*) FROM pg_stat_activity
WHERE datname = current_database() AND application_name = 'citybrain-worker'
"""
WORK = [f"bench:{number}" for number in range(8)]


async def test_who_stands_by_has_no_connection_and_takes_over(
    store: EventStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leadership, "STANDBY_SECONDS", 0.02)
    led: list[str] = []
    ended = asyncio.Event()

    async def stand_by(other: EventStore, work: str) -> None:
        async with leading(other, work):
            led.append(work)
            await ended.wait()

    settings = Settings(database_url=SecretStr(store.dsn))
    async with open_event_store(settings) as other, AsyncExitStack() as leads:
        for work in WORK:
            await leads.enter_async_context(leading(store, work))
        waiting = [asyncio.create_task(stand_by(other, work)) for work in WORK]
        free = [await other.standby.is_free(each) for each in (WORK[0], "bench:none")]
        assert free == [False, True], "it has been looked for all who wait"
        assert await store.pool.fetchval(WORKERS) == len(WORK)
        assert led == []
        await leads.aclose()
        await holds(lambda: sorted(led) == WORK)
        assert await store.pool.fetchval(WORKERS) == len(WORK)
        ended.set()
        await asyncio.gather(*waiting)


async def test_of_several_who_find_it_free_one_leads(
    store: EventStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leadership, "STANDBY_SECONDS", 0.02)
    leads, most = 0, 0

    async def work() -> None:
        nonlocal leads, most
        async with leading(store, "bench:one"):
            leads += 1
            most = max(most, leads)
            await asyncio.sleep(0)
            leads -= 1

    await asyncio.gather(*(work() for _ in range(4)))
    assert (leads, most) == (0, 1)

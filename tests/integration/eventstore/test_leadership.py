"""Who leads what: one at a time, spread over those that live, taken over from those that do not."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager

import pytest

from citybrain.eventstore import EventStore, leadership, open_event_store
from citybrain.eventstore.leadership import Lead, LeadLost, Leads
from citybrain.settings import Settings
from tests.given.waiting import eventually, holds

WORK = tuple(f"test:{number}" for number in range(12))
END_ALL = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE application_name LIKE 'citybrain-leads %' AND datname = current_database()
"""
SPOKEN = """
SELECT count(*) = 2 FROM pg_stat_activity
WHERE application_name LIKE 'citybrain-leads %' AND datname = current_database()
  AND state_change > $1
"""


class Workers:
    """One process that wants to lead all work; notes what it leads, and whoever leads it twice."""

    def __init__(self, leads: Leads, everybody: dict[str, set[str]], name: str) -> None:
        self.leads = leads
        self.name = name
        self.everybody = everybody
        self.stays = False

    @property
    def led(self) -> set[str]:
        return {work for work, leaders in self.everybody.items() if self.name in leaders}

    @asynccontextmanager
    async def running(self) -> AsyncIterator["Workers"]:
        async with AsyncExitStack() as stack:
            for work in WORK:
                task = asyncio.create_task(self._keep(work))
                stack.push_async_callback(_ended, task)
            yield self

    async def _keep(self, work: str) -> None:
        while True:
            try:
                async with self.leads.leading(work) as lead:
                    await self._lead(work, lead)
            except LeadLost:
                continue

    async def _lead(self, work: str, lead: Lead) -> None:
        lead.stays = self.stays
        leaders = self.everybody[work]
        assert not leaders, f"{leaders} and {self.name} lead {work}"
        leaders.add(self.name)
        try:
            await asyncio.Event().wait()
        finally:
            leaders.remove(self.name)


async def _ended(task: "asyncio.Task[None]") -> None:
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


@pytest.fixture
async def process(settings: Settings) -> AsyncIterator[Callable[[str], "asyncio.Future[Workers]"]]:
    """Gives further processes: each a store of its own over the same database."""
    everybody: dict[str, set[str]] = defaultdict(set)
    async with AsyncExitStack() as stack:

        async def begin(name: str) -> Workers:
            store = await stack.enter_async_context(open_event_store(settings))
            return await stack.enter_async_context(Workers(store.leads, everybody, name).running())

        yield lambda name: asyncio.ensure_future(begin(name))


async def test_one_leads_all_and_gives_half_to_one_that_joins(
    process: Callable[[str], "asyncio.Future[Workers]"],
) -> None:
    one = await process("one")
    await holds(lambda: len(one.led) == 12)
    two = await process("two")
    await holds(lambda: len(one.led) + len(two.led) == 12 and len(two.led) >= 5)
    assert len(one.led) <= 7


async def test_one_that_is_there_for_something_else_takes_no_share(
    process: Callable[[str], "asyncio.Future[Workers]"], settings: Settings, store: EventStore
) -> None:
    one = await process("one")
    await holds(lambda: len(one.led) == 12)
    async with (
        open_event_store(settings, there_for="other") as other,
        other.leads.leading("other:1"),
        other.leads.leading("other:2"),
    ):
        for _ in range(2):
            await _both_have_looked(store)
        assert len(one.led) == 12


async def test_what_is_left_is_led_by_those_that_stay(
    process: Callable[[str], "asyncio.Future[Workers]"],
) -> None:
    one, two = await process("one"), await process("two")
    await holds(lambda: len(one.led) + len(two.led) == 12 and len(two.led) >= 5)
    await one.leads.close()
    await holds(lambda: len(two.led) == 12)
    assert not one.led


async def test_work_that_would_begin_anew_stays_where_it_is(
    process: Callable[[str], "asyncio.Future[Workers]"], store: EventStore
) -> None:
    one = process("one")
    (await one).stays = True
    await holds(lambda: len(one.result().led) == 12)
    two = await process("two")
    for _ in range(3):
        await _both_have_looked(store)
    assert len(one.result().led) == 12
    assert not two.led


async def test_a_lead_ends_with_its_connection_and_is_taken_again(
    process: Callable[[str], "asyncio.Future[Workers]"], store: EventStore
) -> None:
    one = await process("one")
    await holds(lambda: len(one.led) == 12)
    await store.pool.execute(END_ALL)
    await holds(lambda: not one.led)
    await holds(lambda: len(one.led) == 12)


async def test_one_that_is_silent_is_ended_and_another_leads(
    store: EventStore,
    process: Callable[[str], "asyncio.Future[Workers]"],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A process that hangs holds its connections open and says nothing on them.

    That it waits in the middle of many statements is nothing that PostgreSQL calls idle.
    """
    hanging = await store.connect("citybrain-leads hanging")
    writing = await store.connect("citybrain-worker hanging")
    await writing.execute("BEGIN")
    junctions = await store.connect("citybrain-junctions hanging")
    for work in WORK:
        assert await hanging.fetchval(leadership.TAKE, [work], 1) == work
    one = await process("one")
    monkeypatch.setattr(leadership, "LEASE_SECONDS", 1.0)
    await holds(lambda: len(one.led) == 12)
    await holds(lambda: all(c.is_closed() for c in (hanging, writing, junctions)))


async def _both_have_looked(store: EventStore) -> None:
    """Each process has spoken since now."""
    since = await store.pool.fetchval("SELECT clock_timestamp()")

    async def spoken() -> bool | None:
        found: bool = await store.pool.fetchval(SPOKEN, since)
        return found

    await eventually(spoken)

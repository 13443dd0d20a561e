"""Any history of arming, moving, dropping, ringing, crashes and takeovers, against an oracle."""

import asyncio
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from citybrain.eventstore import EventStore, open_event_store
from citybrain.settings import Settings
from commands.handling import CommandContext
from commands.services import Services
from tests.given.services import services_over
from tests.given.sleepers import Sleeper, Sleepers, come, move, rang
from tests.given.storm import SHARED_FIXTURE, examples

NOW = datetime(2026, 3, 2, 2, 30, tzinfo=UTC)
SLEEPERS = 4
FAR = timedelta(days=1)

who = st.integers(0, SLEEPERS - 1)
minutes = st.integers(-1, 5).map(lambda number: timedelta(minutes=number))
steps = st.one_of(
    st.tuples(st.just("arm"), who, minutes),
    st.tuples(st.just("drop"), who),
    st.tuples(st.just("pass"), st.integers(0, 3).map(lambda number: timedelta(minutes=number))),
    st.tuples(st.just("deliver"), st.booleans()),
    st.tuples(st.just("ring")),
    st.tuples(st.just("die"), st.integers(0, 3)),
    st.tuples(st.just("take-over")),
)


class Dying(Sleepers):
    """Dies behind so many rings, before any of them is noted."""

    def __init__(self) -> None:
        super().__init__()
        self.left: int | None = None
        self.doing: asyncio.Task[None] | None = None

    async def ring(self, sleeper: Sleeper, context: CommandContext, services: Services) -> None:
        if self.left == 0:
            assert self.doing is not None
            self.doing.cancel()
        elif self.left is not None:
            self.left -= 1
        await super().ring(sleeper, context, services)

    async def ring_and_die(self, services: Services, after: int) -> None:
        self.left, self.doing = after, asyncio.create_task(self.ring_due(services))
        with suppress(asyncio.CancelledError):
            await self.doing
        self.left = self.doing = None


class History:
    """What happens, and what must follow."""

    def __init__(self, services: list[Services], sleepers: list[str], checkpoint: int) -> None:
        self.services, self.sleepers, self.checkpoint = services, sleepers, checkpoint
        self.process = Dying()
        self.now = NOW
        for each in services:
            each.clock = lambda: self.now
        self.due: list[datetime | None] = [None] * SLEEPERS
        self.rung: list[list[datetime]] = [[] for _ in sleepers]

    async def step(self, kind: str, *given: Any) -> None:
        services = self.services[0]
        if kind == "arm":
            self.due[given[0]] = self.now + given[1]
            await move(services, self.sleepers[given[0]], self.due[given[0]])
        elif kind == "drop":
            self.due[given[0]] = None
            await move(services, self.sleepers[given[0]], None)
        elif kind == "pass":
            self.now += given[0]
        elif kind == "deliver":
            await self.deliver(saved=given[0])
        elif kind == "ring":
            await self.process.ring_due(services)
        elif kind == "die":
            await self.process.ring_and_die(services, given[0])
            self.process = Dying()
        else:
            self.services.reverse()
            self.process = Dying()
        await self.compare()

    async def deliver(self, *, saved: bool) -> None:
        """The events behind the checkpoint; it may be lost before it is saved."""
        store = self.services[0].store
        events = await store.read_all(self.checkpoint, topics=self.process.topics)
        if events:
            await self.process.react_all(events, self.services[0])
            self.checkpoint = events[-1].position if saved else self.checkpoint

    async def compare(self) -> None:
        """What has rung was due, is not due any more, and did not ring before."""
        for place, sleeper in enumerate(self.sleepers):
            times = await rang(self.services[0].store, sleeper)
            if times != self.rung[place]:
                due = self.due[place]
                assert due is not None
                assert due <= self.now
                self.rung[place].append(due)
                assert times == self.rung[place]
                self.due[place] = None

    async def end(self) -> None:
        """Whatever was armed and not dropped has rung in the end."""
        await self.step("deliver", True)
        await self.step("ring")
        assert all(due is None or due > self.now for due in self.due)
        self.now += FAR
        await self.step("ring")
        assert self.due == [None] * SLEEPERS


@pytest.fixture
async def stores(store: EventStore, settings: Settings) -> Any:
    async with open_event_store(settings) as other:
        yield store, other


@examples(50, SHARED_FIXTURE)
@given(history=st.lists(steps, min_size=10, max_size=40))
async def test_each_alarm_rings_once_and_none_is_lost(
    stores: tuple[EventStore, EventStore], history: list[tuple[Any, ...]]
) -> None:
    services = [services_over(store) for store in stores]
    await stores[0].pool.execute("DELETE FROM stream_alarms")
    sleepers = [await come(services[0], None) for _ in range(SLEEPERS)]
    lived = History(services, sleepers, await stores[0].head())
    for step in history:
        await lived.step(*step)
    await lived.end()

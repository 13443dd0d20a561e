"""Junctions are shared out over processes: who controls what, and what two writers come to."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import pytest

from citybrain.domain.signals.signal import Signal
from citybrain.domain.signals.signal_events import milliseconds
from citybrain.eventstore import EventStore
from citybrain.eventstore.locks import TRY_LOCK
from commands.signals.control import SignalControl
from commands.signals.sharing import MEMBER, SHARDS, Share, shard_of, shards_of
from tests.given.signals.controlled import RENMIN, Centre, in_service
from tests.given.waiting import eventually

NOON = datetime(2026, 9, 14, 4, 0, tzinfo=UTC)


@dataclass
class Members:
    """Living processes, as far as sharing goes: a connection each."""

    store: EventStore
    stack: AsyncExitStack
    living: dict[Share, "asyncpg.Connection[Any]"] = field(default_factory=dict)

    async def connect(self) -> "asyncpg.Connection[Any]":
        connection = await self.store.connect()
        self.stack.callback(connection.terminate)
        return connection

    async def join(self) -> Share:
        connection = await self.connect()
        share = Share(connection)
        assert await share.join()
        self.living[share] = connection
        return share

    async def look(self) -> list[int]:
        """Each looks after its share once; how many each has then."""
        for share in self.living:
            await share.give_up(await share.surplus())
            await share.take()
        return sorted(len(share.held) for share in self.living)

    async def settle(self, *expected: int) -> None:
        """Until they have so many."""

        async def settled() -> bool:
            return await self.look() == sorted(expected)

        await eventually(settled)
        held = [shard for share in self.living for shard in share.held]
        assert sorted(held) == list(range(SHARDS)), "each shard has one holder"
        assert await self.look() == sorted(expected), "and nothing moves any more"


@pytest.fixture
async def members(store: EventStore) -> AsyncIterator[Members]:
    async with AsyncExitStack() as stack:
        yield Members(store, stack)


async def test_shards_are_spread_over_whoever_lives(members: Members) -> None:
    first = await members.join()
    await members.settle(64)
    second = await members.join()
    await members.settle(32, 32)
    await members.join()
    await members.settle(20, 22, 22)
    members.living.pop(first).terminate()  # as when its process is killed
    await members.settle(32, 32)
    members.living.pop(second).terminate()
    await members.settle(64)


async def test_a_release_that_controls_all_alone_and_this_one_leave_each_other_alone(
    members: Members,
) -> None:
    old, new = await members.connect(), Share(await members.connect())
    assert await old.fetchval(TRY_LOCK, MEMBER)
    assert not await new.join()
    old.terminate()

    async def joined() -> bool:
        return await new.join()

    await eventually(joined)
    later = await members.connect()
    assert not await later.fetchval(TRY_LOCK, MEMBER)


async def test_each_controls_its_own_and_gives_up_what_it_hands_on(store: EventStore) -> None:
    centre = await Centre.over(store, NOON)
    await in_service(centre, *RENMIN)
    await centre.run(60)
    shard = shard_of("renmin_1")
    others = shards_of(RENMIN) - {shard}
    control, heir = centre.control, SignalControl(centre.services)
    control.give_up([shard])
    with pytest.raises(KeyError):
        control.signal("renmin_1")
    version = (await store.load(Signal, "signal-renmin_1-2026-09-14")).version
    await centre.run(200)
    assert (await store.load(Signal, "signal-renmin_1-2026-09-14")).version == version
    await heir.take([shard])
    assert heir.signal("renmin_1").version == version
    for code in RENMIN[1:]:
        if shard_of(code) in others:
            with pytest.raises(KeyError):
                heir.signal(code)
    centre.control = heir
    await centre.run(200)
    assert heir.signal("renmin_1").version > version
    assert await centre.violations() == {code: [] for code in RENMIN}


async def test_two_writers_of_one_junction_never_make_it_unsafe(store: EventStore) -> None:
    """One does not know that it was taken over from: what it decides is refused, or is right."""
    centre = await Centre.over(store, NOON)
    await in_service(centre, *RENMIN)
    await centre.run(60)
    stale, heir = centre.control, SignalControl(centre.services)
    await heir.load()
    for second in range(240):
        centre.control = (stale, heir)[second % 3 == 0]
        if second % 7 == 0:
            await centre.hear()
        centre.clock.now += timedelta(seconds=1)
        for control in (stale, heir):
            await control.tick()
    for control in (stale, heir):
        centre.control = control
        await centre.hear()
        for code in RENMIN:
            newest = await store.load(Signal, control.signal(code).id)
            assert control.signal(code).version == newest.version
    assert await centre.violations() == {code: [] for code in RENMIN}


async def test_a_strategy_is_asked_when_something_new_was_said(store: EventStore) -> None:
    centre = await Centre.over(store, NOON)
    await in_service(centre, "renmin_1")
    await centre.run(60)
    held = centre.control._held["renmin_1"]
    held.deciding.strategy, held.deciding.decided_at = "adaptive", held.alarm
    centre.clock.now += timedelta(seconds=2)
    before = held.alarm
    centre.control.told(["renmin_1", "nobody"])
    assert held.alarm == before, "it was asked just now"
    held.deciding.decided_at = 0
    centre.control.told(["renmin_1"])
    assert held.alarm == milliseconds(centre.clock.now)
    assert centre.control.bell.is_set()

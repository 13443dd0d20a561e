"""A bounded number of connections a process: counted, compared, kept; and none holds up another."""

import asyncio
from collections.abc import AsyncIterator
from uuid import uuid4

import pytest

from citybrain.eventstore import (
    ANY,
    NO_STREAM,
    Appended,
    EventStore,
    Metadata,
    NewEvent,
    open_event_store,
)
from citybrain.eventstore.connections import Limit, NotEnoughConnections, needed, require
from citybrain.settings import Settings
from tests.given.limited import Limited, limited
from tests.given.waiting import eventually, holds

FOR_ONE_LANE = 3  # with a connection for notices and one for reads


@pytest.fixture
async def role(settings: Settings) -> AsyncIterator[Limited]:
    async with limited(settings, FOR_ONE_LANE) as role:
        role.settings.pool_size = 1
        role.settings.append_batch_limit = 100
        yield role


async def burst(store: EventStore, name: str) -> list[Appended]:
    """More than is worth a second lane."""
    event = NewEvent("test.happened", b"{}")
    return await asyncio.gather(
        *(
            store.append(
                f"case-{name}{number}",
                NO_STREAM,
                [event],
                metadata=Metadata("tester", "system", "test", uuid4(), uuid4()),
            )
            for number in range(600)
        )
    )


async def test_a_lane_that_cannot_connect_holds_up_nothing(role: Limited) -> None:
    async with open_event_store(role.settings) as store:
        await store.head()
        await burst(store, "a")
        await holds(lambda: store.appender._failing)
        await burst(store, "b")
        assert await store.head() == 1200
        assert not store.appender.cut_off

        await role.allow(FOR_ONE_LANE + 1)
        await holds(lambda: not store.appender._failing)
        await burst(store, "c")
        assert sum((await role.held()).values()) == FOR_ONE_LANE + 1


async def test_where_no_lane_can_connect_it_is_said_and_ends_when_one_can(role: Limited) -> None:
    async with open_event_store(role.settings) as store:
        await burst(store, "a")
        await role.allow(1)
        await role.end_appends()
        waiting = asyncio.ensure_future(
            store.append(
                "case-b",
                ANY,
                [NewEvent("test.happened", b"{}")],
                metadata=Metadata("tester", "system", "test", uuid4(), uuid4()),
            )
        )
        await holds(lambda: store.appender.cut_off)
        await role.allow(FOR_ONE_LANE)
        assert (await waiting).position == 601
        assert not store.appender.cut_off


async def test_a_process_opens_what_it_needs_and_does_not_begin_where_it_is_not_there(
    role: Limited,
) -> None:
    settings = role.settings.model_copy(update={"pool_size": 3})
    need = needed(settings)
    await role.allow(need.total - 1)
    with pytest.raises(NotEnoughConnections, match=rf"{need.total} connections .* role .* left"):
        async with open_event_store(settings, keeps=need):
            pass

    async def none_held() -> bool:
        return not await role.held()

    await eventually(none_held)
    await role.allow(need.total)
    async with open_event_store(settings, keeps=need) as store:
        await holds(lambda: store.listener.alive)
        (held,) = (await role.held()).values()
        assert held == need.total - need.leads - need.junctions


def test_the_narrowest_limit_decides() -> None:
    need = needed(Settings(pool_size=4, writing_pool_size=2))
    server, database = Limit("the server", 97, 40), Limit("the database city", 30, 19)
    assert require(need, [server, database]) is database
    with pytest.raises(NotEnoughConnections, match="the database city has 10 left of 30"):
        require(need, [server, Limit("the database city", 30, 20)])

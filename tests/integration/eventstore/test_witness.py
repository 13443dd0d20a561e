"""A log that lacks what somebody has seen of it: they append and read on no more."""

from collections.abc import Iterator

import pytest

from citybrain.eventstore import EventStore, open_event_store
from citybrain.eventstore.witness import WENT_BACK, LogWentBack
from citybrain.settings import Settings
from tests.given.lost_log import lose
from tests.given.read_models import append
from tests.given.waiting import holds


@pytest.fixture(autouse=True)
def said_again() -> Iterator[None]:
    yield
    WENT_BACK.set(0)


async def stopped(store: EventStore) -> LogWentBack:
    """It has noticed, and does nothing any more."""
    await holds(lambda: store.witness.gone)
    with pytest.raises(LogWentBack):
        await append(store, "case-new")
    with pytest.raises(LogWentBack):
        async with store.writing():
            pass
    with pytest.raises(LogWentBack):
        await anext(store.follow(0))
    with pytest.raises(LogWentBack):
        store.check_writable()
    assert store.witness.gone is not None
    return store.witness.gone


async def test_who_appended_what_is_gone_stops(store: EventStore, settings: Settings) -> None:
    for number in range(3):
        await append(store, f"case-{number}")
    await lose(settings, 1)
    told = await stopped(store)
    assert told.details == {"position": 3, "head": 2}


async def test_who_heard_of_what_is_gone_stops(store: EventStore, settings: Settings) -> None:
    async with open_event_store(settings) as other:
        await append(other, "case-1")
        await append(other, "case-2")
        following = store.follow(0)
        assert len(await anext(following)) == 2
        await lose(settings, 2)
        await stopped(store)


async def test_other_events_at_the_same_positions_are_not_taken_for_those_that_were(
    store: EventStore, settings: Settings
) -> None:
    """The log has grown again meanwhile, beyond where it was."""
    following = store.follow(0)
    await append(store, "case-1")
    await append(store, "case-2")
    assert len(await anext(following)) == 2
    await lose(settings, 1)
    async with open_event_store(settings) as other:
        for _ in range(3):
            await append(other, "case-2")
        with pytest.raises(LogWentBack):
            await anext(following)
        assert await other.head() == 4
        assert [event.position for event in await other.read_all()] == [1, 2, 3, 4]

"""All read models of parking over one log in which everything happens: they depend on it alone."""

from collections.abc import AsyncIterator

import pytest

from citybrain.settings import Settings
from citybrain.systems import projection_named
from citybrain.systems.parking import PARKING
from projections.rebuild import compare
from tests.given.feeding import SHOWN, same_in_any_order
from tests.given.parking.charged_city import City, charged_city
from tests.given.parking.rich_city import everything
from tests.given.read_models import caught_up, project, running, tables

MODELS = tuple(projection.name for projection in PARKING.projections)


@pytest.fixture
async def city(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[City]:
    async with charged_city(settings, monkeypatch) as city:
        yield city


async def test_rebuilt_is_as_live_and_k18_cause_and_effect_come_in_two_topics(city: City) -> None:
    """One at a time as all at once, and in any order that keeps that of each stream: where a
    payment is read before what caused it.
    """
    store = city.services.store
    async with running(store, *PARKING.projections):
        await everything(city)  # live, while it happens
        await caught_up(store, *MODELS)
    live = await tables(store, *MODELS)
    assert {name for name, rows in live.items() if not rows} == set()
    parked = await store.pool.fetch("SELECT projection, topic, error FROM parked_events")
    assert [tuple(row) for row in parked] == []
    differ = [name for name in MODELS if not (await compare(store, projection_named(name))).equal]
    assert differ == []
    for name in MODELS:
        await store.pool.execute(f"DROP SCHEMA {name} CASCADE")
    await store.pool.execute("DELETE FROM projection_checkpoints")
    for name in reversed(MODELS):  # one model after the other, one event at a time
        await project(store, name, batch=1)
    again = await tables(store, *MODELS)
    assert [name for name in live if again[name] != live[name]] == []
    await same_in_any_order(store, *SHOWN["parking"])

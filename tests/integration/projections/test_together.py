"""Read models near the head share a transaction; what is wrong with one is its own matter."""

import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack
from typing import Any

from citybrain.eventstore import EventStore, RecordedEvent
from citybrain.systems import projection_named
from projections.platform.streams import Streams
from projections.runner import prepare
from projections.status import parked_events
from projections.together import Together
from projections.worker import ProjectionWorker
from tests.given.read_models import append, caught_up, running

TRANSACTIONS = (
    "SELECT count(DISTINCT xmin::text) FROM projection_checkpoints WHERE projection <> $1"
)
HOLD = "SELECT position FROM projection_checkpoints WHERE projection = $1 FOR UPDATE"
COUNT = "SELECT coalesce(sum(events), 0) FROM {}.categories"


class Second(Streams):
    """Another of the same kind."""

    name = "second"


class Picky(Streams):
    """Does not take poison."""

    name = "picky"

    async def apply(self, connection: Any, events: Sequence[RecordedEvent]) -> None:
        """As `Streams`, but for that."""
        await super().apply(connection, events)
        if any(event.topic == "test.poison" for event in events):
            raise KeyError("amount")


async def counted(store: EventStore, *models: str) -> list[int]:
    return [await store.pool.fetchval(COUNT.format(model)) for model in models]


async def test_models_share_a_transaction_and_wait_for_none_that_is_held(store: EventStore) -> None:
    await append(store, "case-1")
    models = [Streams(), Second(), Picky()]
    async with AsyncExitStack() as stack:
        await prepare(store, models)
        at_work = []
        async with store.writing() as connection:
            for model in models:
                at_work.append(ProjectionWorker(model, connection, model.name))
                await at_work[-1].resume()
        together = Together(store)
        making = asyncio.create_task(together.run())
        stack.callback(making.cancel)
        events = await store.read_all()
        holder = await store.connect()
        stack.push_async_callback(holder.close)
        transaction = holder.transaction()
        await transaction.start()
        await holder.fetchval(HOLD, "picky")
        one, two, three = (asyncio.create_task(together.apply(w, events)) for w in at_work)
        assert [await one, await two] == [0, 0]
        assert await store.pool.fetchval(TRANSACTIONS, "picky") == 1
        assert not three.done()
        await transaction.rollback()
        assert await three == 0
        assert await counted(store, "streams", "second", "picky") == [1, 1, 1]
        assert [worker.position for worker in at_work] == [1, 1, 1]


async def test_poison_of_one_is_parked_by_that_one_alone(store: EventStore) -> None:
    async with running(store, Streams(), Picky(), projection_named("case_days")):
        await append(store, "good-1")
        await append(store, "bad-1", "test.poison")
        await append(store, "bad-1")
        await append(store, "good-1")
        await caught_up(store, "streams", "picky", "case_days")
        assert await counted(store, "streams", "picky") == [4, 2]
    parked = await parked_events(store.pool)
    assert [(row["projection"], row["topic"]) for row in parked] == [
        ("picky", "test.poison"),
        ("picky", "test.happened"),
    ]

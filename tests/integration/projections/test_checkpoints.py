"""Checkpoints of models that a batch does not concern move together, from where they were."""

import asyncio

import asyncpg
import pytest

from citybrain.eventstore import EventStore
from citybrain.systems import projection_named
from projections.checkpoints import IdleCheckpoints
from projections.reading import reached
from projections.runner import prepare
from projections.worker import CheckpointMoved, ProjectionWorker
from tests.given.read_models import append, worker

NAMES = ("case_days", "case_timeline", "heat_grid")
WHERE_THEY_WERE = [("case_days", 0), ("case_timeline", 0), ("heat_grid", 3)]
TRANSACTIONS = "SELECT count(DISTINCT xmin::text) FROM projection_checkpoints WHERE position = 9"


async def test_many_move_in_one_statement_each_from_where_it_was(store: EventStore) -> None:
    await prepare(store, [projection_named(name) for name in NAMES])
    idle = IdleCheckpoints(store.pool)
    moved = await asyncio.gather(*(idle.move(name, was, 9, None) for name, was in WHERE_THEY_WERE))
    assert moved == [True, True, False]
    assert [await reached(store.pool, name, 9) for name, _ in WHERE_THEY_WERE] == moved
    assert await store.pool.fetchval(TRANSACTIONS) == 1


async def test_a_worker_notices_that_its_checkpoint_was_moved(store: EventStore) -> None:
    await prepare(store, [projection_named("case_days")])
    await append(store, "test-1")
    connection = await asyncpg.connect(store.dsn)
    try:
        idle = IdleCheckpoints(store.pool)
        worker = ProjectionWorker(projection_named("case_days"), connection, "case_days", idle)
        await worker.resume()
        events = await store.read_all(0)
        assert await worker.apply(events) == 0
        worker.position = 0
        with pytest.raises(CheckpointMoved):
            await worker.apply(events)
    finally:
        await connection.close()


async def test_a_worker_that_is_stopped_holds_up_no_other(store: EventStore) -> None:
    await prepare(store, [projection_named(name) for name in NAMES])
    idle = IdleCheckpoints(store.pool)
    first, second = (asyncio.ensure_future(idle.move(name, 0, 5, None)) for name in NAMES[:2])
    await asyncio.sleep(0)
    first.cancel()
    assert await second
    assert await idle.move(NAMES[2], 0, 5, None)


async def test_a_model_finds_its_rows_by_indexes_until_its_transaction_ends(
    store: EventStore,
) -> None:
    """A plan of when its tables were small would compare each of a batch with all of their rows."""
    async with worker(store, "case_desk") as at_work:
        for asked, set_to in (("SHOW enable_seqscan", "off"), ("SHOW jit", "off")):
            before = await at_work.connection.fetchval(asked)
            async with at_work.connection.transaction():
                await at_work.enter()
                assert await at_work.connection.fetchval(asked) == set_to
            assert await at_work.connection.fetchval(asked) == before

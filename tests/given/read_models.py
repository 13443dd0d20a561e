"""Read models that are kept up, and waiting for them."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from uuid import uuid4

from citybrain.eventstore import ANY, EventStore, Metadata, NewEvent
from citybrain.systems import PROJECTIONS, projection_named
from projections.projection import Projection
from projections.reading import wait_until
from projections.rebuild import compare
from projections.runner import ProjectionRunner
from projections.worker import ProjectionWorker
from tests.given.waiting import PATIENCE_SECONDS


async def append(store: EventStore, stream: str, topic: str = "test.happened") -> None:
    """One event that no read model of a system wants."""
    metadata = Metadata("tester", "system", "test", uuid4(), uuid4())
    await store.append(stream, ANY, [NewEvent(topic, b'{"n":1}')], metadata=metadata)


@asynccontextmanager
async def running(store: EventStore, *projections: Projection) -> AsyncIterator[None]:
    runner = ProjectionRunner(store, projections or PROJECTIONS)
    task = asyncio.create_task(runner.run())
    yield
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


async def caught_up(store: EventStore, *names: str) -> None:
    head = await store.head()
    for name in names or [projection.name for projection in PROJECTIONS]:
        assert await wait_until(store.keeping, name, head, PATIENCE_SECONDS), name


@asynccontextmanager
async def worker(store: EventStore, name: str) -> AsyncIterator[ProjectionWorker]:
    """The worker of a read model, where it stands."""
    connection = await store.connect_keeping()
    at_work = ProjectionWorker(projection_named(name), connection, name)
    if await at_work.resume() is None:
        await at_work.create()
    try:
        yield at_work
    finally:
        await connection.close()


async def project(store: EventStore, *names: str, batch: int = 1000) -> None:
    """Apply the log to these read models, so many events at a time; nothing may be parked."""
    for name in names:
        async with worker(store, name) as at_work:
            while events := await store.read_all(at_work.position, limit=batch):
                assert await at_work.apply(events) == 0, name


async def tables(store: EventStore, *names: str) -> dict[str, list[str]]:
    """All rows of all tables of these read models."""
    rows = await store.keeping.fetch(
        "SELECT table_schema, table_name FROM information_schema.tables"
        " WHERE table_schema = ANY($1)",
        list(names),
    )
    found = {}
    for schema, table in rows:
        lines = await store.keeping.fetch(f"SELECT t::text AS row FROM {schema}.{table} t")
        found[f"{schema}.{table}"] = sorted(line["row"] for line in lines)
    return found


async def same_in_any_batch(store: EventStore, *names: str) -> int:
    """One event at a time, all at once and rebuilt are the same; how many rows that are."""
    await project(store, *names)
    at_once = await tables(store, *names)
    for name in names:
        assert (await compare(store, projection_named(name))).equal, name
        await store.keeping.execute(f"DROP SCHEMA {name} CASCADE")
    await store.keeping.execute("DELETE FROM projection_checkpoints")
    await project(store, *names, batch=1)
    assert await tables(store, *names) == at_once
    return sum(map(len, at_once.values()))

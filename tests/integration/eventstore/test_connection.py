"""What a connection asks PostgreSQL about types, knows of another one, and that none is lost."""

import asyncio
from contextlib import AsyncExitStack, suppress
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from citybrain.eventstore import EventStore
from citybrain.eventstore.connection import ARRAYS, FIRST_OF_A_DATABASE, Connection

TIMES = [datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 3, 2, tzinfo=UTC)]
VALUES = {
    "bigint[]": [1, None, 3],
    "boolean[]": [True, False],
    "bytea[]": [b"one", b"\x00"],
    "date[]": [date(2026, 3, 1)],
    "double precision[]": [[1.5, 2.5], [3.5, 4.5]],
    "integer[]": [7],
    "jsonb[]": ['{"one": 1}'],
    "numeric[]": [Decimal("1.20")],
    "text[]": ["a,b", '"'],
    "timestamptz[]": TIMES,
    "uuid[]": [UUID(int=7)],
    "box[]": [asyncpg.Box((2.0, 2.0), (1.0, 1.0))],
    "money[]": ["$1.00"],
}


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[set[int]]:
    """The types that PostgreSQL was asked about as `asyncpg` does; nothing is known before."""
    asked: list[set[int]] = []
    ask = vars(asyncpg.Connection)["_introspect_types"]

    async def asking(self: Any, types: Any, seconds: float | None) -> Any:
        asked.append(set(types))
        return await ask(self, types, seconds)

    monkeypatch.setattr(asyncpg.Connection, "_introspect_types", asking)
    monkeypatch.setattr(Connection, "_arrays", {})
    return asked


async def test_arrays_come_back_as_they_were_and_nothing_is_asked_about(
    store: EventStore, asked: list[set[int]]
) -> None:
    for _ in range(2):
        connection = await store.connect()
        for array, values in VALUES.items():
            assert await connection.fetchval(f"SELECT $1::{array}", values) == values
        long = f"SELECT $1::smallint[] -- {'x' * 20_000}"  # a statement without a name
        assert await connection.fetchval(long, [7]) == [7]
        await connection.executemany("SELECT $1::real[]", [([1.5],), ([2.5],)])
        await connection.close()
    assert asked == []


async def test_what_is_known_of_an_array_is_what_asyncpg_would_be_told(
    store: EventStore, asked: list[set[int]]
) -> None:
    connection = await store.connect()
    known = {each["oid"]: each for each in await connection.fetch(ARRAYS, FIRST_OF_A_DATABASE)}
    assert len(known) > 50
    ask = vars(asyncpg.Connection)["_introspect_types"]
    told, _ = await ask(connection, list(known), 10)
    arrays = {each["oid"]: each for each in told if each["oid"] in known}
    for oid, array in arrays.items():
        assert {name: array[name] for name in known[oid].keys()} == dict(known[oid])  # noqa: SIM118
    assert arrays.keys() == known.keys()
    await connection.close()


async def test_a_type_of_a_database_is_asked_about_by_each_connection(
    store: EventStore, asked: list[set[int]]
) -> None:
    for values in (("a", "b"), ("c", "d")):
        connection = await store.connect()
        await connection.execute("DROP TYPE IF EXISTS ours")
        await connection.execute("CREATE TYPE ours AS (one text, two text)")
        assert await connection.fetchval("SELECT $1::ours[]", [values]) == [values]
        await connection.close()
    assert len(asked) == 2


async def test_whenever_who_asks_is_cancelled_the_pool_has_all_its_places(
    store: EventStore,
) -> None:
    """Twice: while the connection is taken or used, and while it is given back."""
    pool = store.pool
    for turns in range(30):
        asking = asyncio.create_task(pool.fetchval("SELECT pg_sleep(0.02)"))
        for _ in range(turns):
            await asyncio.sleep(0)
        asking.cancel()
        for _ in range(turns % 3):
            await asyncio.sleep(0)
        asking.cancel()
        with suppress(asyncio.CancelledError):
            await asking
    async with AsyncExitStack() as held:
        taken = [
            await held.enter_async_context(pool.acquire(timeout=10))
            for _ in range(store.settings.pool_size)
        ]
        assert await asyncio.gather(*(each.fetchval("SELECT 1") for each in taken)) == [1] * len(
            taken
        )
    assert await pool.fetchval("SELECT 1") == 1

"""What PostgreSQL is like is asked of it, and where it cannot say there is no figure."""

from typing import Any
from uuid import uuid4

import pytest
from prometheus_client import REGISTRY

from citybrain.eventstore import EventStore
from citybrain.eventstore.measuring import measure
from tests.given.read_models import append


def said(name: str, **labels: str) -> float | None:
    """A figure, as a scrape has it; None where there is none."""
    value = REGISTRY.get_sample_value(f"citybrain_{name}", labels)
    return None if value is None or value != value else value


async def test_connections_and_sizes_are_those_of_the_server(
    store: EventStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    await measure(store.pool)
    before = said("database_connections", of="the server")
    limit = said("database_connections_limit", of="the server")
    assert before is not None
    assert limit is not None
    assert 1 <= before < limit
    size, wal = said("database_bytes"), said("wal_bytes")
    assert size is not None
    assert wal is not None
    assert size > 1e6
    assert wal >= 16 << 20
    assert said("standbys") == 0
    assert said("wal_archive_failing") is None  # it does not archive

    async def away(*_: object) -> None:
        raise ConnectionRefusedError

    monkeypatch.setattr(store.pool, "fetch", away)
    await measure(store.pool)
    assert said("database_connections", of="the server") is None
    assert said("database_bytes") is None


async def test_what_a_slot_keeps_is_seen_until_it_is_dropped(store: EventStore) -> None:
    name = f"gone_{uuid4().hex}"
    await store.pool.execute("SELECT pg_create_physical_replication_slot($1, true)", name)
    try:
        await append(store, "test-1")
        await measure(store.pool)
        kept = said("wal_retained_bytes")
        assert kept is not None
        assert kept > 0
    finally:
        await store.pool.execute("SELECT pg_drop_replication_slot($1)", name)
    mine = "SELECT count(*) FROM pg_replication_slots WHERE slot_name = $1"
    assert await store.pool.fetchval(mine, name) == 0
    await measure(store.pool)
    assert said("wal_retained_bytes") is None


async def test_a_role_that_may_not_look_has_no_figure_of_it(store: EventStore) -> None:
    await store.pool.execute(
        "REVOKE EXECUTE ON FUNCTION pg_ls_waldir() FROM PUBLIC"  # as it is by default
    )
    role = f"looks_{uuid4().hex}"
    async with store.pool.acquire() as connection, connection.transaction():
        await connection.execute(f"CREATE ROLE {role}")
        await connection.execute(f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO {role}")
        await connection.execute(f"SET LOCAL ROLE {role}")
        asked: Any = connection  # in place of the pool: the role is that of this session alone
        await measure(asked)
        await connection.execute("RESET ROLE")
        await connection.execute(f"DROP OWNED BY {role}")
        await connection.execute(f"DROP ROLE {role}")
    assert said("wal_bytes") is None
    assert said("database_bytes") is not None

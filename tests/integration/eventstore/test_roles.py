"""Who serves and works is no superuser, owns nothing of the log, and may no more than it needs."""

import uuid
from collections.abc import AsyncIterator, Sequence
from typing import Any

import asyncpg
import pytest
from pydantic import SecretStr

from citybrain.eventstore import open_event_store
from citybrain.eventstore.grants import GrantRefused, grant
from citybrain.eventstore.migrations import MigrationRefused
from citybrain.settings import Settings
from projections.rebuild import compare, rebuild
from projections.runner import prepare
from tests.given.read_models import append, caught_up, running
from tests.given.seen import Seen

FORBIDDEN = (
    "UPDATE stored_events SET topic = 'other'",
    "DELETE FROM stored_events",
    "TRUNCATE stored_events",
    "DROP TABLE stored_events",
    "ALTER TABLE stored_events DISABLE TRIGGER ALL",
    "CREATE TABLE public.mine (id int)",
    "INSERT INTO log_incarnations (number, began_after) VALUES (2, 0)",
    "DELETE FROM schema_migrations",
    "SET session_replication_role = replica",
)


class Roles:
    """The database as its owner and as a role that works; neither is a superuser."""

    def __init__(self, admin: Any, settings: Settings, owner: str, worker: str) -> None:
        self.admin = admin
        self.owner, self.worker = owner, worker
        self.as_owner = _as(settings, owner)
        self.as_worker = _as(settings, worker)


def _as(settings: Settings, role: str) -> Settings:
    assert settings.database_url is not None
    url = settings.database_url.get_secret_value()
    assert "//postgres:" in url
    ours = SecretStr(url.replace("//postgres:", f"//{role}:", 1))
    return settings.model_copy(update={"database_url": ours})


@pytest.fixture(scope="session")
def template() -> str:
    """Empty: the owner makes the tables."""
    return "template1"


@pytest.fixture
async def roles(settings: Settings) -> AsyncIterator[Roles]:
    assert settings.database_url is not None
    admin = await asyncpg.connect(settings.database_url.get_secret_value())
    owner, worker = (f"{name}_{uuid.uuid4().hex}" for name in ("owner", "worker"))
    database = await admin.fetchval("SELECT current_database()")
    for role in (owner, worker):
        await admin.execute(f"CREATE ROLE {role} LOGIN NOSUPERUSER")
    await admin.execute(f"ALTER DATABASE {database} OWNER TO {owner}")
    await admin.execute(f"ALTER SCHEMA public OWNER TO {owner}")
    try:
        yield Roles(admin, settings, owner, worker)
    finally:
        for role in (owner, worker):
            await admin.execute(f"DROP OWNED BY {role} CASCADE")
        await admin.execute(f"ALTER DATABASE {database} OWNER TO postgres")
        for role in (owner, worker):
            await admin.execute(f"DROP ROLE {role}")
        await admin.close()


async def connected(settings: Settings) -> "asyncpg.Connection[Any]":
    assert settings.database_url is not None
    return await asyncpg.connect(settings.database_url.get_secret_value())


async def granted(roles: Roles, models: Sequence[Seen] = ()) -> int:
    """The owner has made the tables, and read models where some are named; what was handed over."""
    async with open_event_store(roles.as_owner) as store:
        await prepare(store, models)
        return await grant(await store.connect(), roles.worker)


async def test_a_role_that_owns_nothing_serves_and_works(roles: Roles) -> None:
    model = Seen()
    assert await granted(roles) == 0
    async with open_event_store(roles.as_worker) as store:
        await prepare(store, [model])
        async with running(store, model):
            await append(store, "test-1")
            await caught_up(store, "seen")
            await rebuild(store, model)
            await append(store, "test-1")
            await caught_up(store, "seen")
            assert (await compare(store, model)).equal
    connection = await connected(roles.as_worker)
    for statement in FORBIDDEN:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute(statement)
    await connection.close()


async def test_read_models_that_the_owner_made_are_handed_over(roles: Roles) -> None:
    model = Seen()
    with pytest.raises(GrantRefused, match="member of"):
        await granted(roles, [model])
    await roles.admin.execute(f"GRANT {roles.worker} TO {roles.owner}")
    assert await granted(roles, [model]) == 3
    assert await granted(roles, [model]) == 0
    async with open_event_store(roles.as_worker) as store, running(store, model):
        await append(store, "test-1")
        await caught_up(store, "seen")
        await rebuild(store, model)


async def test_a_role_that_may_change_no_schema_says_who_has_to(roles: Roles) -> None:
    with pytest.raises(MigrationRefused, match="as the owner"):
        async with open_event_store(roles.as_worker):
            pass
    async with open_event_store(roles.as_owner) as store:
        with pytest.raises(GrantRefused, match="no role nobody_of_this_name"):
            await grant(await store.connect(), "nobody_of_this_name")

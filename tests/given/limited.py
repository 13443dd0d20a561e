"""A role that may have so many connections and no more, as any role of a city's PostgreSQL."""

import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
from pydantic import SecretStr

from citybrain.settings import Settings

OURS = """
SELECT split_part(application_name, ' ', 2) AS process, count(*) AS connections
FROM pg_stat_activity WHERE usename = $1 AND application_name LIKE 'citybrain-% %' GROUP BY 1
"""
END_APPENDS = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE usename = $1 AND application_name LIKE 'citybrain-append %'
"""
END_ALL = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = $1"


class Limited:
    """The role, and the settings of whoever connects as it."""

    def __init__(
        self, role: str, settings: Settings, connection: "asyncpg.Connection[Any]"
    ) -> None:
        self.role = role
        self.settings = settings
        self._connection = connection

    async def allow(self, connections: int) -> None:
        """It may have so many from now on."""
        await self._connection.execute(f"ALTER ROLE {self.role} CONNECTION LIMIT {connections}")

    async def held(self) -> dict[str, int]:
        """How many each process has."""
        rows = await self._connection.fetch(OURS, self.role)
        return {row["process"]: row["connections"] for row in rows}

    async def end_all(self) -> None:
        """All of the role's are ended."""
        await self._connection.execute(END_ALL, self.role)

    async def end_appends(self) -> None:
        """Those that append are ended."""
        await self._connection.execute(END_APPENDS, self.role)


@asynccontextmanager
async def limited(settings: Settings, connections: int) -> AsyncIterator[Limited]:
    """A role that owns what the database's owner owns, and is no superuser."""
    assert settings.database_url is not None
    url = settings.database_url.get_secret_value()
    role = f"limited_{uuid.uuid4().hex}"
    connection: asyncpg.Connection[Any] = await asyncpg.connect(url)
    owner = await connection.fetchval("SELECT current_user")
    await connection.execute(f"CREATE ROLE {role} LOGIN CONNECTION LIMIT {connections}")
    await connection.execute(f"GRANT {owner} TO {role}")
    assert f"//{owner}:" in url
    theirs = settings.model_copy(
        update={"database_url": SecretStr(url.replace(f"//{owner}:", f"//{role}:", 1))}
    )
    try:
        yield Limited(role, theirs, connection)
    finally:
        await connection.execute(f"DROP ROLE {role}")
        await connection.close()

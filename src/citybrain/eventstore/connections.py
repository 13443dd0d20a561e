"""How many connections a process has, and whether the server has them for it.

A serving process opens all that it needs when it starts, and keeps them: what others take later is
not missed then. One for which there are not enough does not begin to serve.
"""

from dataclasses import dataclass, fields
from typing import Any, ClassVar

import asyncpg

from citybrain.errors import CitybrainError
from citybrain.eventstore.appender import LANES
from citybrain.settings import Settings

LIMITS = """
WITH clients AS MATERIALIZED (
    SELECT datname, usename FROM pg_stat_activity
    WHERE backend_type = 'client backend' OR backend_type IS NULL AND datid IS NOT NULL
)
SELECT 'the server' AS whose,
    current_setting('max_connections')::int
        - current_setting('superuser_reserved_connections')::int
        - coalesce(current_setting('reserved_connections', true)::int, 0) AS most,
    (SELECT count(*) FROM clients) AS in_use
UNION ALL
SELECT 'the role ' || rolname, rolconnlimit,
    (SELECT count(*) FROM clients WHERE usename = rolname)
FROM pg_roles WHERE rolname = session_user AND rolconnlimit >= 0 AND NOT rolsuper
UNION ALL
SELECT 'the database ' || d.datname, datconnlimit,
    (SELECT count(*) FROM clients c WHERE c.datname = d.datname)
FROM pg_database d WHERE d.datname = current_database() AND datconnlimit >= 0
ORDER BY 1
"""
"""Of others than our own role a view may not show what they are: `backend_type` is null then."""


class NotEnoughConnections(CitybrainError):
    """PostgreSQL has no room for all connections that this process needs."""

    code = "not-enough-connections"
    exit_status: ClassVar[int] = 75  # EX_TEMPFAIL of sysexits.h: later it may do


@dataclass(frozen=True, slots=True, kw_only=True)
class Connections:
    """How many connections a process has, by what they are for."""

    reads: int
    notices: int
    appends: int
    writing: int
    leads: int
    junctions: int

    @property
    def total(self) -> int:
        """All of them."""
        return sum(getattr(self, each.name) for each in fields(self))


def needed(settings: Settings, *, working: bool = True) -> Connections:
    """What a process has at most; `working`: it also runs read models and process managers.

    A start and a rebuild take one more for their time. Those to a pooler in transaction mode are
    not PostgreSQL's, and are not counted.
    """
    return Connections(
        reads=settings.pool_size if settings.pooled_database_url is None else 0,
        notices=1,
        appends=LANES,
        writing=settings.writing_pool_size if working and not settings.read_database_url else 0,
        leads=int(working),
        junctions=int(working),
    )


def needed_for_models(settings: Settings, *, working: bool = True) -> Connections:
    """What a process has at most in the database of the read models, where they have their own."""
    return Connections(
        reads=settings.pool_size,
        notices=1,  # whether it is there
        appends=0,
        writing=settings.writing_pool_size if working else 0,
        leads=0,
        junctions=0,
    )


@dataclass(frozen=True, slots=True)
class Limit:
    """How many connections there may be, of the server, a role or a database, and how many are."""

    whose: str
    most: int
    in_use: int

    @property
    def free(self) -> int:
        """How many more there can be."""
        return max(0, self.most - self.in_use)


async def limits(connection: "asyncpg.Connection[Any]") -> list[Limit]:
    """The limits that a process meets; the connection that asks does not count, it is closed."""
    rows = await connection.fetch(LIMITS)
    return [Limit(row["whose"], row["most"], row["in_use"] - 1) for row in rows]


def require(need: Connections, found: list[Limit]) -> Limit:
    """The narrowest limit; raises `NotEnoughConnections` where a process does not fit in it."""
    narrowest = min(found, key=lambda limit: limit.free)
    if narrowest.free < need.total:
        raise NotEnoughConnections(
            f"this process needs {need.total} connections to PostgreSQL, and {narrowest.whose} has "
            f"{narrowest.free} left of {narrowest.most}: allow more, or run fewer processes, "
            "or ones with a smaller CITYBRAIN_POOL_SIZE",
            needed=need.total,
            free=narrowest.free,
        )
    return narrowest

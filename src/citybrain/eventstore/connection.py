"""Connections that ask once a process what PostgreSQL's own arrays are.

Of the arrays `asyncpg` knows those of text alone. Each of its connections asks about each other one
when it meets it: a recursive query over five catalogues, for which PostgreSQL takes longer than for
opening the connection. The numbers of types below `FIRST_OF_A_DATABASE` are written by hand in
PostgreSQL's sources and the same in every database, so what they are is, too.
https://www.postgresql.org/docs/current/system-catalog-initial-data.html#SYSTEM-CATALOG-OID-ASSIGNMENT
"""

from collections.abc import Collection, Sequence
from typing import Any, Final, NamedTuple

import asyncpg

FIRST_OF_A_DATABASE: Final = 10_000
"""From here on numbers are given when a server or a table is made."""

ARRAYS = """
SELECT a.oid, 'pg_catalog' AS ns, a.typname AS name, a.typtype AS kind, NULL AS basetype,
    e.oid AS elemtype, e.typdelim AS elemdelim, format_type(e.oid, NULL) AS elemtype_name,
    NULL AS range_subtype, NULL AS attrtypoids, NULL AS attrnames
FROM pg_catalog.pg_type e JOIN pg_catalog.pg_type a ON a.oid = e.typarray
WHERE e.typtype = 'b' AND a.oid < $1
"""
"""Each as the query of `asyncpg` gives it."""


class Known(NamedTuple):
    """The statement that told of a type; it has a name, and so has displaced none without one."""

    name: str = "known"


class Connection(asyncpg.Connection):
    """One that does not ask about arrays of which another one has been told."""

    _arrays: Final[dict[int, asyncpg.Record]] = {}

    async def learn_arrays(self) -> None:
        """Know of PostgreSQL's own arrays before any connection of this process meets one."""
        await self._introspect_types((), None)

    async def _introspect_types(
        self, types: Collection[int], seconds: float | None
    ) -> tuple[Sequence[asyncpg.Record], Any]:
        if not self._arrays:
            statement = await self.prepare(ARRAYS, timeout=seconds)
            for array in await statement.fetch(FIRST_OF_A_DATABASE, timeout=seconds):
                self._arrays[array["oid"]] = array
        if all(each in self._arrays for each in types):
            return [self._arrays[each] for each in types], Known()
        ask: Any = super()
        told: tuple[Sequence[asyncpg.Record], Any] = await ask._introspect_types(types, seconds)
        return told

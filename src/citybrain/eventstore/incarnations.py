"""Which log this is. A log that was restored to a moment begins a new incarnation.

After a restore the positions behind that moment come a second time, with other content. Whoever
keeps events outside of this database (Kafka, its readers) tells them apart by the incarnation.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any
from uuid import UUID

import asyncpg

READ = "SELECT incarnation, began_after FROM log_incarnations ORDER BY number"
BEGIN = """
INSERT INTO log_incarnations (number, began_after)
SELECT max(number) + 1, (SELECT coalesce(max(notification_id), 0) FROM stored_events)
FROM log_incarnations
RETURNING incarnation, began_after
"""


class Standing(Enum):
    """What an event that was met outside of this database is to this log."""

    OURS = "ours"
    VOID = "void"
    """The log had it once; a restore went back before it."""
    FOREIGN = "foreign"
    """Of another log."""


@dataclass(frozen=True, slots=True)
class Incarnation:
    """A log from a restore (or its beginning) on; up to `began_after` it is the one before it."""

    incarnation: UUID
    began_after: int


@dataclass(frozen=True)
class Lineage:
    """All incarnations of this log, the oldest first."""

    incarnations: Sequence[Incarnation]

    @property
    def current(self) -> UUID:
        """That of what is appended now."""
        return self.incarnations[-1].incarnation

    def standing(self, incarnation: UUID, position: int) -> Standing:
        """What an event at this position of an incarnation is to this log."""
        for index, each in enumerate(self.incarnations):
            if each.incarnation == incarnation:
                ended = (later.began_after for later in self.incarnations[index + 1 :])
                return Standing.OURS if all(position <= end for end in ended) else Standing.VOID
        return Standing.FOREIGN


async def read_lineage(connection: "asyncpg.Pool[Any] | asyncpg.Connection[Any]") -> Lineage:
    """The incarnations of the log of a database."""
    return Lineage([Incarnation(*row) for row in await connection.fetch(READ)])


async def begin_incarnation(
    connection: "asyncpg.Pool[Any] | asyncpg.Connection[Any]",
) -> Incarnation:
    """From here on it is another log; to be done after a restore, before anything is appended."""
    (row,) = await connection.fetch(BEGIN)
    return Incarnation(*row)

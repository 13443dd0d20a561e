"""Shares the junctions out over the living processes: who controls which, one at a time.

Junctions belong to shards by their codes. Each shard is a session advisory lock, all of a process
on one connection: they end with it, so what a killed process controlled is free at once, and
whoever looks next takes it. A process holds as many as its share of those that live, so shards move
when one joins. A lock only says who should decide: what keeps two writers apart is the version at
which each event is appended.
"""

from collections.abc import Collection, Iterable
from typing import Any, Final
from zlib import crc32

import asyncpg

from citybrain.domain.signals.centre import CENTRE_PROCESS
from citybrain.eventstore.locks import FREE, HELD, KEY, TRY_LOCK, UNLOCK

SHARDS: Final = 64
"""How many; a release with another number must not serve beside one with this."""

TOGETHER = 8
"""So many are taken at a time."""

MEMBER = f"process:{CENTRE_PROCESS}"
JOIN = f"SELECT pg_try_advisory_lock_shared({KEY})"
MEMBERS = f"""
SELECT count(*) FROM ({HELD}) AS held WHERE held.key = {KEY} AND held.mode = 'ShareLock'
"""  # noqa: S608


def shard_of(junction: str) -> int:
    """To which shard a junction belongs: the same in every process and release."""
    return crc32(junction.encode()) % SHARDS


def shards_of(junctions: Iterable[str]) -> set[int]:
    """Those of some junctions."""
    return {shard_of(each) for each in junctions}


class Share:
    """What one process has of the shards; all over the connection that it is made with."""

    def __init__(self, connection: "asyncpg.Connection[Any]") -> None:
        self._connection = connection
        self.held: set[int] = set()

    async def join(self) -> bool:
        """Be one of those that control; false while one of an older release controls all alone."""
        joined: bool = await self._connection.fetchval(JOIN, MEMBER)
        return joined

    async def surplus(self) -> list[int]:
        """Those beyond what is ours now: to be given up."""
        return sorted(self.held)[await self._fair() :]

    async def take(self) -> list[int]:
        """Some more that are free, up to what is ours."""
        more = min(TOGETHER, await self._fair() - len(self.held))
        if more <= 0:
            return []
        others = {f"{MEMBER}:{each}": each for each in range(SHARDS) if each not in self.held}
        taken: list[int] = []
        for row in await self._connection.fetch(FREE, list(others)):
            lock = row["text"]
            if len(taken) < more and await self._connection.fetchval(TRY_LOCK, lock):
                taken.append(others[lock])
        self.held.update(taken)
        return taken

    async def give_up(self, shards: Collection[int]) -> None:
        """Let others have them; we control them no more."""
        for shard in shards:
            await self._connection.execute(UNLOCK, f"{MEMBER}:{shard}")
            self.held.discard(shard)

    async def _fair(self) -> int:
        """How many each living process has at most."""
        members: int = await self._connection.fetchval(MEMBERS, MEMBER)
        return -(-SHARDS // max(1, members))

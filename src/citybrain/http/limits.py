"""A token bucket for each caller: so many requests a second, so many at once, over all processes.

A caller is the subject of a token, or the network that a request without one comes from.

A quarter of it is shared out over the processes that serve: it lies in their memory and costs
nothing. The rest is one purse in PostgreSQL, of which a process takes a little when a caller has
spent their share here. So whoever changes between processes has the limit and not a multiple of
it, and whoever stays with one has three quarters of it at least. A process that serves alone
keeps all of it in memory.
"""

import asyncio
import time
from collections import OrderedDict
from contextlib import suppress
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Final

from aiohttp import web

from citybrain.domain.actor import Actor
from citybrain.errors import Unavailable
from citybrain.eventstore import EventStore
from citybrain.faults import AGAIN_LATER
from citybrain.http.addresses import address_of, network_of
from citybrain.http.problems import RateLimited
from commands.services import Services

CALLERS: Final = 50_000
SHARED_OUT: Final = 0.25
TAKEN_SECONDS: Final = 0.05
"""So much of what comes in a second is taken of the purse at once."""

TAKE = "SELECT taken, left_over FROM take_of_purse($1, $2, $3, $4)"
FORGET = "DELETE FROM rate_purses WHERE at < clock_timestamp() - interval '1 hour'"


@dataclass(slots=True)
class Bucket:
    """What a caller has here; times are of `time.monotonic`."""

    tokens: float
    at: float
    taken: float = 0.0
    """Of the purse, and not spent yet."""
    empty_until: float = 0.0
    """Before that there is nothing in the purse."""
    taking: asyncio.Lock = field(default_factory=asyncio.Lock)


class RateLimiter:
    """Buckets by caller, as `caller_of` names them.

    `name`: of what; its purses are apart from those of other limits.
    """

    def __init__(self, name: str, per_second: float, burst: int, store: EventStore) -> None:
        self._name = name
        self._per_second = per_second
        self._burst = burst
        self._store = store
        self._buckets: OrderedDict[str, Bucket] = OrderedDict()

    async def spend(self, caller: str) -> None:
        """Take one token; raises `RateLimited` with the time until there is one."""
        if self.spends(caller):
            return
        share, bucket = self._share(), self._buckets[caller]
        if share < self._burst:
            await self._take(caller, bucket, share)
            bucket.taken -= 1
            return
        raise _limited((1 - bucket.tokens) / self._per_second)

    def spends(self, caller: str) -> bool:
        """Take one token of what is ours alone, at no cost; not where there is none."""
        bucket = self._refilled(caller, self._share())
        if bucket.tokens < 1:
            return False
        bucket.tokens -= 1
        return True

    async def charge(self, caller: str, tokens: float) -> None:
        """Take what an answer cost beside the one of its request; who cannot pay owes it."""
        share = self._share()
        if share >= self._burst:
            self._refilled(caller, share).tokens -= min(tokens, self._burst)
            return
        part = 1 - share * self._store.listener.serving / self._burst
        asked = (self._purse(caller), tokens, self._per_second * part, self._burst * part)
        with suppress(Unavailable, *AGAIN_LATER):
            await self._store.pool.execute(TAKE, *asked)

    def _share(self) -> int:
        """How many at once are ours alone."""
        serving = self._store.listener.serving
        return self._burst if serving <= 1 else int(self._burst * SHARED_OUT / serving)

    def _refilled(self, caller: str, share: int) -> Bucket:
        now = time.monotonic()
        bucket = self._buckets.get(caller)
        if bucket is None:
            bucket = self._buckets[caller] = Bucket(share, now)
            if len(self._buckets) > CALLERS:
                self._buckets.popitem(last=False)
        else:
            self._buckets.move_to_end(caller)
        rate = self._per_second * share / self._burst
        bucket.tokens = min(bucket.tokens + (now - bucket.at) * rate, share)
        bucket.at = now
        return bucket

    async def _take(self, caller: str, bucket: Bucket, share: int) -> None:
        """Have one of the purse; raises `RateLimited` where it is empty."""
        part = 1 - share * self._store.listener.serving / self._burst
        per_second, burst = self._per_second * part, self._burst * part
        async with bucket.taking:
            now = time.monotonic()
            if bucket.taken >= 1:
                return
            if now < bucket.empty_until:
                raise _limited(bucket.empty_until - now)
            wanted = max(1.0, per_second * TAKEN_SECONDS // 1)
            try:
                purse = self._purse(caller)
                row = await self._store.pool.fetchrow(TAKE, purse, wanted, per_second, burst)
            except (Unavailable, *AGAIN_LATER):
                bucket.taken = 1.0  # what cannot be counted is let through
                return
            assert row is not None
            bucket.taken = row["taken"]
            if bucket.taken < 1:
                wait = (1 - row["left_over"]) / per_second
                bucket.empty_until = now + wait
                raise _limited(wait)

    def _purse(self, caller: str) -> int:
        digest = blake2b(f"{self._name}:{caller}".encode(), digest_size=8).digest()
        return int.from_bytes(digest, "big", signed=True)


def _limited(wait: float) -> RateLimited:
    return RateLimited("too many requests", retry_after_seconds=max(1, round(wait)))


async def forget_purses(services: Services) -> None:
    """Those that nobody spends of: they are full by now."""
    await services.store.pool.execute(FORGET)


def caller_of(request: web.Request, actor: Actor | None = None) -> str:
    """Whose share a request spends; no subject is called as a network is."""
    if actor is not None:
        return f"subject {actor.subject}"
    return f"network {network_of(address_of(request))}"


LIMITER: web.AppKey[RateLimiter] = web.AppKey("limiter", RateLimiter)

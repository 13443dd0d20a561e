"""Limits of callers over several processes: what is kept in memory does not multiply."""

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from citybrain.eventstore import EventStore, StoreUnavailable
from citybrain.http.limits import RateLimiter
from citybrain.http.problems import RateLimited
from tests.given.failing import Broken, Switch

NEVER = 1e-9  # nothing comes while a test looks


@pytest.fixture
def processes(store: EventStore) -> Any:
    """A store that knows of four processes that serve."""
    return SimpleNamespace(pool=store.pool, listener=SimpleNamespace(serving=4))


async def spent(limiter: RateLimiter, caller: str) -> bool:
    try:
        await limiter.spend(caller)
    except RateLimited:
        return False
    return True


@pytest.mark.parametrize("burst", [10, 400])
async def test_who_changes_between_processes_has_the_limit_and_not_four_times_of_it(
    processes: Any, burst: int
) -> None:
    limiters = [RateLimiter("requests", NEVER, burst, processes) for _ in range(4)]
    tried = [await spent(limiters[n % 4], "who") for n in range(4 * burst)]
    assert sum(tried) == burst
    together = await asyncio.gather(*(spent(limiters[n % 4], "other") for n in range(4 * burst)))
    assert sum(together) == burst


async def test_who_stays_with_one_process_has_three_quarters_of_it_at_least(processes: Any) -> None:
    limiter = RateLimiter("requests", NEVER, 400, processes)
    assert sum([await spent(limiter, "who") for _ in range(500)]) == 325
    assert sum([await spent(limiter, "other") for _ in range(25)]) == 25


async def test_limits_of_different_things_are_apart(processes: Any) -> None:
    one, other = (RateLimiter(name, NEVER, 4, processes) for name in ("requests", "photos"))
    assert [await spent(one, "who") for _ in range(5)] == [True] * 4 + [False]
    assert await spent(other, "who")


async def test_what_cannot_be_counted_is_let_through(processes: Any) -> None:
    processes.pool = Broken(processes.pool, Switch(on=True), lambda: StoreUnavailable("away"))
    limiter = RateLimiter("requests", NEVER, 4, processes)
    assert all([await spent(limiter, "who") for _ in range(20)])

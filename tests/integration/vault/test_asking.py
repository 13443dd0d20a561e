"""Keys asked for many at once: never an answer from before the question."""

import asyncio
from typing import Any

import pytest

from citybrain.eventstore import EventStore
from citybrain.vault import FileKeyWrapper, Vault
from citybrain.vault.asking import KeyAsking
from tests.given.waiting import holds

ANNA, BORIS = "citizen-anna", "citizen-boris"


class Held:
    """A pool whose queries wait until they are let go."""

    def __init__(self, pool: Any) -> None:
        self._pool = pool
        self.queries = 0
        self.fail: Exception | None = None
        self.go_on = asyncio.Event()

    async def fetch(self, query: str, *arguments: Any) -> Any:
        self.queries += 1
        found = await self._pool.fetch(query, *arguments)
        await self.go_on.wait()
        if self.fail is not None:
            raise self.fail
        return found


@pytest.fixture
async def vault(store: EventStore) -> Vault:
    vault = Vault(store.pool, FileKeyWrapper(b"k" * 32))
    await vault.create_key(ANNA)
    await vault.create_key(BORIS)
    return vault


@pytest.fixture
def held(store: EventStore) -> Any:
    return Held(store.pool)


async def test_who_asks_while_a_query_is_out_gets_an_answer_of_their_own(
    vault: Vault, held: Any
) -> None:
    asking = KeyAsking(held)
    before = asyncio.create_task(asking.wrapped_key(ANNA))
    await holds(lambda: held.queries == 1)
    await vault.erase(ANNA)
    after = [asyncio.create_task(asking.wrapped_key(ANNA)) for _ in range(3)]
    await asyncio.sleep(0)
    held.go_on.set()
    assert await before is not None
    assert await asyncio.gather(*after) == [None] * 3
    assert held.queries == 2


async def test_all_who_wait_are_asked_for_at_once(vault: Vault, held: Any) -> None:
    asking = KeyAsking(held)
    held.go_on.set()
    people = [ANNA, BORIS] * 50
    keys = await asyncio.gather(*(asking.wrapped_key(person) for person in people))
    assert held.queries == 1
    assert len(set(keys)) == 2


async def test_a_query_that_fails_fails_for_its_askers_only_and_who_leaves_stops_nobody(
    vault: Vault, held: Any
) -> None:
    asking = KeyAsking(held)
    held.fail = ConnectionError("away")
    first = [asyncio.create_task(asking.wrapped_key(ANNA)) for _ in range(3)]
    await holds(lambda: held.queries == 1)
    first[0].cancel()
    held.go_on.set()
    for failed in first[1:]:
        with pytest.raises(ConnectionError):
            await failed
    held.fail = None
    assert await asking.wrapped_key(BORIS) is not None


async def test_somebody_without_a_key_does_not_hold_up_others(vault: Vault, held: Any) -> None:
    asking = KeyAsking(held)
    held.go_on.set()
    nobody, anna = await asyncio.gather(
        asking.wrapped_key("citizen-nobody"), asking.wrapped_key(ANNA), return_exceptions=True
    )
    assert isinstance(nobody, KeyError)
    assert isinstance(anna, bytes)


async def test_who_asks_for_many_hears_of_those_who_have_one(vault: Vault, held: Any) -> None:
    asking = KeyAsking(held)
    held.go_on.set()
    both, one = await asyncio.gather(
        asking.wrapped_keys([ANNA, BORIS]), asking.wrapped_keys([ANNA, "citizen-nobody"])
    )
    assert held.queries == 1
    assert set(both) == {ANNA, BORIS}
    assert one == {ANNA: both[ANNA]}

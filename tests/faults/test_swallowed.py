"""The network swallows all packets of a leader: another takes over, and the first does no harm."""

import time

import pytest
from pydantic import SecretStr

from citybrain.eventstore import EventStore, leadership, open_event_store
from citybrain.settings import Settings
from projections.rebuild import compare
from projections.runner import prepare
from tests.given.network import PostgresNetwork
from tests.given.read_models import append, caught_up, running
from tests.given.seen import Seen, seen
from tests.given.waiting import eventually

STANDBY_SECONDS, LEASE_SECONDS = leadership.STANDBY_SECONDS, leadership.LEASE_SECONDS
OF = "SELECT count(*) FROM pg_stat_activity WHERE application_name = ANY($1)"
LEADER = """
SELECT split_part(application_name, ' ', 2) FROM pg_locks l JOIN pg_stat_activity a USING (pid)
WHERE l.locktype = 'advisory' AND l.granted AND a.application_name LIKE 'citybrain-leads %'
  AND a.datname = current_database()
"""


@pytest.fixture(autouse=True)
def leases_as_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a city's processes, not of tests that must not take a busy one for dead."""
    monkeypatch.setattr(leadership, "STANDBY_SECONDS", STANDBY_SECONDS)
    monkeypatch.setattr(leadership, "LEASE_SECONDS", LEASE_SECONDS)


@pytest.mark.fault
async def test_a_leader_behind_a_network_that_swallows_is_replaced(
    settings: Settings, store: EventStore
) -> None:
    """Its connections stand, both sides think; what it had under way arrives in the end."""
    assert settings.database_url is not None
    url, model = settings.database_url.get_secret_value(), Seen()
    await prepare(store, [model])

    async def leads(one: EventStore) -> bool:
        found: str | None = await store.pool.fetchval(LEADER)
        return found == one.leads.process

    async def nothing_of(one: EventStore) -> bool:
        """Nothing that it writes or leads with is left in the server."""
        names = [
            f"citybrain-worker {one.leads.process}",
            f"citybrain-leads {one.leads.process} work",
        ]
        many: int = await store.pool.fetchval(OF, names)
        return many == 0

    async with PostgresNetwork(url) as network:
        theirs = settings.model_copy(update={"database_url": SecretStr(network.url)})
        async with open_event_store(theirs) as first, running(first, model):
            await eventually(lambda: leads(first))
            await append(store, "test-1")
            await caught_up(store, "seen")
            async with running(store, model):
                await append(store, "test-1")
                await caught_up(store, "seen")
                assert await leads(first)
                network.swallow()
                cut = time.monotonic()
                await append(store, "test-2")
                await eventually(lambda: leads(store))
                await caught_up(store, "seen")
                print(f"another process leads after {time.monotonic() - cut:.1f} s")
                await eventually(lambda: nothing_of(first))
                await append(store, "test-1")
                await caught_up(store, "seen")
                network.heal()
                for stream in ("test-1", "test-2"):
                    await append(store, stream)
                await caught_up(store, "seen")
                assert await leads(store)
            await eventually(lambda: leads(first))  # the other one has left
            await append(store, "test-1")
            await caught_up(store, "seen")
    assert await seen(store) == {"test-1": [1, 2, 3, 4, 5], "test-2": [1, 2]}
    assert (await compare(store, model)).equal

"""Processes that feed a read model are stopped, woken and killed in the midst of a transaction."""

import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import pytest

from citybrain.eventstore import EventStore
from citybrain.settings import Settings
from ops.kafka import Cluster
from projections.rebuild import compare
from projections.runner import prepare
from tests.given.feeding import all_received
from tests.given.feeding_kafka import Topic, feeding_settings
from tests.given.read_models import append, caught_up
from tests.given.reading_kafka import GATE, at_the_gate
from tests.given.seen import Seen, seen
from tests.given.server import URL, environment_of
from tests.given.waiting import eventually, holds
from tests.given.warm import Warm

NOBODY = "127.0.0.1:1"
STREAMS = 3
FED = "SELECT fed FROM projection_checkpoints"


def environment(settings: Settings, servers: str) -> dict[str, str]:
    """What a process of the test's database runs in."""
    assert settings.database_url is not None
    return environment_of(settings.data_dir) | {
        "CITYBRAIN_MODE": "development",
        "CITYBRAIN_DATABASE_URL": settings.database_url.get_secret_value(),
        "CITYBRAIN_KAFKA_BOOTSTRAP_SERVERS": servers,
        "CITYBRAIN_KAFKA_TOPIC_PREFIX": settings.kafka_topic_prefix,
        "CITYBRAIN_KAFKA_SESSION_SECONDS": "6",
    }


@asynccontextmanager
async def reader(settings: Settings) -> AsyncIterator[Warm]:
    """A process that feeds, and leads where it may; killed with the block, if not before."""
    assert settings.kafka_bootstrap_servers is not None
    process = Warm(
        settings.data_dir / "said",
        "tests.given.reading_kafka",
        environment=environment(settings, settings.kafka_bootstrap_servers),
    )
    try:
        await holds(lambda: process.status is not None or "ready" in process.out.read_text())
        yield process
    finally:
        await process.kill()


@pytest.mark.fault
async def test_k12_the_worker_that_woke_up(
    kafka: Cluster, settings: Settings, store: EventStore
) -> None:
    """Stopped with its transaction open; its successor goes on, and it wakes and does no harm."""
    ours = feeding_settings(settings, kafka)
    topic = Topic(ours, 2)
    await topic.make()
    await prepare(store, [Seen()])
    gate = await store.connect()
    written = 0

    async def more() -> None:
        nonlocal written
        for stream in range(STREAMS):
            await append(store, f"test-{stream}")
        events = await all_received(store)
        await topic.write(events[written:])
        written = len(events)

    async def close_the_gate() -> None:
        await gate.execute("SELECT pg_advisory_lock($1)", GATE)
        await more()
        await eventually(lambda: at_the_gate(store))

    async def whole() -> bool:
        found = await seen(store)
        return sum(map(len, found.values())) == await store.head()

    async with reader(ours) as sleeper:
        await eventually(lambda: store.pool.fetchval(FED))
        await more()
        await eventually(whole)
        await close_the_gate()
        os.kill(sleeper.pid, signal.SIGSTOP)
        await gate.execute("SELECT pg_advisory_unlock($1)", GATE)
        async with reader(ours) as successor:
            await eventually(whole)
            await more()
            await eventually(whole)
            os.kill(sleeper.pid, signal.SIGCONT)
            await more()
            await eventually(whole)
            assert (sleeper.status, successor.status) == (None, None)
            await close_the_gate()
            await sleeper.kill()
            await gate.execute("SELECT pg_advisory_unlock($1)", GATE)
            await eventually(whole)
    await gate.close()
    expected = [n + 1 for n in range(written // STREAMS)]
    assert await seen(store) == {f"test-{stream}": expected for stream in range(STREAMS)}
    assert (await compare(store, Seen())).tables[1].only_live == 0


@pytest.mark.fault
async def test_k16_stop_while_the_cluster_is_away(settings: Settings, store: EventStore) -> None:
    """It works on from the log, says that nobody is there and that it is not ready, and ends when
    it is asked to.
    """
    process = Warm(
        settings.data_dir / "said",
        *("citybrain", "work", "--via", "kafka", "--port", "0"),
        environment=environment(settings, NOBODY) | {"CITYBRAIN_INTAKE": "true"},
    )
    try:
        await holds(lambda: process.status is not None or "works" in process.out.read_text())
        await append(store, "test-1")
        await caught_up(store, "streams")
        await holds(lambda: process.err.read_text().count("kafka_away") == 2)
        url = URL.search(process.out.read_text())
        assert url is not None
        async with aiohttp.ClientSession(url[0]) as http, http.get("/readyz") as answer:
            assert answer.status == 503
            said = await answer.json()
        assert [name for name, fine in said["checks"].items() if not fine] == ["kafka"]
        os.kill(process.pid, signal.SIGTERM)
        assert await process.ended() == 0, process.err.read_text()
    finally:
        await process.kill()

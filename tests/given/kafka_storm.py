"""Reports that keep coming while something fails, and the checks that follow each storm."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress

from citybrain.errors import CitybrainError
from citybrain.eventstore import EventStore, RecordedEvent
from citybrain.settings import Settings
from citybrain.systems import PROJECTIONS
from commands.inspection.case import report_case
from commands.processes.parked import parked_commands
from projections.rebuild import compare
from tests.given.publishing import environment_of, published_up_to, require_whole
from tests.given.read_models import caught_up
from tests.given.services import CAMERA, context, report, services_over
from tests.given.storm import STORM
from tests.given.waiting import eventually
from tests.given.warm import Warm

CASES = "case"
WRITERS = 4
PAUSE_SECONDS = 0.5
ALL_DISPATCHED = """
SELECT count(*) FILTER (WHERE topic = 'case.reported')
    = count(*) FILTER (WHERE topic = 'case.dispatched') FROM stored_events
"""
SECONDS = 6.0 * STORM  # two minutes in a storm


@asynccontextmanager
async def reports(store: EventStore) -> AsyncIterator[list[str]]:
    """Cases are reported while the block runs; those that were acknowledged."""
    services, acknowledged = services_over(store), []

    async def keeps_coming() -> None:
        while True:
            with suppress(CitybrainError):
                acknowledged.append(
                    (await report_case(report(), context(CAMERA), services)).stream_id
                )
            await asyncio.sleep(PAUSE_SECONDS)

    coming = [asyncio.create_task(keeps_coming()) for _ in range(WRITERS)]
    try:
        yield acknowledged
    finally:
        for each in coming:
            each.cancel()
        await asyncio.gather(*coming, return_exceptions=True)


@asynccontextmanager
async def worker(settings: Settings) -> AsyncIterator[Warm]:
    """`citybrain work --via kafka`; killed with the block, if not before."""
    process = begun_worker(settings)
    try:
        yield process
    finally:
        await process.kill()


def begun_worker(settings: Settings) -> Warm:
    """The same, for whoever ends it."""
    environment = environment_of(settings) | {
        "CITYBRAIN_MODE": "development",
        "CITYBRAIN_KAFKA_SESSION_SECONDS": "6",
    }
    return Warm(
        settings.data_dir / "said",
        *("citybrain", "work", "--via", "kafka", "--port", "0"),
        environment=environment,
    )


async def require_all_right(settings: Settings, store: EventStore, acknowledged: list[str]) -> None:
    """What was acknowledged is there once, in order and gapless; Kafka and read models say so.

    Waits until process managers have nothing more to do.
    """
    await eventually(lambda: store.pool.fetchval(ALL_DISPATCHED))
    await caught_up(store)
    await published_up_to(store, await store.head(), settings.kafka_topic_prefix + CASES)
    require_log(await store.read_all(limit=1_000_000), acknowledged)
    await require_whole(settings, store, CASES, repeats=True)
    for projection in PROJECTIONS:
        assert (await compare(store, projection)).equal, projection.name
    assert not await parked_commands(store)
    assert await store.pool.fetchval("SELECT count(*) FROM parked_events") == 0


def require_log(events: Sequence[RecordedEvent], acknowledged: list[str]) -> None:
    """Each acknowledged case is there once, versions follow one another, positions have no gap."""
    assert [event.position for event in events] == list(range(1, len(events) + 1))
    assert len(set(acknowledged)) == len(acknowledged)
    reported = Counter(event.stream_id for event in events if event.topic == "case.reported")
    assert {reported[case] for case in acknowledged} <= {1}
    versions: Counter[str] = Counter()
    for event in events:
        versions[event.stream_id] += 1
        assert event.version == versions[event.stream_id]

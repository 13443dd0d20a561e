"""Projections: exactly once, parked visibly, rebuilt beside the live model and equal to it."""

import asyncio
import os
import signal
from collections.abc import Sequence
from datetime import date
from typing import Any

import pytest

from citybrain.eventstore import EventStore, RecordedEvent, open_event_store
from citybrain.eventstore.connecting import Connector
from citybrain.settings import Settings
from citybrain.systems import PROJECTIONS, UnknownProjection, projection_named
from projections.inspection import case_days, case_timeline
from projections.inspection import case_desk_questions as desk
from projections.inspection.case_desk import CaseDesk
from projections.inspection.case_desk_questions import Wanted
from projections.parked import retry_parked
from projections.platform import streams
from projections.platform.streams import Streams
from projections.rebuild import RebuildRunning, compare, rebuild
from projections.runner import prepare
from projections.status import parked_events
from tests.given.logs import every_log
from tests.given.read_models import append, caught_up, running
from tests.given.services import services_over, take_to_the_end
from tests.given.waiting import PATIENCE_SECONDS, holds


async def test_read_models_show_what_happened(store: EventStore) -> None:
    services = services_over(store)
    async with running(store):
        closed = await take_to_the_end(services)
        handled = await take_to_the_end(services, 4)
        dispatched = await take_to_the_end(services, 2)
        await caught_up(store)
    open_cases = await desk.cases(store.pool)
    assert [(row["case_id"], row["status"]) for row in open_cases] == [
        (handled.stream_id, "handled"),
        (dispatched.stream_id, "dispatched"),
    ]
    assert open_cases[0]["departments"] == ["sanitation"]
    assert await desk.cases(store.pool, Wanted(department="landscape")) == []
    assert [row["open"] for row in await desk.open_counts(store.pool)] == [2]
    timeline = await case_timeline.history(store.pool, [closed.stream_id])
    assert [row["version"] for row in timeline] == [1, 2, 3, 4, 5, 6, 7]
    assert timeline[2]["details"]["lead"] == "sanitation"
    days = await case_days.days(store.pool, since=date(2026, 1, 1), until=date(2100, 1, 1))
    assert sum(row["reported"] for row in days) == 3
    assert sum(row["closed"] for row in days) == 1
    (category,) = await streams.counts(store.pool)
    assert (category["streams"], category["events"]) == (3, 7 + 5 + 3)


async def test_a_lock_that_somebody_holds_parks_nothing(store: EventStore) -> None:
    await take_to_the_end(services_over(store), 2)
    await prepare(store, [CaseDesk()])
    database = await store.pool.fetchval("SELECT current_database()")
    await store.pool.execute(f"ALTER DATABASE {database} SET lock_timeout = '20ms'")
    with every_log() as logs:
        holder = await store.connect("holder")
        transaction = holder.transaction()
        await transaction.start()
        await holder.execute("LOCK TABLE case_desk.cases")
        async with running(store, CaseDesk()):
            await holds(lambda: any(put_off(entry) for entry in logs))
            await transaction.rollback()
            await caught_up(store, "case_desk")
        await holder.close()
    assert len(await desk.cases(store.pool)) == 1
    assert await parked_events(store.pool) == []


async def test_a_connection_that_hangs_in_a_batch_is_left(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """PostgreSQL's process is stopped; the statement has its time, and another one is used."""
    defaults = Connector.connect.__kwdefaults__
    assert defaults is not None
    monkeypatch.setitem(defaults, "statement_seconds", 1.0)
    settings.writing_pool_size = 1
    async with open_event_store(settings) as store, running(store, Streams()):
        await append(store, "case-1")
        await caught_up(store, "streams")
        async with store.writing() as connection:
            stopped = await connection.fetchval("SELECT pg_backend_pid()")
        os.kill(stopped, signal.SIGSTOP)
        try:
            await append(store, "case-2")
            await caught_up(store, "streams")
        finally:
            os.kill(stopped, signal.SIGCONT)


def put_off(entry: Any) -> bool:
    return (entry["event"], entry.get("error")) == ("projection_restarts", "LockNotAvailableError")


async def test_paging_by_cursor_sees_each_case_once(store: EventStore) -> None:
    services = services_over(store)
    for _ in range(7):
        await take_to_the_end(services, 2)
    async with running(store, CaseDesk()):
        await caught_up(store, "case_desk")
    seen, after = [], None
    while page := await desk.cases(store.pool, after=after, limit=3):
        seen += [row["case_id"] for row in page]
        after = (page[-1]["reported_at"], page[-1]["case_id"])
    assert len(seen) == len(set(seen)) == 7


async def test_a_rebuild_under_load_is_swapped_in_and_equal(store: EventStore) -> None:
    services = services_over(store)
    reads = 0

    async def load() -> None:
        await asyncio.gather(*(take_to_the_end(services, n % 7) for n in range(7)))

    async def read() -> None:
        nonlocal reads
        while True:
            await desk.open_counts(store.pool)  # must never fail or see half a model
            await streams.counts(store.pool)
            reads += 1

    async with running(store):
        await load()
        await caught_up(store)
        reading = asyncio.create_task(read())
        for projection in PROJECTIONS:
            loading = asyncio.create_task(load())
            await rebuild(store, projection)
            await loading
            assert (await compare(store, projection)).equal, projection.name
        assert reads > 10
        assert not reading.done()
        reading.cancel()
        await caught_up(store)
        for projection in PROJECTIONS:
            comparison = await compare(store, projection)
            assert comparison.equal
            assert comparison.position == await store.head()
    schemas = await store.pool.fetch(
        "SELECT nspname FROM pg_namespace WHERE nspname LIKE '%\\_\\_%'"
    )
    assert schemas == []


async def test_compare_finds_a_damaged_row(store: EventStore) -> None:
    await take_to_the_end(services_over(store), 3)
    async with running(store, CaseDesk()):
        await caught_up(store, "case_desk")
    await store.pool.execute("UPDATE case_desk.cases SET status = 'closed'")
    comparison = await compare(store, CaseDesk())
    assert not comparison.equal
    assert (comparison.tables[0].only_live, comparison.tables[0].only_rebuilt) == (1, 1)
    assert "closed" in comparison.tables[0].samples[0]


class Poisoned(Streams):
    """Cannot apply `test.poison` until it is cured."""

    name = "poisoned"
    cured = False

    async def apply(self, connection: Any, events: Sequence[RecordedEvent]) -> None:
        if not self.cured and any(event.topic == "test.poison" for event in events):
            raise KeyError("amount")
        await super().apply(connection, events)


async def test_a_poison_event_and_its_stream_are_parked_and_retried_in_order(
    store: EventStore,
) -> None:
    projection = Poisoned()
    async with running(store, projection):
        for number in range(10):
            await append(store, f"good-{number}")
        await append(store, "bad-1", "test.poison")
        await append(store, "bad-1")
        await append(store, "good-1")
        await caught_up(store, "poisoned")
        parked = await parked_events(store.pool)
        assert [(row["stream_id"], row["topic"]) for row in parked] == [
            ("bad-1", "test.poison"),
            ("bad-1", "test.happened"),
        ]
        assert parked[0]["error"] == "KeyError 'amount'"
        assert (await retry_parked(store, projection)).still_parked == 2
        projection.cured = True
        assert (await retry_parked(store, projection)).applied == 2
        await append(store, "bad-1")
        await caught_up(store, "poisoned")
    assert await parked_events(store.pool) == []
    rows = await store.pool.fetch("SELECT category, events FROM poisoned.categories ORDER BY 1")
    assert [tuple(row) for row in rows] == [("bad", 3), ("good", 11)]


async def test_a_new_version_is_rebuilt_at_start(store: EventStore) -> None:
    await append(store, "case-1")
    async with running(store, Streams()):
        await caught_up(store, "streams")
    await store.pool.execute("UPDATE streams.categories SET events = 999")

    class Streams2(Streams):
        version = 2

    async with running(store, Streams2()):
        async with asyncio.timeout(PATIENCE_SECONDS):
            while (await streams.counts(store.pool))[0]["events"] != 1:
                await asyncio.sleep(0.05)
        await append(store, "case-1")
        await caught_up(store, "streams")
    assert (await streams.counts(store.pool))[0]["events"] == 2


async def test_a_standby_takes_over_and_each_event_counts_once(store: EventStore) -> None:
    async with running(store, Streams()):
        await append(store, "case-1")
        await caught_up(store, "streams")
        async with running(store, Streams()):
            await append(store, "case-1")
            await store.pool.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE application_name ~ '^citybrain-(leads|worker) ' "
                "AND datname = current_database()"
            )
            for _ in range(20):
                await append(store, "case-1")
            await caught_up(store, "streams")
    assert (await streams.counts(store.pool))[0]["events"] == 22


async def test_two_rebuilds_of_one_model_exclude_each_other(store: EventStore) -> None:
    for number in range(50):
        await append(store, f"case-{number}")
    answers = await asyncio.gather(
        rebuild(store, Streams()), rebuild(store, Streams()), return_exceptions=True
    )
    refused = [answer for answer in answers if not isinstance(answer, int)]
    assert all(isinstance(answer, RebuildRunning) for answer in refused)
    assert len(refused) < 2


class Wanting:
    """Keeps what it was given, of the one topic that it wants."""

    name, version = "wanting", 1
    topics = frozenset({"test.wanted"})
    tables = "CREATE TABLE nothing (number integer);"

    def __init__(self) -> None:
        self.seen: list[int] = []

    async def apply(self, connection: Any, events: Sequence[RecordedEvent]) -> None:
        self.seen += [event.position for event in events]


async def test_a_rebuild_sees_what_the_model_wants_and_ends_where_the_log_does(
    store: EventStore,
) -> None:
    for topic in ("test.wanted", "test.other", "test.wanted", "test.other", "test.other"):
        await append(store, "case-1", topic)
    for _ in range(2):  # the second time it is swapped with the first one
        projection = Wanting()
        assert await rebuild(store, projection) == 5
        assert projection.seen == [1, 3]
    assert await store.pool.fetchval(CHECKPOINT, "wanting") == 5
    assert [page async for page in store.replay(5, 5, topics=["test.wanted"])] == []


CHECKPOINT = "SELECT position FROM projection_checkpoints WHERE projection = $1"


def test_an_unknown_projection_is_a_clear_error() -> None:
    with pytest.raises(UnknownProjection, match="case_desk"):
        projection_named("nothing")

"""`citybrain bench replay`: the log read back and decoded, beside what reads it undecoded."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import asyncpg

from citybrain.eventstore import EventStore, RecordedEvent, open_event_store
from ops.bench.append_limits import COLUMNS, new_row
from ops.bench.figures import Sample, sample
from ops.bench.history import load_history
from ops.bench.lines import AtLeast, Line
from ops.bench.meter import Meter
from ops.bench.peer_stock import stock_recorder
from ops.bench.peer_umadb import umadb_log
from ops.bench.rounds import Contender
from ops.bench.workbench import BenchFailed, Workbench, bench_settings

BENCH = "replay"
EVENTS = 200_000
PAGE = 1000
READ = f"""
SELECT notification_id, originator_id, originator_version, topic, state, recorded_at, metadata
FROM stored_events WHERE notification_id <= {EVENTS} ORDER BY notification_id
"""

Pass = Callable[[], Awaitable[int]]
"""Reads the whole log once; returns how many events it saw."""

Source = Callable[[str], AbstractAsyncContextManager[Pass]]
"""Opens what reads the log at a URL; opening is not part of the measurement."""


async def load_small(url: str) -> None:
    """The log that the append benchmark writes: 233-byte states."""
    connection: asyncpg.Connection[Any] = await asyncpg.connect(url)
    try:
        for start in range(1, EVENTS + 1, 10_000):
            rows = [new_row(position) for position in range(start, start + 10_000)]
            await connection.copy_records_to_table("stored_events", records=rows, columns=COLUMNS)
        await connection.execute("VACUUM (ANALYZE, FREEZE) stored_events")
        await connection.execute("CHECKPOINT")
    finally:
        await connection.close()


async def load_cases(url: str) -> None:
    """A history of inspection cases."""
    await load_history(url, EVENTS)


LOGS = {"small": load_small, "cases": load_cases}


def reading(log: str, source: Source) -> Contender:
    """The contender: whole passes over a log of ours."""

    async def contender(bench: Workbench) -> Sample:
        name = await bench.filled(f"bench_log_{log}", LOGS[log])
        async with source(bench.database_url(name)) as one_pass:
            return await _passes(bench, one_pass)

    return contender


async def umadb_read(bench: Workbench) -> Sample:
    """The peer UmaDB, filled with the same small events; left undecoded."""
    async with umadb_log(bench, EVENTS) as read:
        return await _passes(bench, lambda: asyncio.to_thread(read))


@asynccontextmanager
async def cursor(url: str) -> AsyncIterator[Pass]:
    """The limit: an asyncpg server-side cursor, rows left as they come."""
    connection = await asyncpg.connect(url)

    async def one_pass() -> int:
        seen = 0
        async with connection.transaction():
            rows = await connection.cursor(READ)
            while page := await rows.fetch(PAGE):
                seen += len(page)
        return seen

    try:
        yield one_pass
    finally:
        await connection.close()


@asynccontextmanager
async def copy_out(url: str) -> AsyncIterator[Pass]:
    """COPY in binary; its rows are not even told apart."""
    connection = await asyncpg.connect(url)

    async def ignore(_: bytes) -> None:
        pass

    async def one_pass() -> int:
        status = await connection.copy_from_query(READ, output=ignore, format="binary")
        return int(status.removeprefix("COPY "))

    try:
        yield one_pass
    finally:
        await connection.close()


@asynccontextmanager
async def stock_notifications(url: str) -> AsyncIterator[Pass]:
    """The stock recorder's pages of 1000 notifications, undecoded."""
    with stock_recorder(url, 1, create=False) as recorder:

        def one_pass() -> int:
            seen = 0
            while page := recorder.select_notifications(start=seen + 1, limit=PAGE):
                seen += len(page)
            return seen

        yield lambda: asyncio.to_thread(one_pass)


def ours(read: Callable[[EventStore], Awaitable[int]]) -> Source:
    """A pass over our store."""

    @asynccontextmanager
    async def source(url: str) -> AsyncIterator[Pass]:
        async with open_event_store(bench_settings(url, Path("unused"))) as store:
            yield lambda: read(store)

    return source


def followed(take: Callable[[list[RecordedEvent]], int]) -> Source:
    """`follow` from the beginning to the head; `take` says how many it has of a batch."""

    async def read(store: EventStore) -> int:
        seen = 0
        async for batch in store.follow(0):
            seen += take(batch)
            if seen >= EVENTS:
                break
        return seen

    return ours(read)


async def paged(store: EventStore) -> int:
    """`read_all` page by page, every event decoded."""
    seen = 0
    while page := await store.read_all(seen, limit=PAGE):
        seen += decoded(page)
    return seen


def decoded(events: list[RecordedEvent]) -> int:
    """How many there are, each read."""
    for event in events:
        if not event.data:
            raise BenchFailed(f"position {event.position} was read back empty")
    return len(events)


async def _passes(bench: Workbench, one_pass: Pass) -> Sample:
    """Whole passes until the time is over; the first one warms up."""
    await _checked(one_pass)
    events, began = 0, time.perf_counter()
    with Meter(bench) as meter:
        while time.perf_counter() - began < bench.seconds:
            events += await _checked(one_pass)
    return meter.of(sample(events, time.perf_counter() - began), events)


async def _checked(one_pass: Pass) -> int:
    seen = await one_pass()
    if seen != EVENTS:
        raise BenchFailed(f"a pass over {EVENTS} events saw {seen}")
    return seen


CONTENDERS: Mapping[str, Contender] = {
    "follow": reading("small", followed(decoded)),
    "follow_undecoded": reading("small", followed(len)),
    "read_all": reading("small", ours(paged)),
    "follow_cases": reading("cases", followed(decoded)),
    "cursor_1000": reading("small", cursor),
    "cursor_1000_cases": reading("cases", cursor),
    "copy_binary": reading("small", copy_out),
    "copy_binary_cases": reading("cases", copy_out),
    "stock_notifications": reading("small", stock_notifications),
    "umadb_read": umadb_read,
}

LINES = (
    Line(
        "follow",
        "follow",
        "cursor_1000",
        ("copy_binary", "stock_notifications", "umadb_read"),
        (AtLeast(0.5, "cursor_1000"), AtLeast(1, "stock_notifications")),
    ),
    Line(
        "follow_undecoded", "follow_undecoded", "cursor_1000", (), (AtLeast(0.65, "cursor_1000"),)
    ),
    Line(
        "read_all",
        "read_all",
        "cursor_1000",
        ("copy_binary", "stock_notifications", "umadb_read"),
        (AtLeast(1, "stock_notifications"),),
    ),
    Line(
        "follow_cases",
        "follow_cases",
        "cursor_1000_cases",
        ("copy_binary_cases",),
        (AtLeast(0.5, "cursor_1000_cases"),),
    ),
)

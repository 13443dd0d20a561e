"""The event store: append, read, follow, and aggregates over them.

`open_event_store` starts what is needed (an embedded PostgreSQL where no URL is set),
migrates, and owns the connections and tasks until its block ends.
"""

import asyncio
import re
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from secrets import token_hex
from typing import Any, TypeVar, cast

import asyncpg
import structlog
from prometheus_client import Counter, Histogram
from pydantic import SecretStr

from citybrain import garbage
from citybrain.domain.stream import StreamAggregate, category_of
from citybrain.domain.times import CLOCK_TOLERANCE
from citybrain.errors import InvalidInput
from citybrain.eventstore.aggregates import Aggregates, to_domain_event
from citybrain.eventstore.appender import Appender
from citybrain.eventstore.codec import stored
from citybrain.eventstore.connecting import (
    AWAY,
    AWAY_RETRY_SECONDS,
    LONG_SECONDS,
    Connector,
    close_pool,
    first_connection,
)
from citybrain.eventstore.connection import Connection
from citybrain.eventstore.connections import Connections, limits, require
from citybrain.eventstore.embedded import EmbeddedPostgres
from citybrain.eventstore.leadership import Leads
from citybrain.eventstore.listener import Listener
from citybrain.eventstore.migrations import migrate
from citybrain.eventstore.pending import PendingAppend
from citybrain.eventstore.read_models import ReadModels, open_read_models
from citybrain.eventstore.reader import Reader, patiently
from citybrain.eventstore.types import (
    ANY,
    Appended,
    EventTooLarge,
    IdempotencyRecord,
    Metadata,
    NewEvent,
    StoredAnswer,
    StoreUnavailable,
    WrongExpectedVersion,
)
from citybrain.eventstore.witness import Witness
from citybrain.garbage_pauses import PAUSES
from citybrain.observability import spanned
from citybrain.settings import Settings

log = structlog.get_logger(__name__)

A = TypeVar("A", bound=StreamAggregate)

SECONDS = Histogram(
    "citybrain_append_seconds", "From an append to its commit, those that wait for it included",
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15),
)  # fmt: skip
CONFLICTS = Counter("citybrain_append_conflicts_total", "Appends to a stream that had moved on")

CLOCK_TOLERANCE_SECONDS = CLOCK_TOLERANCE.total_seconds()
STREAM_ID = re.compile(r"[a-z][a-z0-9_]{0,31}-[A-Za-z0-9_.:-]{1,160}")
MAX_EVENTS_PER_APPEND = 10_000
ANSWER = "SELECT fingerprint, answer, position FROM idempotency_records WHERE key = $1"
FORGET_ANSWERS = """
DELETE FROM idempotency_records WHERE recorded_at < clock_timestamp() - make_interval(days => $1)
"""


class ClockOff(StoreUnavailable):
    """This process does not know what time it is: another one may."""

    code = "clock-off"


class EventStore:
    """What commands and projections see. Get one from `open_event_store`."""

    def __init__(
        self,
        settings: Settings,
        pool: "asyncpg.Pool[Any]",
        appender: Appender,
        listener: Listener,
        leads: Leads,
        connector: "Connector",
        witness: Witness,
        models: ReadModels,
    ) -> None:
        self.settings = settings
        self.witness = witness
        self.dsn = connector.dsn
        self.connect = connector.connect
        self.pool = pool
        self.keeping = models.keeping
        """Where read models are kept up."""
        self.models = models.reading
        """Where the API reads them: it may be a standby, and later."""
        self.standby = models.standby
        """Whether that answers; None where there is none."""
        self.connect_keeping = models.connector.connect
        self._writing = models.writing
        self.leads = leads
        self.listener = listener
        self.appender = appender
        reader = Reader(pool, listener, witness)
        self.read = reader.read
        self.read_streams = reader.read_streams
        self.read_behind = reader.read_behind
        self.versions_at = reader.versions_at
        self.read_category = reader.read_category
        self.read_all = reader.read_all
        self.read_at = reader.read_at
        self.position_before = reader.position_before
        self.follow = reader.follow
        self.replay = reader.replay
        self.head = reader.head
        self.wait_for = reader.wait_for
        self._aggregates = Aggregates(
            pool,
            reader,
            cache_size=settings.aggregate_cache_size,
            snapshot_every=settings.snapshot_every,
        )
        witness.at_once += [self._aggregates.forget_all, leads.stand_down]
        reader.heard, reader.missed = self._aggregates.heard, self._aggregates.missed
        self.load = self._aggregates.load
        self.load_all = self._aggregates.load_all
        self.load_as_of = self._aggregates.load_as_of
        self.to_domain_event = to_domain_event

    @property
    def away(self) -> bool:
        """PostgreSQL has not been there for longer than it takes to start again."""
        return self.listener.away and not self.appender.connected

    def check_writable(self) -> None:
        """Raises `StoreUnavailable` where it is known that nothing can be appended now.

        Nor is it where the clocks are apart: what is decided would have a time that never was.
        """
        self.witness.require()
        if self.clock_is_off:
            raise ClockOff(
                "the clocks of this machine and of PostgreSQL are minutes apart",
                retry_after_seconds=AWAY_RETRY_SECONDS,
            )
        if self.away or self.appender.cut_off_for_long:
            raise StoreUnavailable(AWAY, retry_after_seconds=AWAY_RETRY_SECONDS)

    @property
    def clock_is_off(self) -> bool:
        """This machine's clock and PostgreSQL's differ by more than decisions allow for."""
        return abs(self.listener.clock_ahead_seconds) > CLOCK_TOLERANCE_SECONDS

    async def append(
        self,
        stream_id: str,
        expected: int,
        events: Sequence[NewEvent],
        *,
        metadata: Metadata,
        idempotency: IdempotencyRecord | None = None,
    ) -> Appended:
        """Append events to one stream; when this returns they are durable.

        `expected`: the version the stream must be at, `NO_STREAM` or `ANY`. Raises
        `WrongExpectedVersion`, `DuplicateKey`, `EventTooLarge`, `StoreBusy`,
        `StoreUnavailable` (nothing was written) or `OutcomeUnknown`.
        """
        size = self._checked_size(stream_id, expected, events)
        pending = PendingAppend(stream_id, expected, events, metadata, idempotency, size)
        began = time.perf_counter()
        written, category = self.appender.append(pending), category_of(stream_id)
        try:
            appended = await spanned(
                "eventstore.append", written, category=category, events=len(events)
            )
        except WrongExpectedVersion:
            CONFLICTS.inc()
            raise
        SECONDS.observe(time.perf_counter() - began)
        return appended

    async def save(
        self,
        aggregate: StreamAggregate,
        *,
        metadata: Metadata,
        idempotency: IdempotencyRecord | None = None,
        last: bool = False,
    ) -> Appended:
        """Append the pending events of an aggregate at exactly the version it was loaded at.

        `last`: the caller will not change it any more, so the cache need not copy it.
        """
        pending = aggregate.collect_events()
        expected = aggregate.version - len(pending)
        events = [NewEvent(*stored(event)) for event in pending]
        try:
            appended = await self.append(
                aggregate.id, expected, events, metadata=metadata, idempotency=idempotency
            )
        except WrongExpectedVersion:
            self._aggregates.forget(aggregate.id)
            raise
        self._aggregates.remember(aggregate, own=last)
        await self._aggregates.snapshot_if_due(aggregate, len(events))
        return appended

    @asynccontextmanager
    async def writing(self) -> AsyncIterator["asyncpg.Connection[Any]"]:
        """A connection for one batch of a read model; waits where all are in use.

        Raises `LogWentBack` where models may be ahead of the log.
        """
        self.witness.require()
        async with self._writing.acquire() as connection:
            yield cast("asyncpg.Connection[Any]", connection)

    async def hear(self) -> None:
        """Know of each append of others, until cancelled: as any process that follows the log."""
        async for _ in self.follow(await self.head(), topics=("nothing",)):
            pass

    async def answer_for(self, key: str) -> StoredAnswer | None:
        """What an idempotency key was answered with, if it was used."""
        rows = await patiently(lambda: self.pool.fetch(ANSWER, key))
        return StoredAnswer(*rows[0]) if rows else None

    async def forget_answers(self, older_than_days: int) -> None:
        """Drop idempotency records that no client will ask for any more."""
        await self.pool.execute(FORGET_ANSWERS, older_than_days, timeout=LONG_SECONDS)

    def _checked_size(self, stream_id: str, expected: int, events: Sequence[NewEvent]) -> int:
        if not STREAM_ID.fullmatch(stream_id):
            raise InvalidInput("a stream id is <category>-<id> in letters, digits and _.:-")
        if expected < ANY:
            raise InvalidInput("an expected version is not negative")
        if not 1 <= len(events) <= MAX_EVENTS_PER_APPEND:
            raise InvalidInput(f"an append holds 1 to {MAX_EVENTS_PER_APPEND} events")
        limit = self.settings.event_size_limit_bytes
        size = 0
        for topic, state in events:
            if (length := len(state)) > limit:
                raise EventTooLarge(
                    f"an event of {length} bytes exceeds the limit of {limit}",
                    size_bytes=length,
                    limit_bytes=limit,
                )
            if not 0 < len(topic) <= 255 or "\x00" in topic:
                raise InvalidInput("a topic has 1 to 255 characters")
            size += length
        return size


@asynccontextmanager
async def open_event_store(
    settings: Settings,
    *,
    keeps: Connections | None = None,
    serves: bool = False,
    there_for: str = "work",
) -> AsyncIterator[EventStore]:
    """The store of `settings`, migrated and ready; accepted appends end before it closes.

    `keeps`: what a serving process needs. It is opened at once and kept; raises
    `NotEnoughConnections` where PostgreSQL has no room for it. Others connect when they have to.
    `serves`: callers have their limits over all processes that do. `there_for`: leads are shared
    with processes that are there for the same (`Leads`).
    """
    garbage.collect_seldom(settings.garbage_after)
    PAUSES.watch()
    async with AsyncExitStack() as stack:
        embedded = None
        if settings.database_url is None:
            embedded = EmbeddedPostgres(settings.data_dir, settings.wal_archive)
            dsn = await embedded.start()
            stack.push_async_callback(embedded.stop)
        else:
            dsn = settings.database_url.get_secret_value()
        connector = Connector(dsn, embedded, _secret(settings.pooled_database_url))
        await _begin(connector, keeps)

        process = token_hex(8)
        pool = await connector.reads(
            f"citybrain-reads {process}", settings.pool_size, keeps=keeps is not None
        )
        stack.push_async_callback(close_pool, pool)
        models = await stack.enter_async_context(
            open_read_models(settings, connector, pool, process, keeps)
        )
        leads = Leads(connector.connect, process, there_for, models.end_writers)
        stack.push_async_callback(leads.close)
        role = "citybrain-serves" if serves else "citybrain-listens"
        witness = Witness()
        listener = Listener(lambda: connector.connect(f"{role} {process}"), witness)
        stack.push_async_callback(_cancelled, asyncio.create_task(listener.run()))
        appender = Appender(
            lambda: connector.connect(f"citybrain-append {process}"),
            witness,
            queue_limit=settings.append_queue_limit,
            batch_limit=settings.append_batch_limit,
        )
        if keeps is not None:
            await appender.connect()
            await listener.wait(0)  # for its connection, as a rule
        drained = asyncio.create_task(appender.run())
        stack.push_async_callback(_drained, appender, drained)
        store = EventStore(settings, pool, appender, listener, leads, connector, witness, models)
        pool.away = lambda: store.away
        yield store


async def _begin(connector: Connector, keeps: Connections | None) -> None:
    """Bring the schema up to date; raises `NotEnoughConnections` where there is no room."""
    async with first_connection(connector) as connection:
        await cast("Connection", connection).learn_arrays()
        await migrate(connection)
        if keeps is not None:
            narrowest = require(keeps, await limits(connection))
            log.info("connections", needed=keeps.total, free=narrowest.free, limit=narrowest.most)


def _secret(setting: SecretStr | None) -> str | None:
    return None if setting is None else setting.get_secret_value()


async def _cancelled(task: "asyncio.Task[None]") -> None:
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


async def _drained(appender: Appender, task: "asyncio.Task[None]") -> None:
    appender.close()
    await task

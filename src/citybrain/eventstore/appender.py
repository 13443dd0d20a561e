"""Group commit: many waiting appends, one statement, one durable commit.

Appends wait in a bounded queue; a dispatcher drains it into batches, each one call of the SQL
function `append_events`. Versions are checked there, so a conflict is an answer and never
costs a neighbour. A commit whose outcome a broken connection hides is looked up by command id
after the old backend is known to be gone; it is never retried blindly.
"""

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any

import asyncpg
import structlog

from citybrain.eventstore.lane import CONNECTION_LOST, Lane
from citybrain.eventstore.pending import PendingAppend
from citybrain.eventstore.types import (
    Appended,
    DuplicateKey,
    OutcomeUnknown,
    StoreBusy,
    StoreUnavailable,
    WrongExpectedVersion,
)

log = structlog.get_logger(__name__)

SECOND_LANE_FROM = 96  # events waiting that are worth a second commit in flight
BATCH_BYTES = 8 << 20  # state bytes in one commit, roughly
RECONNECT_SECONDS = 30.0  # how long an append outlives its connection


class Appender:
    """Owns the append connections. Use `run()` as a task and `append()` from any other."""

    def __init__(
        self,
        connect: Callable[[], Awaitable["asyncpg.Connection[Any]"]],
        *,
        queue_limit: int,
        batch_limit: int,
        lanes: int = 2,
    ) -> None:
        self._lanes = [Lane(connect) for _ in range(lanes)]
        self._idle = list(self._lanes)
        self._queue: deque[PendingAppend] = deque()
        self._waiting_events = 0
        self._queue_limit = queue_limit
        self._batch_limit = batch_limit
        self._busy_streams: set[str] = set()
        self._wake = asyncio.Event()
        self._closing = False
        self._head = 0  # highest position this process has seen acknowledged

    @property
    def waiting(self) -> int:
        """Appends queued and not yet in a commit."""
        return len(self._queue)

    async def append(self, pending: PendingAppend) -> Appended:
        """Queue one append and wait until it is durable or refused.

        Cancelling the caller while the append waits withdraws it. Once it is part of a commit it
        runs to its end, whoever listens: the command id or idempotency key tells the outcome.
        """
        if self._closing:
            raise StoreUnavailable("the event store is closing")
        if len(self._queue) >= self._queue_limit:
            raise StoreBusy("too many appends are waiting", waiting=len(self._queue))
        self._queue.append(pending)
        self._waiting_events += len(pending.events)
        self._wake.set()
        return await pending.outcome

    async def run(self) -> None:
        """Drain the queue until `close` and the last commit; owns every commit's task."""
        async with asyncio.TaskGroup() as commits:
            while not (self._closing and not self._queue and len(self._idle) == len(self._lanes)):
                await self._wake.wait()
                self._wake.clear()
                await asyncio.sleep(0)  # whoever is ready in this turn of the loop joins the batch
                while self._worth_a_commit() and (batch := self._take()):
                    lane = self._idle.pop()
                    commits.create_task(self._commit(lane, batch))
        for lane in self._lanes:
            await lane.close()

    def close(self) -> None:
        """Take no more appends; `run` ends once the accepted ones are answered."""
        self._closing = True
        self._wake.set()

    def _worth_a_commit(self) -> bool:
        if not self._queue or not self._idle:
            return False
        return len(self._idle) == len(self._lanes) or self._waiting_events >= SECOND_LANE_FROM

    def _take(self) -> list[PendingAppend]:
        """The next batch, in order of arrival.

        An append stays behind while its stream is in another commit, or where its idempotency
        key or its command on this stream is in the batch already.
        """
        batch: list[PendingAppend] = []
        kept: list[PendingAppend] = []
        blocked = set(self._busy_streams)
        seen: set[object] = set()
        size = 0
        # What waits is shared out over the idle lanes: PostgreSQL commits one batch while we
        # answer the callers of another.
        share = max(SECOND_LANE_FROM, self._waiting_events // len(self._idle))
        while self._queue and share > 0 and len(batch) < self._batch_limit and size < BATCH_BYTES:
            pending = self._queue.popleft()
            self._waiting_events -= len(pending.events)
            if pending.outcome.done():
                continue  # withdrawn by its caller
            identity = (pending.stream_id, pending.command_id)
            key = pending.idempotency.key if pending.idempotency else identity
            if pending.stream_id in blocked or identity in seen or key in seen:
                kept.append(pending)
                self._waiting_events += len(pending.events)
                blocked.add(pending.stream_id)
                continue
            seen.update((identity, key))
            batch.append(pending)
            share -= len(pending.events)
            size += pending.size
        self._queue.extendleft(reversed(kept))
        self._busy_streams.update(pending.stream_id for pending in batch)
        return batch

    async def _commit(self, lane: Lane, batch: list[PendingAppend]) -> None:
        try:
            await self._write(lane, batch)
        except Exception as error:
            log.exception("append_failed", appends=len(batch))
            for pending in batch:
                pending.fail(OutcomeUnknown("the append failed unexpectedly"), error)
        finally:
            self._busy_streams.difference_update(pending.stream_id for pending in batch)
            self._idle.append(lane)
            self._wake.set()

    async def _write(self, lane: Lane, batch: list[PendingAppend]) -> None:
        if not await self._connected(lane, batch):
            return
        sent_after = self._head
        try:
            versions, positions = await lane.append(batch)
        except CONNECTION_LOST as error:
            await self._look_up(lane, batch, sent_after, error)
        except asyncpg.PostgresError as error:
            await self._isolate(lane, batch, error)
        else:
            for pending, version, position in zip(batch, versions, positions, strict=True):
                self._settle(pending, version, position)

    def _settle(self, pending: PendingAppend, version: int, position: int) -> None:
        if position > 0:
            self._head = max(self._head, position)
            pending.succeed(Appended(pending.stream_id, version, position))
        elif position < 0:
            assert pending.idempotency is not None
            pending.fail(DuplicateKey(pending.idempotency.key))
        else:
            pending.fail(WrongExpectedVersion(pending.stream_id, pending.expected, version))

    async def _connected(self, lane: Lane, batch: list[PendingAppend]) -> bool:
        """Connect the lane where needed; on failure the batch is answered: nothing was written."""
        deadline = time.monotonic() + RECONNECT_SECONDS
        delay = 0.05
        while not lane.connected:
            try:
                await lane.connect()
                break
            except CONNECTION_LOST as error:
                if time.monotonic() + delay > deadline:
                    for pending in batch:
                        pending.fail(StoreUnavailable("PostgreSQL cannot be reached"), error)
                    return False
                await asyncio.sleep(delay)
                delay = min(delay * 2, 1.0)
        return True

    async def _look_up(
        self, lane: Lane, batch: list[PendingAppend], sent_after: int, cause: BaseException
    ) -> None:
        """Find out what a broken connection did; write again only what is known not written.

        `sent_after`: the head when the batch was sent, so that its own rows lie behind it.
        """
        log.warning("append_connection_lost", appends=len(batch), error=type(cause).__name__)
        deadline = time.monotonic() + RECONNECT_SECONDS
        delay = 0.05
        while True:
            try:
                await lane.reconnect_after_fence()
                written = await lane.written(batch, after=sent_after)
                break
            except CONNECTION_LOST as error:
                if time.monotonic() + delay > deadline:
                    for pending in batch:
                        pending.fail(
                            OutcomeUnknown("the connection broke while the append was written"),
                            error,
                        )
                    return
                await asyncio.sleep(delay)
                delay = min(delay * 2, 1.0)
        missing = []
        for index, pending in enumerate(batch):
            if index in written:
                self._settle(pending, *written[index])
            elif not pending.outcome.done():
                missing.append(pending)
        if missing:
            await self._write(lane, missing)

    async def _isolate(self, lane: Lane, batch: list[PendingAppend], error: Exception) -> None:
        """The statement failed, so nothing was written: find the member that made it fail."""
        if len(batch) == 1:
            log.error("append_refused_by_database", error=type(error).__name__)
            batch[0].fail(StoreUnavailable("PostgreSQL refused the append"), error)
            return
        middle = len(batch) // 2
        await self._write(lane, batch[:middle])
        await self._write(lane, batch[middle:])

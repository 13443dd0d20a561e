"""Group commit: many waiting appends, one statement, one durable commit.

Appends wait in a bounded queue; a dispatcher drains it into batches, each one call of the SQL
function `append_events`. Versions are checked there, so a conflict is an answer and never
costs a neighbour. A commit whose outcome a broken connection hides is looked up by command id
after the old backend is known to be gone; it is never retried blindly. A lane that cannot connect
is put aside until it can, and holds up nothing that another one can write.
"""

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Any

import asyncpg
import structlog

from citybrain.errors import CitybrainError
from citybrain.eventstore.lane import Lane
from citybrain.eventstore.pending import PendingAppend
from citybrain.eventstore.types import (
    Appended,
    AppendRefused,
    DuplicateKey,
    OutcomeUnknown,
    StoreBusy,
    StoreUnavailable,
    WrongExpectedVersion,
)
from citybrain.eventstore.witness import LogWentBack, Mark, Witness
from citybrain.faults import AGAIN_LATER, CONNECTION_LOST, is_of_what_was_asked

log = structlog.get_logger(__name__)

LANES = 2
SECOND_LANE_FROM = 96  # events waiting that are worth a second commit in flight
BATCH_BYTES = 8 << 20  # state bytes in one commit, roughly
RECONNECT_SECONDS = 30.0  # how long an append outlives its connection
MOST_CULPRITS = 8  # of a batch of which nothing goes through, until it is not their fault
AWAY_AFTER_SECONDS = 3.0  # longer than PostgreSQL takes to start again, as a rule
LANE_RETRY_SECONDS = 1.0  # the longest pause of a lane that cannot connect


class Appender:
    """Owns the append connections. Use `run()` as a task and `append()` from any other."""

    def __init__(
        self,
        connect: Callable[[], Awaitable["asyncpg.Connection[Any]"]],
        witness: Witness,
        *,
        queue_limit: int,
        batch_limit: int,
        lanes: int = LANES,
    ) -> None:
        self._wake = asyncio.Event()
        self._witness = witness
        self._lanes = [Lane(connect, self._wake.set, witness) for _ in range(lanes)]
        self._apart = list(self._lanes)  # those that nobody connects
        self._keeps = False
        self._connecting: dict[Lane, asyncio.Task[None]] = {}
        self._idle: list[Lane] = []  # connected, when they were looked at last
        self._writing: set[Lane] = set()
        self._batches = 0  # taken from the queue and not answered yet
        self._failing: set[Lane] = set()
        self._cut_off_at: float | None = None
        self.cut_off_for_long = False
        """So long that nobody need wait for a lane."""
        self._queue: deque[PendingAppend] = deque()
        self._waiting_events = 0
        self._queue_limit = queue_limit
        self._batch_limit = batch_limit
        self._busy_streams: set[str] = set()
        self._closing = False
        self._head = 0  # highest position this process has seen acknowledged

    @property
    def waiting(self) -> int:
        """Appends queued and not yet in a commit."""
        return len(self._queue)

    @property
    def cut_off(self) -> bool:
        """No append can be written: no lane is connected, and it has been tried."""
        return bool(self._failing) and not self.connected

    @property
    def connected(self) -> bool:
        """Whether a lane is."""
        return any(lane.connected for lane in self._lanes)

    async def connect(self) -> None:
        """Connect all lanes, before `run`, and keep them; raises one of `CONNECTION_LOST`."""
        self._keeps = True
        while self._apart:
            await self._apart[-1].connect()
            self._idle.append(self._apart.pop())

    async def append(self, pending: PendingAppend) -> Appended:
        """Queue one append and wait until it is durable or refused.

        Cancelling the caller while the append waits withdraws it. Once it is part of a commit it
        runs to its end, whoever listens: the command id or idempotency key tells the outcome.
        """
        if self._closing:
            raise StoreUnavailable("the event store is closing")
        self._witness.require()
        if len(self._queue) >= self._queue_limit:
            raise StoreBusy("too many appends are waiting", waiting=len(self._queue))
        self._queue.append(pending)
        self._waiting_events += len(pending.events)
        self._wake.set()
        return await pending.outcome

    async def run(self) -> None:
        """Drain the queue until `close` and the last commit; owns the tasks of both."""
        async with asyncio.TaskGroup() as tasks:
            while not (self._closing and not self._queue and not self._batches):
                await self._wake.wait()
                self._wake.clear()
                await asyncio.sleep(0)  # whoever is ready in this turn of the loop joins the batch
                self._put_lost_ones_apart()
                while self._worth_a_commit() and self._idle and (batch := self._take()):
                    lane = self._idle.pop()
                    self._writing.add(lane)
                    self._batches += 1
                    tasks.create_task(self._commit(lane, batch))
                while self._apart and (self._keeps or self._wants_a_lane()):
                    lane = self._apart.pop()
                    self._connecting[lane] = tasks.create_task(self._connect(lane))
            for connecting in self._connecting.values():
                connecting.cancel()
        for lane in self._lanes:
            await lane.close()

    def close(self) -> None:
        """Take no more appends; `run` ends once the accepted ones are answered."""
        self._closing = True
        self._wake.set()

    def _put_lost_ones_apart(self) -> None:
        lost = [lane for lane in self._idle if not lane.connected]
        self._idle = [lane for lane in self._idle if lane.connected]
        self._apart += lost

    def _worth_a_commit(self) -> bool:
        """Whether somebody waits for whom a lane is wanted."""
        if not self._queue:
            return False
        return not self._writing or self._waiting_events >= SECOND_LANE_FROM

    def _wants_a_lane(self) -> bool:
        return self._worth_a_commit() and not self._idle and not self._connecting

    async def _connect(self, lane: Lane) -> None:
        """Connect a lane, however long that takes; whoever waits too long meanwhile is answered."""
        delay = 0.05
        while True:
            try:
                await lane.connect()
                break
            except LogWentBack as error:
                self._refuse_all(error)
                del self._connecting[lane]
                return
            except Exception as error:
                self._note_failure(lane, error)
                self._answer_those_that_waited(error)
            await asyncio.sleep(delay)
            delay = min(delay * 2, LANE_RETRY_SECONDS)
        self._note_success(lane)
        del self._connecting[lane]
        self._idle.append(lane)
        self._wake.set()

    def _note_failure(self, lane: Lane, error: Exception) -> None:
        if lane not in self._failing:
            log.warning("append_lane_cannot_connect", error=type(error).__name__)
        self._failing.add(lane)
        if not self.connected:
            self._cut_off_at = self._cut_off_at or time.monotonic()
            self.cut_off_for_long = time.monotonic() - self._cut_off_at > AWAY_AFTER_SECONDS

    def _note_success(self, lane: Lane) -> None:
        if lane in self._failing:
            log.warning("append_lane_connected")
        self._failing.discard(lane)
        self._cut_off_at, self.cut_off_for_long = None, False

    def _answer_those_that_waited(self, error: Exception) -> None:
        """Where no lane is connected, an append waits for so long and no longer."""
        if self.connected:
            return
        since = time.monotonic() - RECONNECT_SECONDS
        while self._queue and self._queue[0].since <= since:
            pending = self._queue.popleft()
            self._waiting_events -= len(pending.events)
            pending.fail(StoreUnavailable("PostgreSQL cannot be reached"), error)
        self._wake.set()

    def _refuse_all(self, error: LogWentBack) -> None:
        """Nothing is appended any more."""
        while self._queue:
            self._queue.popleft().fail(error)
        self._waiting_events = 0
        self._wake.set()

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
            identity = (pending.stream_id, pending.command_id.int)
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

    def _put_back(self, batch: list[PendingAppend]) -> None:
        """Nothing of it was written: another lane takes it, before all that came later."""
        waiting = [pending for pending in batch if not pending.outcome.done()]
        self._queue.extendleft(reversed(waiting))
        self._waiting_events += sum(len(pending.events) for pending in waiting)

    async def _commit(self, lane: Lane, batch: list[PendingAppend]) -> None:
        try:
            await self._write(lane, batch)
        except Exception as error:
            log.exception("append_failed", appends=len(batch))
            for pending in batch:
                pending.fail(OutcomeUnknown("the append failed unexpectedly"), error)
        finally:
            self._busy_streams.difference_update(pending.stream_id for pending in batch)
            self._writing.discard(lane)
            self._batches -= 1
            (self._idle if lane.connected else self._apart).append(lane)
            self._wake.set()

    async def _write(
        self, lane: Lane, batch: list[PendingAppend], culprits: "Culprits | None" = None
    ) -> None:
        if not lane.connected:
            self._put_back(batch)
            return
        sent_after = self._head
        try:
            versions, positions = await lane.append(batch)
        except CONNECTION_LOST as error:
            await self._look_up(lane, batch, sent_after, error)
        except AGAIN_LATER as error:
            log.warning("append_put_off", appends=len(batch), error=type(error).__name__)
            for pending in batch:
                pending.fail(StoreUnavailable("PostgreSQL cannot write this now"), error)
        except asyncpg.PostgresError as error:
            await self._isolate(lane, batch, error, culprits or Culprits())
        else:
            if culprits is not None:
                culprits.written += len(batch)
            written = list(zip(batch, versions, positions, strict=True))
            self._saw_newest(written)
            for pending, version, position in written:
                self._settle(pending, version, position)

    def _saw_newest(self, written: Sequence[tuple[PendingAppend, int, int]]) -> None:
        pending, version, position = max(written, key=itemgetter(2))
        if position > self._head:
            self._head = position
            mark = Mark(position, pending.stream_id, version, str(pending.command_id))
            self._witness.saw(mark)

    def _settle(self, pending: PendingAppend, version: int, position: int) -> None:
        if position > 0:
            pending.succeed(Appended(pending.stream_id, version, position))
        elif position < 0:
            assert pending.idempotency is not None
            pending.fail(DuplicateKey(pending.idempotency.key))
        else:
            pending.fail(WrongExpectedVersion(pending.stream_id, pending.expected, version))

    async def _look_up(
        self, lane: Lane, batch: list[PendingAppend], sent_after: int, cause: BaseException
    ) -> None:
        """Find out what a broken connection did; write again only what is known not written.

        `sent_after`: the head when the batch was sent, so that its own rows lie behind it.
        """
        log.warning("append_connection_lost", appends=len(batch), error=type(cause).__name__)
        self._writing.discard(lane)  # meanwhile others write what waits
        self._wake.set()
        deadline = time.monotonic() + RECONNECT_SECONDS
        delay = 0.05
        while True:
            try:
                await lane.reconnect_after_fence()
                written = await lane.written(batch, after=sent_after)
                break
            except LogWentBack as error:
                for pending in batch:
                    pending.fail(OutcomeUnknown("the log went back while this was written"), error)
                return
            except CONNECTION_LOST as error:
                self._note_failure(lane, error)
                if time.monotonic() + delay > deadline:
                    for pending in batch:
                        pending.fail(
                            OutcomeUnknown("the connection broke while the append was written"),
                            error,
                        )
                    return
                await asyncio.sleep(delay)
                delay = min(delay * 2, 1.0)
        self._note_success(lane)
        self._writing.add(lane)
        missing = []
        for index, pending in enumerate(batch):
            if index in written:
                self._saw_newest([(pending, *written[index])])
                self._settle(pending, *written[index])
            elif not pending.outcome.done():
                missing.append(pending)
        if missing:
            await self._write(lane, missing)

    async def _isolate(
        self,
        lane: Lane,
        batch: list[PendingAppend],
        error: asyncpg.PostgresError,
        culprits: "Culprits",
    ) -> None:
        """The statement failed, so nothing was written: find the member that made it fail.

        Where one after the other does, and none goes through, it is not the members: the others are
        not tried.
        """
        if len(batch) == 1:
            culprits.found += 1
            log.error("append_refused_by_database", error=type(error).__name__)
            batch[0].fail(_refusal(error), error)
            return
        middle = len(batch) // 2
        for part in (batch[:middle], batch[middle:]):
            if culprits.found >= MOST_CULPRITS and not culprits.written:
                log.error("appends_refused_by_database", appends=len(part))
                for pending in part:
                    pending.fail(StoreUnavailable("PostgreSQL refuses all appends"), error)
            else:
                await self._write(lane, part, culprits)


@dataclass(slots=True)
class Culprits:
    """Of one batch that failed: members that do by themselves, and those that went through."""

    found: int = 0
    written: int = 0


def _refusal(error: asyncpg.PostgresError) -> CitybrainError:
    """What the caller is told of an append that fails alone."""
    if is_of_what_was_asked(error):
        return AppendRefused(f"PostgreSQL cannot store this ({type(error).__name__})")
    return StoreUnavailable("PostgreSQL refused the append")

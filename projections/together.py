"""One transaction for all read models of a process that have something to take at the same time.

Near the head of the log a batch holds few events, and most of what a model costs is its
transaction. Whoever can is taken along: each model has its own position, which moves from where its
worker left it. Where anything goes wrong nothing has happened, and each goes by itself, as one does
that others feed, that has parked events, that is slow, or whose checkpoint somebody holds.
"""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

import structlog

from citybrain.eventstore import EventStore, RecordedEvent
from projections.worker import ProjectionWorker

log = structlog.get_logger(__name__)

MOST_EVENTS = 500  # of a batch: larger ones are better off side by side
ENOUGH_FOR_TWO = 4  # models: two transactions side by side are done sooner
GATHER_SECONDS = 0.005  # followers hear of a batch in the same moment
SLOW_SECONDS = 0.5
APART_SECONDS = 10.0  # after a fault, or for whom the others had to wait
MOVE = """
WITH free AS (
    SELECT m.* FROM unnest($1::text[], $2::bigint[], $3::bigint[], $4::timestamptz[])
            m(projection, was, reached, at)
    JOIN projection_checkpoints c ON c.projection = m.projection AND c.position = m.was
        AND NOT c.fed
    FOR UPDATE OF c SKIP LOCKED
)
UPDATE projection_checkpoints c
SET position = f.reached, recorded_at = f.at, stopped = NULL, updated_at = clock_timestamp()
FROM free f, set_config('lock_timeout', '500ms', true) l,
     set_config('statement_timeout', '2s', true) s
WHERE c.projection = f.projection
RETURNING c.projection
"""


@dataclass(slots=True, eq=False)
class _Turn:
    """What one model is to take; `taken` says whether it was, in the transaction of all."""

    worker: ProjectionWorker
    events: Sequence[RecordedEvent]
    taken: "asyncio.Future[bool]" = field(
        default_factory=lambda: asyncio.get_running_loop().create_future()
    )


class Together:
    """The transactions of one process; `run` makes them."""

    def __init__(self, store: EventStore) -> None:
        self._store = store
        self._waiting: list[_Turn] = []
        self._bell = asyncio.Event()
        self._apart_until = 0.0
        self._slow: dict[str, float] = {}
        """Models that the others had to wait for, and until when they go by themselves."""

    async def apply(self, worker: ProjectionWorker, events: Sequence[RecordedEvent]) -> int:
        """As `ProjectionWorker.apply`, on a connection of the store."""
        if len(events) <= MOST_EVENTS and self._joins(worker) and worker.is_sound(events):
            turn = _Turn(worker, events)
            self._waiting.append(turn)
            self._bell.set()
            if await turn.taken:
                return 0
        async with self._store.writing() as worker.connection:
            return await worker.apply(events)

    async def run(self) -> None:
        """Make transactions until cancelled."""
        while True:
            await self._bell.wait()
            await asyncio.sleep(GATHER_SECONDS)
            self._bell.clear()
            turns, self._waiting = self._waiting, []
            turns = [turn for turn in turns if not turn.taken.done()]  # a lead may be lost
            parts = [turns[::2], turns[1::2]] if len(turns) >= ENOUGH_FOR_TWO else [turns]
            await asyncio.gather(*map(self._take, parts))

    def _joins(self, worker: ProjectionWorker) -> bool:
        return time.monotonic() > max(self._apart_until, self._slow.get(worker.schema, 0.0))

    async def _take(self, turns: Sequence[_Turn]) -> None:
        """Tell each whether it was taken along; no error leaves this."""
        moved: set[str] = set()
        try:
            if len(turns) > 1:
                moved = await self._moved(turns)
        except Exception as error:
            self._apart_until = time.monotonic() + APART_SECONDS
            log.info("projections_apart", error=type(error).__name__, models=len(turns))
        finally:
            for turn in turns:
                if not turn.taken.done():
                    turn.taken.set_result(turn.worker.schema in moved)

    async def _moved(self, turns: Sequence[_Turn]) -> set[str]:
        """The models that were moved and have their events; raises what any of them raises."""
        models = [turn.worker.schema for turn in turns]
        was = [turn.worker.position for turn in turns]
        last = [turn.events[-1] for turn in turns]
        async with self._store.writing() as connection, connection.transaction():
            rows = await connection.fetch(
                MOVE, models, was, [e.position for e in last], [e.recorded_at for e in last]
            )
            moved = {row["projection"] for row in rows}
            for turn in turns:
                if turn.worker.schema in moved:
                    began = time.monotonic()
                    await turn.worker.apply_within(connection, turn.events)
                    if time.monotonic() > began + SLOW_SECONDS:
                        self._slow[turn.worker.schema] = time.monotonic() + APART_SECONDS
        for turn in turns:
            if turn.worker.schema in moved:
                turn.worker.moved_to(turn.events[-1])
        return moved

"""Applies events to one projection: batch, bisect on failure, park what cannot be applied.

The checkpoint moves in the transaction that changes the model, and only from where this
worker left it: an event counts exactly once, whoever was killed or replaced in between.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import asyncpg
import structlog

from citybrain.errors import CitybrainError
from citybrain.eventstore import RecordedEvent
from citybrain.eventstore.batch import has_topics, of_topics, versioned
from citybrain.eventstore.versions import newer
from citybrain.faults import AGAIN_LATER
from citybrain.kafka.wire import Event
from citybrain.observability import spanned
from projections.ahead import ahead, hold, missing, passed
from projections.checkpoints import IdleCheckpoints
from projections.projection import Projection

log = structlog.get_logger(__name__)

CREATE_CHECKPOINT = """
INSERT INTO projection_checkpoints (projection, version, position) VALUES ($1, $2, 0)
"""
READ_CHECKPOINT = """
SELECT version, position, fed, recorded_at, ARRAY(
    SELECT DISTINCT stream_id FROM parked_events WHERE projection = $1
) AS parked FROM projection_checkpoints WHERE projection = $1
"""
MOVE_CHECKPOINT = """
UPDATE projection_checkpoints
SET position = $3, recorded_at = $5, updated_at = clock_timestamp(), stopped = NULL
WHERE projection = $1 AND position = $2 AND fed = $4
"""
SET = """set_config('search_path', quote_ident($1) || ', public', true),
    set_config('enable_seqscan', 'off', true), set_config('jit', 'off', true)"""
"""A model's tables, found by their indexes: plans are made while they are small, and stay. What was
planned for a few rows compares each of a batch with all of a table when it has grown."""
MOVE_AND_ENTER = f"""
UPDATE projection_checkpoints
SET position = $3, recorded_at = $5, updated_at = clock_timestamp(), stopped = NULL
WHERE projection = $1 AND position = $2 AND fed = $4 RETURNING {SET}
"""  # noqa: S608
ENTER = f"SELECT {SET}"
PARK = """
INSERT INTO parked_events (projection, position, stream_id, topic, error, source)
SELECT $1, * FROM unnest($2::bigint[], $3::text[], $4::text[], $5::text[], $6::text[])
"""
PARKED_STREAMS = "SELECT DISTINCT stream_id FROM parked_events WHERE projection = $1"
BEHIND_A_PARKED_EVENT = "waits behind a parked event of its stream"


class CheckpointMoved(CitybrainError):
    """Somebody moved the checkpoint (a rebuild was swapped in), or feeds now; read it again."""

    code = "checkpoint-moved"


class ProjectionWorker:
    """One projection in one schema, over one connection, which may be another one for each batch.

    `schema` is the projection's name for the live model, another for a shadow. `idle` moves the
    checkpoint where a batch holds nothing for the model; absent, the worker does it alone.
    """

    def __init__(
        self,
        projection: Projection,
        connection: "asyncpg.Connection[Any]",
        schema: str,
        idle: IdleCheckpoints | None = None,
    ) -> None:
        self.projection = projection
        self.schema = schema
        self.connection = connection
        self.position = 0
        self.recorded_at: datetime | None = None
        """When the event at `position` was, where that is known."""
        self.fed = False
        self._idle = idle
        self._topics = projection.topics
        self._parked: set[str] = set()

    async def create(self) -> None:
        """Create the schema and its checkpoint at the beginning of the log."""
        async with self.connection.transaction():
            await self.connection.execute(f'CREATE SCHEMA "{self.schema}"')
            await self.enter()
            await self.connection.execute(self.projection.tables)
            await self.connection.execute(CREATE_CHECKPOINT, self.schema, self.projection.version)

    async def drop(self) -> None:
        """Remove the schema, its checkpoint and what it parked."""
        async with self.connection.transaction():
            await self.connection.execute(f'DROP SCHEMA IF EXISTS "{self.schema}" CASCADE')
            for table in ("projection_checkpoints", "parked_events", "streams_ahead"):
                await self.connection.execute(
                    f"DELETE FROM {table} WHERE projection = $1",  # noqa: S608
                    self.schema,
                )

    async def resume(self) -> int | None:
        """Read the checkpoint; returns the version of the model, None where there is none."""
        row = await self.connection.fetchrow(READ_CHECKPOINT, self.schema)
        if row is None:
            return None
        self.position, self.fed = row["position"], row["fed"]
        self.recorded_at, self._parked = row["recorded_at"], set(row["parked"])
        version: int = row["version"]
        return version

    async def _read_parked(self) -> None:
        rows = await self.connection.fetch(PARKED_STREAMS, self.schema)
        self._parked = {row["stream_id"] for row in rows}

    def concerned(self, events: Sequence[RecordedEvent]) -> bool:
        """Whether the model may change by them; else `pass_by` is enough."""
        return bool(self._parked) or has_topics(events, self._topics)

    def wanted(self, events: Sequence[RecordedEvent]) -> Sequence[RecordedEvent]:
        """Those of the events that the model applies."""
        return of_topics(events, self._topics)

    def is_sound(self, events: Sequence[RecordedEvent]) -> bool:
        """Whether nothing is known that asks for more than to apply them: see `apply_within`."""
        return not (self.fed or self._parked or any(map(newer, self.wanted(versioned(events)))))

    async def apply_within(
        self, connection: "asyncpg.Connection[Any]", events: Sequence[RecordedEvent]
    ) -> None:
        """Apply them in a transaction of others, which has moved the checkpoint past them.

        Raises whatever the model raises; then nothing may be committed. `moved_to` comes after it.
        """
        wanted = self.wanted(events)
        await connection.execute(ENTER, self.schema)
        await self._applied(connection, wanted)

    async def _applied(
        self, connection: "asyncpg.Connection[Any]", wanted: Sequence[RecordedEvent]
    ) -> None:
        applied = self.projection.apply(connection, wanted)
        await spanned("projection.apply", applied, projection=self.schema, events=len(wanted))

    def moved_to(self, last: RecordedEvent) -> None:
        """The checkpoint is at this event now."""
        self.position, self.recorded_at = last.position, last.recorded_at

    async def apply(self, events: Sequence[RecordedEvent]) -> int:
        """Apply consecutive events of the log; returns how many were parked.

        Raises `CheckpointMoved`, or one of `AGAIN_LATER`; in both cases nothing happened. Where it
        comes to an event that is newer than known, all before it is applied, and it raises
        `NewerThanKnown`.
        """
        if not events:
            return 0
        for event in self.wanted(versioned(events)):
            if error := newer(event):
                await self.apply([each for each in events if each.position < event.position])
                raise error
        try:
            return await self._apply_together(events)
        except (CheckpointMoved, *AGAIN_LATER):
            raise
        except Exception as error:
            if len(events) == 1:
                log.exception("event_parked", projection=self.schema, position=events[0].position)
                return await self._park_alone(events[0], describe(error))
            middle = len(events) // 2
            return await self.apply(events[:middle]) + await self.apply(events[middle:])

    async def _apply_together(self, events: Sequence[RecordedEvent]) -> int:
        if self._parked:  # somebody may have retried them
            await self._read_parked()
        wanted = self.wanted(events)
        if not wanted:
            await self.pass_by(events[-1].position, events[-1].recorded_at)
            return 0
        async with self.connection.transaction():
            # First of all: the row lock keeps a swap from renaming the schema under our feet.
            await self._move_and_enter(events[-1])
            if self.fed:
                wanted = await self._still_missing(wanted, events[-1].position)
            behind: Sequence[RecordedEvent] = ()
            if self._parked:
                behind = [event for event in wanted if event.stream_id in self._parked]
                wanted = [event for event in wanted if event.stream_id not in self._parked]
            if behind:
                await park(self.connection, self.schema, behind, BEHIND_A_PARKED_EVENT)
            if wanted:
                await self._applied(self.connection, wanted)
        self.moved_to(events[-1])
        return len(behind)

    async def _still_missing(
        self, wanted: Sequence[RecordedEvent], position: int
    ) -> list[RecordedEvent]:
        """Those that nobody has applied ahead; whoever did may have parked some as well."""
        streams = list({event.stream_id for event in wanted})
        found = missing(wanted, await ahead(self.connection, self.schema, streams))
        await passed(self.connection, self.schema, streams, position)
        await self._read_parked()
        return found

    async def _park_alone(self, event: RecordedEvent, error: str) -> int:
        async with self.connection.transaction():
            await self._move_checkpoint(event.position, event.recorded_at)
            if not self.fed or await self._still_missing([event], event.position):
                await park(self.connection, self.schema, [event], error)
                self._parked.add(event.stream_id)
        self.moved_to(event)
        return 1

    async def pass_by(self, position: int, recorded_at: datetime | None) -> None:
        """There is nothing for it up to a position, which may be where it is; raises as `apply`.

        `recorded_at` is when the event there was.
        """
        if position > self.position:
            await self._pass_by(position, recorded_at)
            self.position, self.recorded_at = position, recorded_at

    async def _pass_by(self, position: int, recorded_at: datetime | None) -> None:
        """Move the checkpoint and nothing else."""
        if self._idle is None:
            await self._move_checkpoint(position, recorded_at)
        elif not await self._idle.move(self.schema, self.position, position, recorded_at):
            raise CheckpointMoved(f"the checkpoint of {self.schema} was moved")

    async def _move_checkpoint(self, position: int, recorded_at: datetime | None) -> None:
        if self.fed:
            await hold(self.connection, self.schema)
        moved = await self.connection.execute(
            MOVE_CHECKPOINT, self.schema, self.position, position, self.fed, recorded_at
        )
        if moved != "UPDATE 1":
            raise CheckpointMoved(f"the checkpoint of {self.schema} was moved")

    async def _move_and_enter(self, last: RecordedEvent) -> None:
        """Both in one statement: most transactions of a quiet city hold little else."""
        if self.fed:
            await hold(self.connection, self.schema)
        entered = await self.connection.fetchval(
            MOVE_AND_ENTER, self.schema, self.position, last.position, self.fed, last.recorded_at
        )
        if entered is None:
            raise CheckpointMoved(f"the checkpoint of {self.schema} was moved")

    async def enter(self) -> None:
        """The schema first in the search path, until the transaction ends."""
        await self.connection.execute(ENTER, self.schema)


async def park(
    connection: "asyncpg.Connection[Any]", model: str, events: Sequence[Event], error: str
) -> None:
    """Set events aside, within the transaction that moves past them."""
    await connection.execute(
        PARK,
        model,
        [event.position for event in events],
        [event.stream_id for event in events],
        [event.topic for event in events],
        [error] * len(events),
        [getattr(event, "source", None) for event in events],
    )


def describe(error: Exception) -> str:
    """An error without the data it happened on: its class, and the field that was missing."""
    detail = f" {error}" if isinstance(error, KeyError) else ""
    return f"{type(error).__name__}{detail}"

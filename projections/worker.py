"""Applies events to one projection: batch, bisect on failure, park what cannot be applied.

The checkpoint moves in the transaction that changes the model, and only from where this
worker left it: an event counts exactly once, whoever was killed or replaced in between.
"""

from collections.abc import Sequence
from typing import Any

import asyncpg
import structlog

from citybrain.errors import CitybrainError
from citybrain.eventstore import RecordedEvent
from citybrain.eventstore.lane import AGAIN_LATER
from citybrain.observability import span
from projections.checkpoints import IdleCheckpoints
from projections.projection import Projection

log = structlog.get_logger(__name__)

CREATE_CHECKPOINT = """
INSERT INTO projection_checkpoints (projection, version, position) VALUES ($1, $2, 0)
"""
READ_CHECKPOINT = "SELECT version, position FROM projection_checkpoints WHERE projection = $1"
MOVE_CHECKPOINT = """
UPDATE projection_checkpoints SET position = $3, updated_at = clock_timestamp()
WHERE projection = $1 AND position = $2
"""
MOVE_AND_ENTER = """
UPDATE projection_checkpoints SET position = $3, updated_at = clock_timestamp()
WHERE projection = $1 AND position = $2
RETURNING set_config('search_path', quote_ident($1) || ', public', true)
"""
PARK = """
INSERT INTO parked_events (projection, position, stream_id, topic, error)
SELECT $1, * FROM unnest($2::bigint[], $3::text[], $4::text[], $5::text[])
"""
PARKED_STREAMS = "SELECT DISTINCT stream_id FROM parked_events WHERE projection = $1"
BEHIND_A_PARKED_EVENT = "waits behind a parked event of its stream"


class CheckpointMoved(CitybrainError):
    """Somebody else moved the checkpoint (a rebuild was swapped in); read it again."""

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
        self._idle = idle
        self._parked: set[str] = set()

    async def create(self) -> None:
        """Create the schema and its checkpoint at the beginning of the log."""
        async with self.connection.transaction():
            await self.connection.execute(f'CREATE SCHEMA "{self.schema}"')
            await self._enter_schema()
            await self.connection.execute(self.projection.tables)
            await self.connection.execute(CREATE_CHECKPOINT, self.schema, self.projection.version)

    async def drop(self) -> None:
        """Remove the schema, its checkpoint and what it parked."""
        async with self.connection.transaction():
            await self.connection.execute(f'DROP SCHEMA IF EXISTS "{self.schema}" CASCADE')
            for table in ("projection_checkpoints", "parked_events"):
                await self.connection.execute(
                    f"DELETE FROM {table} WHERE projection = $1",  # noqa: S608
                    self.schema,
                )

    async def resume(self) -> int | None:
        """Read the checkpoint; returns the version of the model, None where there is none."""
        row = await self.connection.fetchrow(READ_CHECKPOINT, self.schema)
        if row is None:
            return None
        self.position = row["position"]
        await self._read_parked()
        version: int = row["version"]
        return version

    async def _read_parked(self) -> None:
        rows = await self.connection.fetch(PARKED_STREAMS, self.schema)
        self._parked = {row["stream_id"] for row in rows}

    def concerned(self, events: Sequence[RecordedEvent]) -> bool:
        """Whether the model may change by them; else `pass_by` is enough."""
        topics = self.projection.topics
        return bool(self._parked) or topics is None or any(e.topic in topics for e in events)

    async def apply(self, events: Sequence[RecordedEvent]) -> int:
        """Apply consecutive events of the log; returns how many were parked.

        Raises `CheckpointMoved`, or one of `AGAIN_LATER`; in both cases nothing happened.
        """
        if not events:
            return 0
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
        topics = self.projection.topics
        if self._parked:  # somebody may have retried them
            await self._read_parked()
        wanted = [event for event in events if topics is None or event.topic in topics]
        behind = [event for event in wanted if event.stream_id in self._parked]
        if not wanted:
            await self.pass_by(events[-1].position)
            return 0
        async with self.connection.transaction():
            # First of all: the row lock keeps a swap from renaming the schema under our feet.
            await self._move_and_enter(events[-1].position)
            if behind:
                wanted = [event for event in wanted if event.stream_id not in self._parked]
                await self._park(behind, BEHIND_A_PARKED_EVENT)
            if wanted:
                with span("projection.apply", projection=self.schema, events=len(wanted)):
                    await self.projection.apply(self.connection, wanted)
        self.position = events[-1].position
        return len(behind)

    async def _park_alone(self, event: RecordedEvent, error: str) -> int:
        async with self.connection.transaction():
            await self._move_checkpoint(event.position)
            await self._park([event], error)
        self._parked.add(event.stream_id)
        self.position = event.position
        return 1

    async def _park(self, events: Sequence[RecordedEvent], error: str) -> None:
        await self.connection.execute(
            PARK,
            self.schema,
            [event.position for event in events],
            [event.stream_id for event in events],
            [event.topic for event in events],
            [error] * len(events),
        )

    async def pass_by(self, position: int) -> None:
        """There is nothing for it up to a position, which may be where it is; raises as `apply`."""
        if position > self.position:
            await self._pass_by(position)
            self.position = position

    async def _pass_by(self, position: int) -> None:
        """Move the checkpoint and nothing else."""
        if self._idle is None:
            await self._move_checkpoint(position)
        elif not await self._idle.move(self.schema, self.position, position):
            raise CheckpointMoved(f"the checkpoint of {self.schema} was moved")

    async def _move_checkpoint(self, position: int) -> None:
        moved = await self.connection.execute(MOVE_CHECKPOINT, self.schema, self.position, position)
        if moved != "UPDATE 1":
            raise CheckpointMoved(f"the checkpoint of {self.schema} was moved")

    async def _move_and_enter(self, position: int) -> None:
        """Both in one statement: most transactions of a quiet city hold little else."""
        entered = await self.connection.fetchval(
            MOVE_AND_ENTER, self.schema, self.position, position
        )
        if entered is None:
            raise CheckpointMoved(f"the checkpoint of {self.schema} was moved")

    async def _enter_schema(self) -> None:
        await self.connection.execute(
            "SELECT set_config('search_path', quote_ident($1) || ', public', true)", self.schema
        )


def describe(error: Exception) -> str:
    """An error without the data it happened on: its class, and the field that was missing."""
    detail = f" {error}" if isinstance(error, KeyError) else ""
    return f"{type(error).__name__}{detail}"

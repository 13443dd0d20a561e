"""Feeds a read model with events that come from elsewhere, ahead of the log (decision 0031).

Whatever it is given, in whatever order and however often: a stream's events are applied once, in
order. What cannot be applied now is left out: the leader of the model has it from the log.
"""

import asyncio
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias, cast

import asyncpg
import structlog

from citybrain.errors import CitybrainError
from citybrain.eventstore import EventStore, RecordedEvent, StoreUnavailable
from citybrain.eventstore.incarnations import Standing, read_lineage
from citybrain.eventstore.versions import NewerThanKnown, newer
from citybrain.faults import AGAIN_LATER
from citybrain.kafka.wire import ReceivedEvent
from citybrain.observability import spanned
from projections.ahead import StreamMoved, ahead, share, step
from projections.projection import Order, Projection, order_of, wants
from projections.worker import BEHIND_A_PARKED_EVENT, describe, park

log = structlog.get_logger(__name__)

NEAR = 20_000  # positions behind an event within which a model has its holes filled
RETRY_SECONDS = 0.02
TOO_SLOW = (asyncpg.QueryCanceledError, TimeoutError)  # smaller steps may be quick enough

STANDING = """
SELECT version, position, fed, set_config('search_path', quote_ident($1) || ', public', true)
FROM projection_checkpoints WHERE projection = $1
"""
FEED = "UPDATE projection_checkpoints SET fed = true WHERE projection = $1"
PARKED = """
SELECT DISTINCT stream_id FROM parked_events WHERE projection = $1 AND stream_id = ANY($2)
"""

Event: TypeAlias = ReceivedEvent | RecordedEvent
"""An event, wherever it was read: both have the same members."""
Streams = Mapping[str, Sequence[ReceivedEvent]]


class NeedsTheLog(CitybrainError):
    """The projection needs the order of the log; it cannot be fed stream by stream."""

    code = "projection-needs-the-log"


class Feeder:
    """Feeds one projection; raises `NeedsTheLog` where that does not say `Order.STREAM`."""

    def __init__(self, store: EventStore, projection: Projection) -> None:
        if order_of(projection) is not Order.STREAM:
            raise NeedsTheLog(f"{projection.name} needs the order of the log")
        self._store = store
        self._projection = projection
        self.position = 0
        """Where its checkpoint was seen last."""

    async def apply(self, events: Sequence[ReceivedEvent]) -> int:
        """Apply what is new of these events and can be; returns how many were applied or parked.

        Raises `StoreUnavailable` or one of `AGAIN_LATER`, or `NewerThanKnown`: then some of it
        may be done.
        """
        streams: dict[str, list[ReceivedEvent]] = defaultdict(list)
        for event in events:
            if event.position > self.position:
                streams[event.stream_id].append(event)
        concerned = {
            stream: new
            for stream, new in streams.items()
            if any(wants(self._projection, event.topic) for event in new)
        }
        return await self._feed(concerned) if concerned else 0

    async def _feed(self, streams: Streams) -> int:
        try:
            return await self._step(streams)
        except TOO_SLOW:
            if len(streams) == 1:
                raise
        except (StoreUnavailable, NewerThanKnown, *AGAIN_LATER):
            raise
        except Exception as error:
            log.debug("feeding_divided", streams=len(streams), error=type(error).__name__)
        if len(streams) == 1:
            return await self._one_by_one(streams)
        names = list(streams)
        halves = names[: len(names) // 2], names[len(names) // 2 :]
        return sum([await self._feed({name: streams[name] for name in half}) for half in halves])

    async def _one_by_one(self, stream: Streams) -> int:
        """Apply the events of one stream as far as it goes, and park what is left of it."""
        done, reason = 0, None
        while True:
            try:
                more = await self._step(stream, limit=1, reason=reason)
                reason = None
            except (StoreUnavailable, NewerThanKnown, *AGAIN_LATER):
                raise
            except Exception as error:
                if reason is not None:  # it could not even be parked
                    raise
                log.exception("event_parked", projection=self._projection.name)
                more, reason = 0, describe(error)
            done += more
            if not more and reason is None:
                return done

    async def _step(
        self, streams: Streams, *, limit: int | None = None, reason: str | None = None
    ) -> int:
        """Apply in one transaction what is due; with a `reason`, park it instead."""
        while True:
            try:
                async with self._store.writing() as connection, connection.transaction():
                    return await self._step_within(connection, streams, limit, reason)
            except (StreamMoved, asyncpg.TransactionRollbackError):
                await asyncio.sleep(RETRY_SECONDS)

    async def _step_within(
        self,
        connection: "asyncpg.Connection[Any]",
        streams: Streams,
        limit: int | None,
        reason: str | None,
    ) -> int:
        model = self._projection.name
        if not await self._enter(connection):
            return 0
        was, events = await self._due(connection, streams)
        due = events[:limit]
        if not due:
            return 0
        for event in due:
            if error := newer(event):
                raise error
        last = {each.stream_id: (each.version, each.position, each.recorded_at) for each in due}
        await step(connection, model, was, last)
        if reason is not None:
            await park(connection, model, due, reason)
            return len(due)
        parked = {row[0] for row in await connection.fetch(PARKED, model, list(last))}
        behind = [event for event in due if event.stream_id in parked]
        if behind:
            await park(connection, model, behind, BEHIND_A_PARKED_EVENT)
        if wanted := [event for event in due if event.stream_id not in parked]:
            applied = self._projection.apply(connection, cast("list[RecordedEvent]", wanted))
            await spanned("projection.feed", applied, projection=model, events=len(wanted))
        return len(due)

    async def _enter(self, connection: "asyncpg.Connection[Any]") -> bool:
        """Keep the checkpoint where it is; False where there is no such model (yet)."""
        model = self._projection.name
        await share(connection, model)
        row = await connection.fetchrow(STANDING, model)
        if row is None or row["version"] != self._projection.version:
            return False
        if not row["fed"]:  # its leader has to know; the row is ours from here on
            await connection.execute(FEED, model)
            row = await connection.fetchrow(STANDING, model)
            assert row is not None
        self.position = row["position"]
        return True

    async def _due(
        self, connection: "asyncpg.Connection[Any]", streams: Streams
    ) -> tuple[dict[str, int], list[Event]]:
        """The versions of streams, and the events behind them that can be applied, sorted."""
        was = await ahead(connection, self._projection.name, list(streams))
        unknown = [stream for stream in streams if stream not in was]
        was |= await self._store.versions_at(unknown, self.position)
        lineage = await read_lineage(self._store.pool)
        due: list[Event] = []
        holes: dict[str, int] = {}
        for stream, events in streams.items():
            new: dict[int, Event] = {
                event.version: event
                for event in events
                if event.version > was[stream]
                and lineage.standing(event.incarnation, event.position) is Standing.OURS
            }
            wanted = [v for v, event in new.items() if wants(self._projection, event.topic)]
            last = max(wanted, default=was[stream])
            found = [event for version, event in new.items() if version <= last]
            if len(found) == last - was[stream]:
                due += found
            elif max(event.position for event in found) - self.position <= NEAR:
                holes[stream] = last
        due += await self._from_the_log(was, holes)
        wanted_events = [
            event
            for event in due  # up to its checkpoint the model has everything, whatever we read
            if event.position > self.position and wants(self._projection, event.topic)
        ]
        return was, sorted(wanted_events, key=_position)

    async def _from_the_log(
        self, was: Mapping[str, int], until: Mapping[str, int]
    ) -> list[RecordedEvent]:
        """All events of some streams behind what is known, up to a version of each."""
        if not until:
            return []
        found = await self._store.read_behind({stream: was[stream] for stream in until})
        return [event for event in found if event.version <= until[event.stream_id]]


def _position(event: Event) -> int:
    return event.position

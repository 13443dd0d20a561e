"""A store in which nothing is kept: what would become of rows, by the same handlers as for real.

It reads what there is and remembers what was decided here. An import tries each row on it before
its first write, and a dry run is a run on it.
"""

from dataclasses import dataclass, replace
from typing import Any, TypeVar, cast

import orjson

from citybrain.domain.stream import StreamAggregate
from citybrain.eventstore import (
    Appended,
    EventStore,
    IdempotencyRecord,
    Metadata,
    WrongExpectedVersion,
)
from citybrain.eventstore.aggregates import own_copy
from citybrain.eventstore.codec import decode_state, mapper
from commands.services import Services

A = TypeVar("A", bound=StreamAggregate)


@dataclass(frozen=True, slots=True)
class Rehearsed:
    """An event that was decided and not kept, as far as an import looks at events."""

    topic: str
    state: bytes
    metadata: dict[str, Any]

    @property
    def data(self) -> dict[str, Any]:
        """Its fields, as they are read back."""
        return decode_state(self.state)


class Rehearsal:
    """What a `Services` needs of its store while nothing is to be kept."""

    def __init__(self, store: EventStore) -> None:
        self._store = store
        self._states: dict[str, StreamAggregate] = {}
        self._events: dict[str, list[Any]] = {}

    async def load(self, cls: type[A], stream_id: str, *, fresh: bool = False) -> A:
        """The state after what was rehearsed; raises `StreamNotFound`."""
        known = self._states.get(stream_id)
        if known is None:
            version = len(await self._there(stream_id))
            return await self._store.load_as_of(cls, stream_id, version=version)
        assert isinstance(known, cls)
        return own_copy(known)

    async def read(self, stream_id: str, *, limit: int | None = None) -> list[Any]:
        """The events that there were when it was first looked at, and those that were rehearsed."""
        return (await self._there(stream_id))[:limit]

    async def _there(self, stream_id: str) -> list[Any]:
        if stream_id not in self._events:
            self._events[stream_id] = [*await self._store.read(stream_id)]
        return self._events[stream_id]

    async def save(
        self,
        aggregate: StreamAggregate,
        *,
        metadata: Metadata,
        idempotency: IdempotencyRecord | None = None,
        last: bool = False,
    ) -> Appended:
        """Remember the pending events; raises `WrongExpectedVersion` as the store does."""
        pending = aggregate.collect_events()
        events = await self._there(aggregate.id)
        there = len(events)
        expected = aggregate.version - len(pending)
        if expected != there:
            raise WrongExpectedVersion(aggregate.id, expected, there)
        beside = orjson.loads(metadata.to_json())
        for event in pending:
            stored = mapper().to_stored_event(event)
            events.append(Rehearsed(stored.topic, stored.state, beside))
        self._states[aggregate.id] = aggregate if last else own_copy(aggregate)
        return Appended(aggregate.id, aggregate.version, 0)

    async def head(self) -> int:
        """Nothing is appended here."""
        return 0


def rehearsing(services: Services) -> Services:
    """The services over a store in which nothing is kept."""
    return replace(services, store=cast("EventStore", Rehearsal(services.store)))

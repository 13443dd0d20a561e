"""Aggregates by stream id: from the cache, else from a snapshot and the events behind it.

The cache holds states, never truth. A cached state may lag behind what another process
appended: reading it catches up first, and an append decided on a stale one is refused by its
expected version and evicts it. What this process has heard of the log it knows: whoever reacts to
an event never sees a state from before it.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Collection, Iterable, Sequence
from copy import deepcopy
from datetime import datetime
from typing import Any, TypeVar

import asyncpg
import structlog
from eventsourcing.persistence import StoredEvent
from eventsourcing.utils import TopicError

from citybrain.asking import AskingTogether
from citybrain.domain.stream import StreamAggregate, StreamEvent, StreamSnapshot
from citybrain.eventstore.codec import mapper
from citybrain.eventstore.reader import Reader, patiently
from citybrain.eventstore.types import RecordedEvent, StreamNotFound
from citybrain.eventstore.versions import never_heard_of, newer
from citybrain.faults import CONNECTION_LOST

log = structlog.get_logger(__name__)

A = TypeVar("A", bound=StreamAggregate)
PLAIN = frozenset({str, int, float, bool, type(None), datetime})  # nobody changes them

LATEST_SNAPSHOT = """
SELECT originator_version, topic, state FROM stored_snapshots
WHERE originator_id = $1 AND originator_version <= $2 ORDER BY originator_version DESC LIMIT 1
"""
LATEST_SNAPSHOTS = """
SELECT DISTINCT ON (originator_id) originator_id, originator_version, topic, state
FROM stored_snapshots WHERE originator_id = ANY($1)
ORDER BY originator_id, originator_version DESC
"""
SAVE_SNAPSHOT = """
INSERT INTO stored_snapshots (originator_id, originator_version, topic, state)
VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING
"""
ANY_VERSION = (1 << 63) - 1
TOGETHER = 50  # streams that are loaded with one question


class Aggregates:
    """Loads aggregates. What it hands out is the caller's own copy."""

    def __init__(
        self, pool: "asyncpg.Pool[Any]", reader: Reader, *, cache_size: int, snapshot_every: int
    ) -> None:
        self._pool = pool
        self._reader = reader
        self._later = AskingTogether(self._read_later)
        self._cache: OrderedDict[str, StreamAggregate] = OrderedDict()
        self._behind: dict[str, int] = {}
        """Of which cached streams there are later events; at which version, or one of them."""
        self._cache_size = cache_size
        self._snapshot_every = snapshot_every

    async def load(self, cls: type[A], stream_id: str, *, fresh: bool = True) -> A:
        """The current state; raises `StreamNotFound`.

        `fresh=False` takes a cached state as it is: right for a decision whose append checks
        the version anyway, wrong for showing it to somebody.
        """
        cached, behind = self._cache.get(stream_id), self._behind.get(stream_id)
        if cached is not None and behind is None and not fresh:
            self._cache.move_to_end(stream_id)
            return own_copy(_of_class(cached, cls))
        base = cached or await self._from_snapshot(stream_id, ANY_VERSION)
        after = (stream_id, base.version if base is not None else 0)
        later = await self._later.ask([after])
        aggregate = _caught_up(cls, stream_id, base, later.get(after, ()))
        if self._behind.get(stream_id) == behind:
            self._behind.pop(stream_id, None)
        self.remember(aggregate)  # a copy of it: this one is the caller's
        return aggregate

    async def load_all(self, cls: type[A], stream_ids: Sequence[str]) -> list[A]:
        """The current states of many, some together; those that do not exist are left out."""
        found: list[A] = []
        for first in range(0, len(stream_ids), TOGETHER):
            part = stream_ids[first : first + TOGETHER]
            states = {each: self._cache[each] for each in part if each in self._cache}
            states |= await self._from_snapshots([each for each in part if each not in states])
            states = {stream_id: own_copy(each) for stream_id, each in states.items()}
            after = {each: states[each].version if each in states else 0 for each in part}
            for event in await self._reader.read_behind(after):
                base = states.get(event.stream_id)
                state: Any = to_domain_event(event).mutate(base)
                states[event.stream_id] = state
            loaded = [_of_class(states[each], cls) for each in part if each in states]
            for each in loaded:
                self.remember(each)
            found += loaded
            await asyncio.sleep(0)  # others go on between
        return found

    async def load_as_of(
        self,
        cls: type[A],
        stream_id: str,
        *,
        version: int | None = None,
        position: int | None = None,
        time: datetime | None = None,
    ) -> A:
        """The state at a version, a log position or a time of recording; `StreamNotFound`."""
        base = await self._from_snapshot(stream_id, version) if version else None
        events = await self._reader.read(
            stream_id,
            after_version=base.version if base is not None else 0,
            up_to_version=version,
            up_to_position=position,
            up_to_time=time,
        )
        return _caught_up(cls, stream_id, base, events)

    def remember(self, aggregate: StreamAggregate, *, own: bool = False) -> None:
        """Keep the state of `aggregate`, unless a newer one is known; itself where it is ours."""
        stream_id, version = aggregate.id, aggregate.version
        known = self._cache.get(stream_id)
        if known is None or known.version < version:
            self._cache[stream_id] = aggregate if own else own_copy(aggregate)
        self._cache.move_to_end(stream_id)
        if version >= self._behind.get(stream_id, 0):
            self._behind.pop(stream_id, None)
        while len(self._cache) > self._cache_size:
            gone, _ = self._cache.popitem(last=False)
            self._behind.pop(gone, None)

    def forget(self, stream_id: str) -> None:
        """Drop a cached state that proved stale."""
        self._cache.pop(stream_id, None)
        self._behind.pop(stream_id, None)

    def heard(self, events: Sequence[RecordedEvent]) -> None:
        """These are in the log: states from before them are not to be taken as they are."""
        for event in events:
            cached = self._cache.get(event.stream_id)
            if cached is not None and cached.version < event.version:
                self._behind[event.stream_id] = event.version

    def forget_all(self) -> None:
        """Drop what is cached: some of it may never have been."""
        self._cache.clear()
        self._behind.clear()

    def missed(self) -> None:
        """More is in the log than was heard: no state is to be taken as it is."""
        self._behind = {each.id: each.version + 1 for each in self._cache.values()}

    async def snapshot_if_due(self, aggregate: StreamAggregate, events: int) -> None:
        """Write a snapshot when the last `events` crossed a multiple of the interval."""
        every, version = self._snapshot_every, aggregate.version
        if version // every == (version - events) // every:
            return
        stored = mapper().to_stored_event(StreamSnapshot.take(aggregate))
        try:
            await self._pool.execute(
                SAVE_SNAPSHOT, aggregate.id, version, stored.topic, stored.state
            )
        except (asyncpg.PostgresError, *CONNECTION_LOST) as error:
            log.warning("snapshot_not_saved", error=type(error).__name__)  # an optimisation only

    async def _from_snapshot(self, stream_id: str, at_most: int) -> StreamAggregate | None:
        rows = await patiently(lambda: self._pool.fetch(LATEST_SNAPSHOT, stream_id, at_most))
        if not rows:
            return None
        version, topic, state = rows[0]
        snapshot: Any = mapper().to_domain_event(StoredEvent(stream_id, version, topic, state))
        aggregate: StreamAggregate = snapshot.mutate(None)
        return aggregate

    async def _from_snapshots(self, stream_ids: Sequence[str]) -> dict[str, StreamAggregate]:
        found: dict[str, StreamAggregate] = {}
        rows = await patiently(lambda: self._pool.fetch(LATEST_SNAPSHOTS, stream_ids))
        for stream_id, version, topic, state in rows:
            stored = StoredEvent(stream_id, version, topic, state)
            snapshot: Any = mapper().to_domain_event(stored)
            found[stream_id] = snapshot.mutate(None)
        return found

    async def _read_later(
        self, after: Collection[tuple[str, int]]
    ) -> dict[tuple[str, int], list[RecordedEvent]]:
        """The events of some streams behind a version of each, where there are any."""
        lowest: dict[str, int] = {}
        for stream_id, version in after:
            lowest[stream_id] = min(version, lowest.get(stream_id, version))
        found: dict[str, list[RecordedEvent]] = {}
        for event in await self._reader.read_behind(lowest):
            found.setdefault(event.stream_id, []).append(event)
        return {each: found[each[0]] for each in after if each[0] in found}


def to_domain_event(event: RecordedEvent) -> StreamEvent:
    """The typed event of a recorded one, upcast to the current class version.

    Raises `NewerThanKnown` for one of a later release: its meaning cannot be guessed.
    """
    if error := newer(event):
        raise error
    stored = StoredEvent(event.stream_id, event.version, event.topic, event.state)
    try:
        domain_event: Any = mapper().to_domain_event(stored)
    except TopicError as error:
        raise never_heard_of(event) from error
    assert isinstance(domain_event, StreamEvent)
    return domain_event


def _caught_up(
    cls: type[A], stream_id: str, base: StreamAggregate | None, later: Iterable[RecordedEvent]
) -> A:
    """A copy of `base` with the events that are later than it."""
    aggregate: Any = own_copy(base) if base is not None else None
    for event in later:
        if aggregate is None or aggregate.version < event.version:
            aggregate = to_domain_event(event).mutate(aggregate)
    if aggregate is None:
        raise StreamNotFound(f"there is no stream {stream_id}", stream_id=stream_id)
    return _of_class(aggregate, cls)


def _of_class(aggregate: StreamAggregate, cls: type[A]) -> A:
    if not isinstance(aggregate, cls):
        raise StreamNotFound(f"{aggregate.id} is not a {cls.category} stream")
    return aggregate


def own_copy(aggregate: A) -> A:
    """A copy that shares nothing mutable; pending events are not taken along."""
    copy = object.__new__(type(aggregate))
    state = copy.__dict__
    state.update(vars(aggregate), _pending_events=[])
    for name, value in state.items():
        if type(value) not in PLAIN:
            state[name] = _copied(value)
    return copy


def _copied(value: Any) -> Any:
    """What `deepcopy` makes of a state's plain values, in a fraction of the time."""
    if type(value) in PLAIN:
        return value
    if type(value) is dict:
        if PLAIN.issuperset(map(type, value.values())):
            return value.copy()
        return {key: _copied(each) for key, each in value.items()}
    if type(value) is list:
        if PLAIN.issuperset(map(type, value)):
            return value.copy()
        return [_copied(each) for each in value]
    return deepcopy(value)

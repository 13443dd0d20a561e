"""A synchronous face of the event store, so that the stock contract suites can run over it."""

import asyncio
import threading
from collections.abc import Coroutine, Sequence
from typing import Any, TypeVar
from uuid import UUID, uuid4

from eventsourcing.persistence import (
    ApplicationRecorder,
    IntegrityError,
    Notification,
    StoredEvent,
    Subscription,
)

from citybrain.eventstore import (
    EventStore,
    Metadata,
    NewEvent,
    RecordedEvent,
    WrongExpectedVersion,
    open_event_store,
)
from citybrain.settings import Settings

T = TypeVar("T")


class StoreThread:
    """An event loop in a thread with an open store in it."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._end = asyncio.Event()
        self.store: EventStore
        self._thread = threading.Thread(target=self._loop.run_until_complete, args=(self._main(),))
        self._thread.start()
        self._ready.wait()

    async def _main(self) -> None:
        async with open_event_store(self._settings) as self.store:
            self._ready.set()
            await self._end.wait()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine in the store's loop and wait for its result."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    def close(self) -> None:
        """Close the store and end the thread."""
        self._loop.call_soon_threadsafe(self._end.set)
        self._thread.join()
        self._loop.close()


class SynchronousRecorder(ApplicationRecorder):
    """The stock recorder interface. Streams that a suite starts at version 0 are kept from 1."""

    def __init__(self, thread: StoreThread, *, returns_ids: bool) -> None:
        self._thread = thread
        self._returns_ids = returns_ids
        self._from_zero: set[str] = set()

    def insert_events(
        self, stored_events: Sequence[StoredEvent], **kwargs: Any
    ) -> Sequence[int] | None:
        ids: list[int] = []
        for stream_id in dict.fromkeys(str(event.originator_id) for event in stored_events):
            events = [event for event in stored_events if event.originator_id == stream_id]
            ids += self._insert(stream_id, events)
        return ids if ids and self._returns_ids else None

    def _insert(self, stream_id: str, events: list[StoredEvent]) -> list[int]:
        versions = [event.originator_version for event in events]
        if versions != list(range(versions[0], versions[0] + len(versions))):
            raise IntegrityError("versions of one write are contiguous")
        if versions[0] == 0:
            self._from_zero.add(stream_id)
        expected = versions[0] - 1 + (stream_id in self._from_zero)
        metadata = Metadata("contract", "system", "test", uuid4(), uuid4())
        new = [NewEvent(event.topic, event.state) for event in events]
        try:
            appended = self._thread.run(
                self._thread.store.append(stream_id, expected, new, metadata=metadata)
            )
        except WrongExpectedVersion as error:
            raise IntegrityError(str(error)) from error
        return list(range(appended.position - len(new) + 1, appended.position + 1))

    def select_events(
        self,
        originator_id: UUID | str,
        *,
        gt: int | None = None,
        lte: int | None = None,
        desc: bool = False,
        limit: int | None = None,
    ) -> Sequence[StoredEvent]:
        shift = str(originator_id) in self._from_zero
        events = self._thread.run(
            self._thread.store.read(
                str(originator_id),
                after_version=(gt or 0) + shift if gt is not None else 0,
                up_to_version=None if lte is None else lte + shift,
            )
        )
        stored = [
            StoredEvent(event.stream_id, event.version - shift, event.topic, event.state)
            for event in events
        ]
        return (stored[::-1] if desc else stored)[:limit]

    def select_notifications(
        self,
        start: int | None,
        limit: int,
        stop: int | None = None,
        topics: Sequence[str] = (),
        *,
        inclusive_of_start: bool = True,
    ) -> Sequence[Notification]:
        after = (start or 0) - (1 if start is not None and inclusive_of_start else 0)
        events = self._thread.run(
            self._thread.store.read_all(after, topics=topics, limit=limit, up_to=stop)
        )
        return [notification(event) for event in events]

    def max_notification_id(self) -> int | None:
        return self._thread.run(self._thread.store.head()) or None

    def subscribe(self, gt: int | None = None, topics: Sequence[str] = ()) -> "FollowSubscription":
        return FollowSubscription(self, self._thread, gt, topics)


class FollowSubscription(Subscription[SynchronousRecorder]):
    """A stock subscription over `EventStore.follow`."""

    def __init__(
        self,
        recorder: SynchronousRecorder,
        thread: StoreThread,
        gt: int | None,
        topics: Sequence[str],
    ) -> None:
        super().__init__(recorder, gt, topics)
        self._thread = thread
        self._batches = thread.store.follow(gt or 0, topics=topics)
        self._buffer: list[RecordedEvent] = []

    def __next__(self) -> Notification:
        if self._has_been_stopped:
            raise StopIteration
        if not self._buffer:
            self._buffer = list(self._thread.run(self._next_batch()))
        return notification(self._buffer.pop(0))

    async def _next_batch(self) -> list[RecordedEvent]:
        return await anext(self._batches)


def notification(event: RecordedEvent) -> Notification:
    """The stock notification of a recorded event."""
    return Notification(event.stream_id, event.version, event.topic, event.state, id=event.position)

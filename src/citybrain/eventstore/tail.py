"""The newest events of the log, read and decoded once for all of a process who follow it.

Two dozen read models and process managers wake at every append. Each of them reading the log for
itself would be most of what the database and the event loop do.
"""

import asyncio
from bisect import bisect_right
from collections.abc import Awaitable, Callable
from contextlib import suppress

from citybrain.eventstore.batch import Batch
from citybrain.eventstore.types import RecordedEvent, keep_together
from citybrain.eventstore.witness import Witness, mark_of

PAGE = 500  # new events at once; where there are more, nobody is near the head
KEPT = 2_000  # events, for those who are a moment behind


class Tail:
    """Events from some position up to where the log was last read, in position order.

    `read` gives the decoded rows behind a position, at most so many; `head` the last position;
    `notices` how often the log has been said to grow. `heard` is told of what is new, `missed` that
    there is more than that. Each read begins with the event that was read last: where that is not
    there any more the log went back, and `refresh` raises `LogWentBack` from then on.
    """

    def __init__(
        self,
        read: Callable[[int, int], Awaitable[list[RecordedEvent]]],
        head: Callable[[], Awaitable[int]],
        notices: Callable[[], int],
        heard: Callable[[list[RecordedEvent]], None],
        missed: Callable[[], None],
        witness: Witness,
    ) -> None:
        self._witness = witness
        self._read = read
        self._head = head
        self._notices = notices
        self._heard, self._missed = heard, missed
        self._events: list[RecordedEvent] = []
        self._batches: dict[int, Batch] = {}
        """What `behind` has answered since the last event came."""
        self._begin = self.end = -1  # everything in (begin, end] is among the events
        self._last: RecordedEvent | None = None
        """The event at `end`, once it was read."""
        self._as_of = -1
        self._reading: asyncio.Task[None] | None = None

    async def refresh(self, notices: int | None) -> None:
        """Read what is new, unless it was read when there were `notices` already.

        None asks for a read in any case. Raises what `read` raises.
        """
        while notices is None or self._as_of < notices:
            self._witness.require()
            if self._reading is None:
                self._reading = asyncio.create_task(self._read_on())
                self._reading.add_done_callback(_asked_for)
            await asyncio.shield(self._reading)
            if notices is None:
                return

    def behind(self, after: int) -> Batch | None:
        """The events behind a position; None where they do not reach back that far."""
        if not 0 <= self._begin <= after:
            return None
        batch = self._batches.get(after)
        if batch is None:
            batch = Batch(self._events[bisect_right(self._events, after, key=_position) :])
            self._batches[after] = batch
        return batch

    async def _read_on(self) -> None:
        try:
            as_of = self._notices()
            if self.end < 0:
                self._begin = self.end = await self._head()
                self._missed()
            new = await self._read_behind_last()
            if len(new) < PAGE:
                self._keep(new)
            else:
                end = await self._head()
                self._events.clear()
                self._batches.clear()
                self._begin = self.end = end
                self._last = None
                self._missed()
            self._as_of = as_of
        finally:
            self._reading = None

    async def _read_behind_last(self) -> list[RecordedEvent]:
        if self.end == 0:
            return await self._read(0, PAGE)
        rows = await self._read(self.end - 1, PAGE + 1)
        if not rows or not self._is_last(rows[0]):
            raise self._witness.went_back(self.end, await self._head())
        if self._last is None:
            self._saw(rows[0])
        return rows[1:]

    def _is_last(self, event: RecordedEvent) -> bool:
        last = self._last
        if last is None:
            return event.position == self.end
        return last.state == event.state and (
            (last.position, last.stream_id, last.version, last.recorded_at)
            == (event.position, event.stream_id, event.version, event.recorded_at)
        )

    def _saw(self, event: RecordedEvent) -> None:
        self._last = event
        self._witness.saw(mark_of(event))

    def _keep(self, new: list[RecordedEvent]) -> None:
        keep_together(new)
        self._heard(new)
        self._events += new
        self._batches.clear()
        if new:
            self._saw(new[-1])
            self.end = new[-1].position
        if len(self._events) > KEPT:
            gone = len(self._events) - KEPT // 2
            self._begin = self._events[gone - 1].position
            del self._events[:gone]


def _asked_for(task: "asyncio.Task[None]") -> None:
    """Its error is for those who wait for it; where nobody does any more, for nobody."""
    with suppress(asyncio.CancelledError):
        task.exception()


def _position(event: RecordedEvent) -> int:
    return event.position

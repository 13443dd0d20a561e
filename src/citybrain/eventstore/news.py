"""Wakes those who follow some events of the log when there are such events, and only then.

Dozens of process managers follow a log of which each batch concerns few. One task looks for all of
them whenever the log grows; nobody else is woken.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from itertools import groupby

from citybrain.domain.stream import category_of
from citybrain.eventstore.batch import Batch
from citybrain.eventstore.listener import Listener
from citybrain.eventstore.tail import Tail
from citybrain.eventstore.types import RecordedEvent

Passed = Callable[[int], None]
"""Told a position: whoever follows is done with everything up to there."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which events somebody follows; all of them where a set is empty."""

    categories: frozenset[str]
    topics: frozenset[str]

    @property
    def everything(self) -> bool:
        """Whether that is all of them."""
        return not self.topics and not self.categories

    def has(self, event: RecordedEvent) -> bool:
        """Whether this is one of them."""
        return (not self.topics or event.topic in self.topics) and (
            not self.categories or category_of(event.stream_id) in self.categories
        )

    def among(self, batch: Batch) -> bool:
        """Whether one of these is."""
        if self.topics and batch.topics.isdisjoint(self.topics):
            return False
        return any(map(self.has, batch))


@dataclass(slots=True, eq=False)
class _Waiting:
    """Somebody who has seen the log up to `after`."""

    wanted: Wanted
    after: int
    woken: "asyncio.Future[None]"
    passed: Passed


class News:
    """Those who wait; one task looks for all of them, as long as there are any."""

    def __init__(self, tail: Tail, listener: Listener) -> None:
        self._tail = tail
        self._listener = listener
        self._waiting: set[_Waiting] = set()
        self._looking: asyncio.Task[None] | None = None

    async def behind(self, after: int, wanted: Wanted, passed: Passed = lambda _: None) -> int:
        """Wait until something behind `after` may be wanted; the position to look on from.

        The tail has been read by then; `passed` is told up to where nothing was wanted. Raises what
        reading the tail raises.
        """
        if self._tail.end > after:
            return after
        waiting = _Waiting(wanted, after, asyncio.get_running_loop().create_future(), passed)
        self._waiting.add(waiting)
        if self._looking is None:
            self._looking = asyncio.create_task(self._look())
        try:
            await waiting.woken
        finally:
            self._waiting.discard(waiting)
        return waiting.after

    async def _look(self) -> None:
        seen = None
        try:
            while self._waiting:
                notices = self._listener.notices
                await self._tail.refresh(None if notices == seen else notices)
                self._tell()
                seen = notices
                await self._listener.wait(notices)
        except Exception as error:
            for waiting in self._waiting:
                if not waiting.woken.done():
                    waiting.woken.set_exception(error)
        finally:
            self._looking = None

    def _tell(self) -> None:
        """Wake whom the new events concern; the others have seen the log as far as it goes."""
        by_position = sorted(self._waiting, key=_after)
        for after, group in groupby(by_position, key=_after):
            new = self._tail.behind(after)
            for waiting in group:
                if new is None or waiting.wanted.among(new):
                    if not waiting.woken.done():
                        waiting.woken.set_result(None)
                else:
                    waiting.after = max(after, self._tail.end)
                    waiting.passed(waiting.after)


def _after(waiting: _Waiting) -> int:
    return waiting.after

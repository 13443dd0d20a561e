"""Pages of the log behind its tail, read and decoded once for all of a process who come by.

Read models that catch up from the same place would each read and decode the whole log, which is
more than most of them do with it. Pages begin at multiples of their size: whoever began elsewhere
has the pages of the others from the second one on.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from contextlib import suppress

from citybrain.eventstore.batch import Batch
from citybrain.eventstore.types import RecordedEvent, keep_together

KEPT = 4  # pages; whoever is further behind than that reads for itself, and joins where it ends


class Pages:
    """The pages that were read last, and those being read; `read` gives the rows in (after, end].

    They are let go when nobody is behind any more.
    """

    def __init__(self, read: Callable[[int, int], Awaitable[list[RecordedEvent]]]) -> None:
        self._read = read
        self._pages: OrderedDict[tuple[int, int], asyncio.Task[Batch]] = OrderedDict()
        self._readers = 0

    def __enter__(self) -> "Pages":
        self._readers += 1
        return self

    def __exit__(self, *_: object) -> None:
        self._readers -= 1
        if not self._readers:
            self._pages.clear()

    async def page(self, after: int, end: int, size: int) -> tuple[Batch, int]:
        """The events up to the next multiple of `size`, at most to `end`; and up to where that is.

        Raises what `read` raises, which whoever asks next tries again.
        """
        end = min(after - after % size + size, end)
        reading = self._pages.get((after, end))
        if reading is None:
            reading = asyncio.create_task(self._of(after, end))
            reading.add_done_callback(_asked_for)
            self._pages[after, end] = reading
            if len(self._pages) > KEPT:
                self._pages.popitem(last=False)
        try:
            return await asyncio.shield(reading), end
        except BaseException:
            if reading.done() and self._pages.get((after, end)) is reading:
                del self._pages[after, end]
            raise

    async def _of(self, after: int, end: int) -> Batch:
        page = Batch(await self._read(after, end))
        keep_together(page)
        return page


def _asked_for(task: "asyncio.Task[Batch]") -> None:
    """Its error is for those who wait for it; where nobody does any more, for nobody."""
    with suppress(asyncio.CancelledError):
        task.exception()

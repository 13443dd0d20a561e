"""Pages of the log behind its tail, read and decoded once for all of a process who come by.

Read models that catch up from the same place would each read and decode the whole log, which is
more than most of them do with it. Pages begin at multiples of their size: whoever began elsewhere
has the pages of the others from the second one on.

Whoever is faster waits a moment where the last of those who come by is a few pages behind, so that
they stay together. Nobody is held up for long: a slow one is left behind, and goes by itself.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress

from citybrain.eventstore.batch import Batch
from citybrain.eventstore.types import RecordedEvent, keep_together

TOGETHER = 4  # pages, from the first of those who go together to the last
KEPT = 2 * TOGETHER  # pages; whoever is further behind reads for itself, and joins where it ends
HELD_SECONDS = 0.5  # by others, a page


class PageReader:
    """Somebody who reads page after page."""

    __slots__ = ("_pages", "at", "gone_on", "size")

    def __init__(self, pages: "Pages") -> None:
        self._pages = pages
        self.at, self.size = -1, 0
        """Behind which position the page begins that was asked for last; and pages' size."""
        self.gone_on = asyncio.Event()
        """Set when the next one is asked for, or none any more."""

    async def page(self, after: int, end: int, size: int) -> tuple[Batch, int]:
        """The events up to the next multiple of `size`, at most to `end`; and up to where that is.

        Raises what `read` raises, which whoever asks next tries again.
        """
        self.at, self.size = after, size
        self.gone_on.set()
        self.gone_on = asyncio.Event()
        return await self._pages.page(after, min(after - after % size + size, end), size)


class Pages:
    """The pages that were read last, and those being read; `read` gives the rows in (after, end].

    They are let go when nobody is behind any more.
    """

    def __init__(self, read: Callable[[int, int], Awaitable[list[RecordedEvent]]]) -> None:
        self._read = read
        self._pages: OrderedDict[tuple[int, int], asyncio.Task[Batch]] = OrderedDict()
        self._readers: set[PageReader] = set()

    @contextmanager
    def reader(self) -> Iterator[PageReader]:
        """Somebody who is behind, while the block runs."""
        reader = PageReader(self)
        self._readers.add(reader)
        try:
            yield reader
        finally:
            self._readers.discard(reader)
            reader.gone_on.set()
            if not self._readers:
                self._pages.clear()

    async def page(self, after: int, end: int, size: int) -> tuple[Batch, int]:
        """The events in (after, end], and `end`."""
        if (after, end) not in self._pages:
            await self._wait_for_others(after, size)
        reading = self._pages.get((after, end))
        if reading is None:
            reading = asyncio.create_task(self._of(after, end))
            reading.add_done_callback(_asked_for)
            self._pages[after, end] = reading
            if len(self._pages) > KEPT:
                self._let_one_go(size)
        try:
            return await asyncio.shield(reading), end
        except BaseException:
            if reading.done() and self._pages.get((after, end)) is reading:
                del self._pages[after, end]
            raise

    async def _wait_for_others(self, after: int, size: int) -> None:
        """Until nobody is as far behind as pages are kept together, or for `HELD_SECONDS`."""
        with suppress(TimeoutError):
            async with asyncio.timeout(HELD_SECONDS):
                while (last := self._last(after, size)) is not None:
                    await last.gone_on.wait()

    def _last(self, after: int, size: int) -> PageReader | None:
        """Somebody who would be too far behind; those who are further behind go by themselves."""
        for each in self._readers:
            if each.size == size and TOGETHER <= (after - each.at) / size < TOGETHER + 1:
                return each
        return None

    def _let_one_go(self, size: int) -> None:
        """The oldest page for which nobody comes soon, or else the oldest."""
        ahead = TOGETHER * size
        readers = [each.at for each in self._readers if each.size == size]
        pages = list(self._pages)[:-1]
        unwanted = (page for page in pages if not any(0 <= page[0] - at < ahead for at in readers))
        del self._pages[next(unwanted, pages[0])]

    async def _of(self, after: int, end: int) -> Batch:
        page = Batch(await self._read(after, end))
        keep_together(page)
        return page


def _asked_for(task: "asyncio.Task[Batch]") -> None:
    """Its error is for those who wait for it; where nobody does any more, for nobody."""
    with suppress(asyncio.CancelledError):
        task.exception()

"""Pages of the log are read once for all who come by, and forgotten when nobody does any more."""

import asyncio

import pytest

from citybrain.eventstore.batch import Batch
from citybrain.eventstore.pages import KEPT, Pages

SIZE = 10


class Log:
    """Counts what is read of it."""

    def __init__(self) -> None:
        self.read: list[tuple[int, int]] = []
        self.away = False

    async def rows(self, after: int, end: int) -> Batch:
        self.read.append((after, end))
        await asyncio.sleep(0)
        if self.away:
            raise OSError("away")
        return Batch()


async def test_whoever_began_elsewhere_shares_from_the_second_page_on() -> None:
    log = Log()
    pages = Pages(log.rows)

    async def reader(after: int) -> None:
        with pages:
            while after < 35:
                _, after = await pages.page(after, 35, SIZE)

    await asyncio.gather(reader(0), reader(0), reader(7), reader(20))
    assert sorted(log.read) == [(0, 10), (7, 10), (10, 20), (20, 30), (30, 35)]
    await reader(30)
    assert log.read[5:] == [(30, 35)], "nobody was behind any more"


async def test_a_bounded_number_is_kept() -> None:
    log = Log()
    pages = Pages(log.rows)
    with pages:
        for after in range(0, (KEPT + 1) * SIZE, SIZE):
            await pages.page(after, 1000, SIZE)
        await pages.page(SIZE, 1000, SIZE)
        await pages.page(0, 1000, SIZE)
    assert [after for after, _ in log.read] == [*range(0, (KEPT + 1) * SIZE, SIZE), 0]


async def test_a_read_that_failed_is_tried_again_and_one_who_leaves_takes_nothing_along() -> None:
    log = Log()
    pages = Pages(log.rows)
    with pages:
        log.away = True
        with pytest.raises(OSError, match="away"):
            await pages.page(0, SIZE, SIZE)
        log.away = False
        first, second = (asyncio.ensure_future(pages.page(0, SIZE, SIZE)) for _ in "ab")
        await asyncio.sleep(0)
        first.cancel()
        assert await second == ([], SIZE)
    assert log.read == [(0, SIZE)] * 2

"""Pages of the log are read once for all who come by, and forgotten when nobody does any more."""

import asyncio

import pytest

from citybrain.eventstore import pages as pages_module
from citybrain.eventstore.batch import Batch
from citybrain.eventstore.pages import KEPT, TOGETHER, PageReader, Pages

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
        with pages.reader() as read:
            while after < 35:
                _, after = await read.page(after, 35, SIZE)

    await asyncio.gather(reader(0), reader(0), reader(7), reader(20))
    assert sorted(log.read) == [(0, 10), (7, 10), (10, 20), (20, 30), (30, 35)]
    await reader(30)
    assert log.read[5:] == [(30, 35)], "nobody was behind any more"


async def test_a_bounded_number_is_kept() -> None:
    log = Log()
    pages = Pages(log.rows)
    with pages.reader() as read:
        for after in range(0, (KEPT + 1) * SIZE, SIZE):
            await read.page(after, 1000, SIZE)
        await read.page(SIZE, 1000, SIZE)
        await read.page(0, 1000, SIZE)
    assert [after for after, _ in log.read] == [*range(0, (KEPT + 1) * SIZE, SIZE), 0]


async def test_a_read_that_failed_is_tried_again_and_one_who_leaves_takes_nothing_along() -> None:
    log = Log()
    pages = Pages(log.rows)
    with pages.reader() as read:
        log.away = True
        with pytest.raises(OSError, match="away"):
            await read.page(0, SIZE, SIZE)
        log.away = False
        first, second = (asyncio.ensure_future(read.page(0, SIZE, SIZE)) for _ in "ab")
        await asyncio.sleep(0)
        first.cancel()
        assert await second == ([], SIZE)
    assert log.read == [(0, SIZE)] * 2


async def paced(
    read: PageReader, pages: int, got: list[int], turns: asyncio.Semaphore | None = None
) -> None:
    """Reads so many pages, each when it is its turn."""
    for number in range(pages):
        if turns is not None:
            await turns.acquire()
        await read.page(number * SIZE, 10_000, SIZE)
        got.append(number)


async def test_the_faster_waits_for_the_slower_so_that_each_page_is_read_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(pages_module, "HELD_SECONDS", 3600.0)
    log, turns, far = Log(), asyncio.Semaphore(1), 5 * KEPT
    pages = Pages(log.rows)
    ahead: list[int] = []
    behind: list[int] = []
    with pages.reader() as slow, pages.reader() as fast:
        going = [asyncio.create_task(paced(slow, far, behind, turns))]
        going.append(asyncio.create_task(paced(fast, far, ahead)))
        for number in range(1, far):
            while len(behind) < number or len(ahead) < min(number + TOGETHER - 1, far):
                await asyncio.sleep(0)
            assert len(ahead) - len(behind) <= TOGETHER
            turns.release()
        await asyncio.gather(*going)
    assert log.read == [(number * SIZE, (number + 1) * SIZE) for number in range(far)]


async def test_who_does_not_go_on_is_left_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pages_module, "HELD_SECONDS", 0.0)
    pages, once, far = Pages(Log().rows), asyncio.Semaphore(1), 3 * KEPT
    behind: list[int] = []
    with pages.reader() as stuck, pages.reader() as fast:
        waiting = asyncio.create_task(paced(stuck, far, behind, once))
        while not behind:
            await asyncio.sleep(0)
        await paced(fast, far, [])
        waiting.cancel()
    assert (stuck.at, fast.at) == (0, (far - 1) * SIZE)

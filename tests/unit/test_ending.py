"""Whoever waits for the end of a task that lost its cancellation does not wait for ever."""

import asyncio

import pytest

from citybrain import ending
from citybrain.ending import end
from tests.given.logs import every_log


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is cancelled again at once."""
    monkeypatch.setattr(ending, "PATIENCE_SECONDS", 0.01)
    monkeypatch.setattr(ending, "AGAIN_SECONDS", 0.01)


async def begun(swallows: int, ends: asyncio.Event) -> "asyncio.Task[None]":
    """A task that takes so many cancellations for somebody else's, and ends with `ends`."""

    async def work() -> None:
        left = swallows
        while True:
            try:
                await ends.wait()
                return
            except asyncio.CancelledError:
                if not left:
                    raise
                left -= 1

    task = asyncio.create_task(work())
    await asyncio.sleep(0)
    return task


async def test_a_task_that_lost_its_cancellation_is_cancelled_again() -> None:
    never = asyncio.Event()
    tasks = [await begun(swallows, never) for swallows in range(3)]
    await end(*tasks)
    assert [task.cancelled() for task in tasks] == [True] * 3


async def test_one_that_loses_all_of_them_is_left_and_named() -> None:
    ends = asyncio.Event()
    task = await begun(100, ends)
    with every_log() as logs:
        await end(task)
    assert not task.done()
    (said,) = logs
    assert said["event"] == "tasks_do_not_end"
    assert said["tasks"] == ["begun.<locals>.work"]
    ends.set()
    await task


async def test_what_a_task_raises_is_asked_of_the_task() -> None:
    async def fails() -> None:
        raise ValueError("why")

    task = asyncio.create_task(fails())
    await asyncio.wait([task])
    await end(task)
    with pytest.raises(ValueError, match="why"):
        task.result()

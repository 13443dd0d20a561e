"""One question for all who ask at about the same time.

What is asked for while a question is out goes with the next one: nobody gets an answer from before
they asked, and a busy process asks once where it would have asked for each.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping
from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")


class AskingTogether(Generic[K, V]):
    """Puts a question for many, one after the other."""

    def __init__(self, question: Callable[[Collection[K]], Awaitable[Mapping[K, V]]]) -> None:
        self._question = question
        self._waiting: list[tuple[Collection[K], asyncio.Future[dict[K, V]]]] = []
        self._asking: asyncio.Task[None] | None = None

    async def ask(self, keys: Collection[K]) -> dict[K, V]:
        """What is known of these now; raises what the question raises."""
        answer: asyncio.Future[dict[K, V]] = asyncio.get_running_loop().create_future()
        self._waiting.append((keys, answer))
        if self._asking is None:
            self._asking = asyncio.create_task(self._ask())
        return await answer

    async def _ask(self) -> None:
        try:
            while self._waiting:
                asked, self._waiting = self._waiting, []
                await self._answer([each for each in asked if not each[1].done()])
        finally:
            self._asking = None

    async def _answer(self, asked: list[tuple[Collection[K], asyncio.Future[dict[K, V]]]]) -> None:
        try:
            found = await self._question({key for keys, _ in asked for key in keys})
        except Exception as error:
            for _, answer in asked:
                if not answer.done():
                    answer.set_exception(error)
            return
        except BaseException:
            for _, answer in asked:
                answer.cancel()
            raise
        for keys, answer in asked:
            if not answer.done():  # else whoever asked has gone
                answer.set_result({key: found[key] for key in keys if key in found})

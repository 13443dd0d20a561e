"""Closed loops of blocking clients: one thread each, all in one window of time."""

import asyncio
import threading
import time
from collections.abc import Callable

from ops.bench.tally import Tally

BlockingClient = Callable[[int, Tally], None]
"""Called with the client's number; loops while `tally.running()`."""


async def in_threads(client: BlockingClient, concurrency: int, seconds: float) -> Tally:
    """What `concurrency` threads get acknowledged; raises the first error of any."""
    return await asyncio.to_thread(_in_threads, client, concurrency, seconds)


def _in_threads(client: BlockingClient, concurrency: int, seconds: float) -> Tally:
    began = time.perf_counter()
    tallies = [Tally(seconds, began) for _ in range(concurrency)]
    errors: list[BaseException] = []

    def guarded(number: int) -> None:
        try:
            client(number, tallies[number])
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=guarded, args=(n,)) for n in range(concurrency)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]
    total = Tally(seconds, began)
    for tally in tallies:
        total.join(tally)
    return total

"""Ends tasks that may lose a cancellation.

A library that waits for tasks which it has cancelled, and suppresses `CancelledError` there, takes
ours for theirs where it comes at that moment. The task goes on for ever then, and whoever waits for
its end with it.
"""

import asyncio
from typing import Any

import structlog

log = structlog.get_logger(__name__)

PATIENCE_SECONDS = 5.0
"""More than anything of ours takes to leave things in order."""
AGAIN_SECONDS = 1.0
TIMES = 3


async def end(*tasks: "asyncio.Task[Any]") -> None:
    """Cancel tasks and wait until they have ended, however they do; those that go on, again.

    One that does not end by that is left, and named in the log.
    """
    left = {task for task in tasks if not task.done()}
    for seconds in (PATIENCE_SECONDS, *[AGAIN_SECONDS] * TIMES):
        if left:
            for task in left:
                task.cancel()
            _, left = await asyncio.wait(left, timeout=seconds)
    if left:
        log.error("tasks_do_not_end", tasks=sorted(map(_name, left)))
    for task in set(tasks) - left:
        if not task.cancelled():
            task.exception()  # whoever wants to know asks it


def _name(task: "asyncio.Task[Any]") -> str:
    return getattr(task.get_coro(), "__qualname__", task.get_name())

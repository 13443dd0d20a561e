"""Runs a simulator until it is told to stop, or its server is gone."""

import asyncio
import signal
import sys
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any

from ops.simulators.client import ServerGone


async def until_stopped(work: Coroutine[Any, Any, None], name: str) -> int:
    """Until the work is done, SIGTERM or SIGINT comes (0), or the server is gone for good (1)."""
    stopping = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    working = asyncio.create_task(work)
    stopped = asyncio.create_task(stopping.wait())
    await asyncio.wait({working, stopped}, return_when=asyncio.FIRST_COMPLETED)
    stopped.cancel()
    working.cancel()
    try:
        with suppress(asyncio.CancelledError):
            await working
    except (ServerGone, ExceptionGroup) as error:
        if isinstance(error, ExceptionGroup) and error.split(ServerGone)[1] is not None:
            raise
        print(f"{name}: the server does not answer; leaving", file=sys.stderr)
        return 1
    return 0

"""Runs process managers that take the log in batches and have work that comes with time.

One of them leads over all processes. A batch that fails is taken event by event; an event that
keeps failing is parked. The checkpoint moves behind what is finished, so a crash repeats a batch:
what a process does is safe to repeat.
"""

import asyncio
from collections.abc import Sequence
from typing import Protocol

import structlog

from citybrain.errors import Refused, Unavailable
from citybrain.eventstore import EventStore, RecordedEvent
from citybrain.faults import AGAIN_LATER
from commands.handling import TooContended
from commands.processes.runner import (
    ATTEMPTS,
    BATCH_SIZE,
    RETRY_AFTER_FAULT_SECONDS,
    RETRY_SECONDS,
    Passed,
    Process,
    ProcessManager,
    keep_leading,
    park,
    read_checkpoint,
    save_checkpoint,
)
from commands.services import Services

log = structlog.get_logger(__name__)

CLOCK_SECONDS = 1.0  # where our clock is not to be believed, work that comes with time waits
AWAY = (Unavailable, TooContended, *AGAIN_LATER)


class BatchProcess(ProcessManager, Protocol):
    """A process manager over batches."""

    async def react_all(self, events: Sequence[RecordedEvent], services: Services) -> None:
        """Do what follows from consecutive events; safe to repeat."""

    @property
    def tick_seconds(self) -> float | None:
        """The pause between two calls of `tick`; it is never called where none."""

    async def tick(self, services: Services) -> None:
        """Do what it is time for; it may wait until it is."""


def batched(process: BatchProcess) -> Process:
    """Many events together, and work that comes with time."""
    return Process(process, lambda store, services: BatchRunner(store, process, services).run())


class BatchRunner:
    """Runs one such process manager until cancelled; over many processes one leads."""

    def __init__(self, store: EventStore, process: BatchProcess, services: Services) -> None:
        self._store = store
        self._process = process
        self._services = services

    async def run(self) -> None:
        """Lead or stand by."""
        await keep_leading(self._store, self._process.name, self._lead)

    async def _lead(self) -> None:
        async with asyncio.TaskGroup() as group:
            if self._process.tick_seconds is not None:
                group.create_task(self._tick(self._process.tick_seconds))
            position = await read_checkpoint(self._store, self._process.name)
            passed = Passed()
            group.create_task(passed.save(self._store, self._process.name))
            async for batch in self._store.follow(
                position, topics=self._process.topics, batch_size=BATCH_SIZE, passed=passed
            ):
                await self._work(batch)
                await save_checkpoint(self._store, self._process.name, batch[-1].position)

    async def _tick(self, seconds: float) -> None:
        while True:
            pause = max(seconds, CLOCK_SECONDS) if self._store.clock_is_off else seconds
            try:
                if not self._store.clock_is_off:
                    await self._process.tick(self._services)
            except (*AWAY, Refused):
                pause = max(seconds, RETRY_SECONDS)
            except Exception:
                pause = max(seconds, RETRY_AFTER_FAULT_SECONDS)
                log.exception("process_tick_failed", process=self._process.name)
            await asyncio.sleep(pause)

    async def _work(self, events: Sequence[RecordedEvent]) -> None:
        attempt, delay = 0, RETRY_SECONDS
        while True:
            try:
                await self._process.react_all(events, self._services)
                return
            except AWAY:
                delay = min(delay * 2, 5.0)  # for as long as the store is away or busy
            except Exception as error:
                if len(events) > 1:
                    log.warning("process_batch_split", process=self._process.name)
                    for event in events:
                        await self._work([event])
                    return
                attempt += 1
                if attempt == ATTEMPTS:
                    await park(self._store, self._process.name, events[0], error)
                    return
            await asyncio.sleep(delay)

"""Runs a process manager whose reactions take long: each event has a task of its own.

A slow department holds up its own applications and no other. The checkpoint is the end of what
is finished without a gap: after a crash the events behind it are reacted to again, so a reaction
goes on from wherever its stream stands.
"""

import asyncio
import time
from functools import partial

import structlog

from citybrain.errors import Refused, Unavailable
from citybrain.eventstore import EventStore, RecordedEvent
from citybrain.faults import AGAIN_LATER
from commands.handling import TooContended
from commands.processes import runner
from commands.processes.runner import (
    ATTEMPTS,
    RETRY_SECONDS,
    Passed,
    Process,
    ProcessManager,
    context_of,
    keep_leading,
    park,
    read_checkpoint,
    save_checkpoint,
)
from commands.services import Services

log = structlog.get_logger(__name__)

CHECKPOINT_SECONDS = 1.0
LONGEST_PAUSE_SECONDS = 5.0


def side_by_side(manager: ProcessManager) -> Process:
    """A task for each event, however long its reaction takes."""
    return Process(
        manager, lambda store, services: SideBySideRunner(store, manager, services).run()
    )


class SideBySideRunner:
    """Runs one such process manager until cancelled; over many processes one leads."""

    def __init__(self, store: EventStore, manager: ProcessManager, services: Services) -> None:
        self._store = store
        self._manager = manager
        self._services = services
        self._unfinished: dict[int, RecordedEvent] = {}
        self._seen = 0
        self._passed = Passed()

    async def run(self) -> None:
        """Lead or stand by."""
        await keep_leading(self._store, self._manager.name, self._lead)

    @property
    def finished(self) -> int:
        """The position up to which every event is finished."""
        return min(self._unfinished) - 1 if self._unfinished else self._seen

    async def _lead(self) -> None:
        position = self._seen = await read_checkpoint(self._store, self._manager.name)
        self._unfinished.clear()
        async with asyncio.TaskGroup() as group:
            group.create_task(self._save(position))
            async for batch in self._store.follow(
                position, topics=self._manager.topics, passed=self._passed
            ):
                for event in batch:
                    self._unfinished[event.position] = event
                    group.create_task(self._react(event))
                self._seen = batch[-1].position

    async def _save(self, saved: int) -> None:
        passed_at = time.monotonic()
        while True:
            await asyncio.sleep(CHECKPOINT_SECONDS)
            if time.monotonic() > passed_at + runner.PASSED_SECONDS:
                self._seen, passed_at = max(self._seen, self._passed.position), time.monotonic()
            if self.finished > saved:
                saved = self.finished
                await save_checkpoint(self._store, self._manager.name, saved)

    async def _react(self, event: RecordedEvent) -> None:
        manager, delay, attempt = self._manager, RETRY_SECONDS, 0
        context_for = partial(context_of, manager, event)
        while True:
            try:
                await manager.react(event, self._services, context_for)
                break
            except (Unavailable, TooContended, *AGAIN_LATER):
                delay = min(delay * 2, LONGEST_PAUSE_SECONDS)  # for as long as the store is away
            except Refused as refusal:  # somebody else was faster; look where the stream stands
                log.debug("process_refused", process=manager.name, code=refusal.code)
            except Exception as error:
                attempt += 1
                if attempt == ATTEMPTS:
                    await park(self._store, manager.name, event, error)
                    break
            await asyncio.sleep(delay)
        del self._unfinished[event.position]

"""Runs process managers: followers of the log that send commands, each exactly once.

A command's id follows from the event that caused it, so a replay sends nothing twice: what has
been done is refused. The checkpoint moves only over events that are finished. Streams are
worked on side by side, the events of one stream in order.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from itertools import groupby
from typing import Any, Protocol
from uuid import NAMESPACE_URL, UUID, uuid5

import structlog
from prometheus_client import Counter

from citybrain.domain.actor import system_actor
from citybrain.errors import Refused, Unavailable
from citybrain.eventstore import EventStore, RecordedEvent
from citybrain.eventstore.leadership import LeadLost
from citybrain.eventstore.witness import LogWentBack
from citybrain.faults import AGAIN_LATER
from commands.handling import CommandContext, TooContended
from commands.services import Services

log = structlog.get_logger(__name__)

BATCH_SIZE = 500
CONCURRENT_STREAMS = 64
ATTEMPTS = 5
RETRY_SECONDS = 0.2
RETRY_AFTER_FAULT_SECONDS = 5.0
PASSED_SECONDS = 20.0

READ_CHECKPOINT = "SELECT position FROM process_checkpoints WHERE process = $1"
SAVE_CHECKPOINT = """
INSERT INTO process_checkpoints (process, position) VALUES ($1, $2)
ON CONFLICT (process) DO UPDATE
SET position = greatest(process_checkpoints.position, $2), updated_at = clock_timestamp()
"""
PARK = """
INSERT INTO parked_commands (process, position, stream_id, topic, error)
VALUES ($1, $2, $3, $4, $5) ON CONFLICT (process, position)
DO UPDATE SET attempts = parked_commands.attempts + 1, error = $5, parked_at = clock_timestamp()
"""

PARKED = Counter("citybrain_process_parked_total", "Commands a process set aside", ["process"])


class ProcessManager(Protocol):
    """Reacts to events by sending commands."""

    @property
    def name(self) -> str:
        """The name of its checkpoint; part of the ids of its commands."""

    @property
    def topics(self) -> Sequence[str]:
        """The events it reacts to."""

    async def react(
        self, event: RecordedEvent, services: Services, context_for: Callable[[str], CommandContext]
    ) -> None:
        """Send what follows from `event`. `context_for(purpose)` gives a command's context."""


@dataclass(frozen=True, slots=True)
class Process:
    """A process manager and how it is run: `in_order`, `batched` or `side_by_side`."""

    manager: ProcessManager
    run: Callable[[EventStore, Services], Coroutine[Any, Any, None]]


def in_order(manager: ProcessManager) -> Process:
    """Streams side by side, the events of a stream one after the other."""
    return Process(manager, lambda store, services: ProcessRunner(store, [manager], services).run())


class ProcessRunner:
    """Runs process managers until cancelled; over many processes one leads each of them.

    Who leads does what goes on `beside`, too.
    """

    def __init__(
        self,
        store: EventStore,
        managers: Sequence[ProcessManager],
        services: Services,
        beside: Callable[[], Coroutine[Any, Any, None]] | None = None,
    ) -> None:
        self._store = store
        self._managers = managers
        self._services = services
        self._beside = beside

    async def run(self) -> None:
        """Lead or stand by for every process manager."""
        async with asyncio.TaskGroup() as group:
            for manager in self._managers:
                lead = partial(self._lead, manager)
                group.create_task(keep_leading(self._store, manager.name, lead))

    async def _lead(self, manager: ProcessManager) -> None:
        position = await read_checkpoint(self._store, manager.name)
        limit = asyncio.Semaphore(CONCURRENT_STREAMS)
        async with passing(self._store, manager.name, self._beside) as passed:
            async for batch in self._store.follow(
                position, topics=manager.topics, batch_size=BATCH_SIZE, passed=passed
            ):
                by_stream = sorted(batch, key=lambda event: event.stream_id)
                async with asyncio.TaskGroup() as group:
                    for _, events in groupby(by_stream, key=lambda event: event.stream_id):
                        group.create_task(self._stream(manager, list(events), limit))
                await save_checkpoint(self._store, manager.name, batch[-1].position)

    async def _stream(
        self, manager: ProcessManager, events: list[RecordedEvent], limit: asyncio.Semaphore
    ) -> None:
        async with limit:
            for event in events:
                await self._react(manager, event)

    async def _react(self, manager: ProcessManager, event: RecordedEvent) -> None:
        delay = RETRY_SECONDS
        attempt = 0
        while True:
            try:
                await manager.react(event, self._services, partial(context_of, manager, event))
                return
            except Refused as refusal:
                log.debug("process_refused", process=manager.name, code=refusal.code)
                return  # it has been done, or the case took another way
            except (Unavailable, TooContended, *AGAIN_LATER):
                await asyncio.sleep(delay)  # the store is away or busy: later, for as long as it is
                delay = min(delay * 2, 5.0)
            except Exception as error:
                attempt += 1
                if attempt == ATTEMPTS:
                    await park(self._store, manager.name, event, error)
                    return
                await asyncio.sleep(delay)


async def keep_leading(store: EventStore, name: str, lead: Callable[[], Awaitable[None]]) -> None:
    """Lead a process whenever it is ours to lead; survive the store and the process's faults."""

    async def once() -> None:
        async with store.leads.leading(f"process:{name}"):
            await lead()

    await keep(name, once)


async def keep(name: str, run: Callable[[], Awaitable[None]]) -> None:
    """Run a process for ever: again when the store was away, or after a fault of its own."""
    while True:
        try:
            await run()
        except* LeadLost:
            log.info("process_led_elsewhere", process=name)
        except* LogWentBack:
            log.error("process_stopped", process=name, why=LogWentBack.code)
            await asyncio.Event().wait()  # until this process is started anew
        except* (Unavailable, *AGAIN_LATER) as lost:
            names = [type(error).__name__ for error in lost.exceptions]
            log.warning("process_restarts", process=name, errors=names)
            await asyncio.sleep(RETRY_SECONDS)
        except* Exception:  # a fault of one process must not stop the others
            log.exception("process_failed", process=name)
            await asyncio.sleep(RETRY_AFTER_FAULT_SECONDS)


async def read_checkpoint(store: EventStore, name: str) -> int:
    """The log position that a process has finished."""
    return await store.pool.fetchval(READ_CHECKPOINT, name) or 0


async def save_checkpoint(store: EventStore, name: str, position: int) -> None:
    """All events up to here are finished; one that lost its lead does not set it back."""
    await store.pool.execute(SAVE_CHECKPOINT, name, position)


class Passed:
    """Up to where a process manager is done with the log, also where nothing was for it."""

    def __init__(self) -> None:
        self.position = 0

    def __call__(self, position: int) -> None:
        self.position = position

    async def save(self, store: EventStore, name: str) -> None:
        """Move its checkpoint now and then, until cancelled."""
        saved = 0
        while True:
            await asyncio.sleep(PASSED_SECONDS)
            if self.position > saved:
                saved = self.position
                await save_checkpoint(store, name, saved)


@asynccontextmanager
async def passing(
    store: EventStore, name: str, beside: Callable[[], Coroutine[Any, Any, None]] | None = None
) -> AsyncIterator[Passed]:
    """What to follow the log with: the checkpoint moves behind what is for others as well."""
    passed = Passed()
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(passed.save(store, name))]
        if beside is not None:
            tasks.append(group.create_task(beside()))
        yield passed
        for task in tasks:
            task.cancel()


async def park(store: EventStore, name: str, event: RecordedEvent, error: Exception) -> None:
    """Set an event aside whose command cannot be sent: `citybrain processes retry` tries again."""
    log.error("command_parked", process=name, position=event.position, exc_info=error)
    PARKED.labels(name).inc()
    await store.pool.execute(
        PARK, name, event.position, event.stream_id, event.topic, type(error).__name__
    )


def context_of(manager: ProcessManager, event: RecordedEvent, purpose: str) -> CommandContext:
    """The context of the command that `event` causes; the same each time it is replayed."""
    correlation = event.metadata.get("correlation_id")
    cause = event.metadata.get("command_id")
    command_id = uuid5(
        NAMESPACE_URL, f"citybrain:{manager.name}:{purpose}:{event.stream_id}:{event.version}"
    )
    return CommandContext(
        actor=system_actor(manager.name),
        channel="process",
        command_id=command_id,
        correlation_id=UUID(correlation) if correlation else command_id,
        causation_id=UUID(cause) if cause else None,
    )

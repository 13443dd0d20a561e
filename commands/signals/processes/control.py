"""Runs the control of junctions in whichever process leads; another one takes over when it dies.

Over all server processes one leads. It follows what people and controllers append, and wakes each
junction when that wants to be woken. Its lead ends with the connection that holds it.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Any, ClassVar

import asyncpg

from citybrain.domain.signals.signal import Signal
from citybrain.domain.signals.signal_events import milliseconds
from citybrain.eventstore import EventStore, RecordedEvent
from commands.handling import CommandContext
from commands.processes.runner import Process, keep_leading, save_checkpoint
from commands.services import Services
from commands.signals.control import NAME, SignalControl
from commands.signals.controllers import CENTRE, note_heard
from commands.signals.handing_over import control_observations, stand_by
from commands.signals.warming import warming

CLOCK_SECONDS = 0.5  # how often the clock is read: it may be set
LEAD_SECONDS = 1.0  # how often the lead is looked after
TOPICS = tuple(event.__dict__["TOPIC"] for event in Signal.EVENTS)


class SignalControlProcess:
    """The process manager, as the machinery names and runs it."""

    name: ClassVar[str] = NAME
    topics: ClassVar[tuple[str, ...]] = TOPICS

    async def react(
        self, event: RecordedEvent, services: Services, context_for: Callable[[str], CommandContext]
    ) -> None:
        """Nothing is parked: what a junction wants follows from its newest state."""

    async def run(self, store: EventStore, services: Services) -> None:
        """Lead or stand by."""
        stand_by(services)

        async def lead(connection: "asyncpg.Connection[Any]") -> None:
            await _control(store, services, connection)

        await keep_leading(store, self.name, lead)


async def _control(
    store: EventStore, services: Services, connection: "asyncpg.Connection[Any]"
) -> None:
    """Control all junctions for as long as the lead lasts."""
    control = SignalControl(services, ready=warming(services).ready)
    await control.load()
    async with asyncio.TaskGroup() as group:
        group.create_task(_follow(store, control))
        group.create_task(control_observations(store, services))
        group.create_task(_look_after(store, connection, control))
        while True:
            await control.tick()
            await _sleep(control, services)


async def _follow(store: EventStore, control: SignalControl) -> None:
    async for events in store.follow(control.position, topics=TOPICS):
        control.hear(events)


async def _look_after(
    store: EventStore, connection: "asyncpg.Connection[Any]", control: SignalControl
) -> None:
    """Say how far it is, and that decisions are taken; ends with one of `CONNECTION_LOST`."""
    while True:
        await save_checkpoint(connection, NAME, control.position)
        if control.ticked_at is not None:
            await note_heard(store, [CENTRE], control.ticked_at)
        await asyncio.sleep(LEAD_SECONDS)


async def _sleep(control: SignalControl, services: Services) -> None:
    """Until a junction wants to be woken, or somebody appended something."""
    control.bell.clear()
    alarm, seconds = control.next_alarm, CLOCK_SECONDS
    if alarm is not None:
        seconds = min(seconds, (alarm - milliseconds(services.clock())) / 1000)
    if seconds > 0:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await control.bell.wait()


def controlling() -> Process:
    """The control of junctions, as the descriptor names it."""
    process = SignalControlProcess()
    return Process(process, process.run)

"""Runs the control of junctions in every process: each has a share, and others take over from it.

A process follows what people and controllers append, and wakes each of its junctions when that
wants to be woken. What it controls ends with the connection that holds its locks (`sharing`).
"""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, ClassVar

import asyncpg

from citybrain.domain.signals.signal import Signal
from citybrain.domain.signals.signal_events import milliseconds
from citybrain.eventstore import EventStore, RecordedEvent
from citybrain.eventstore.leadership import STANDBY_SECONDS
from commands.handling import CommandContext
from commands.processes.runner import Process, keep, save_checkpoint
from commands.services import Services
from commands.signals.control import NAME, SignalControl
from commands.signals.controlled import controlled
from commands.signals.controllers import note_centre
from commands.signals.handing_over import (
    collect_observations,
    give_up_shards,
    stand_by,
    take_shards,
)
from commands.signals.observation_upkeep import keep_observations
from commands.signals.observed import observed
from commands.signals.sharing import Share
from commands.signals.warming import warming

CLOCK_SECONDS = 0.5  # how often the clock is read: it may be set
LEAD_SECONDS = 1.0  # how often our share is looked after
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
        """Control what is ours of the junctions; survive the store and our own faults."""
        stand_by(services)
        await keep(self.name, lambda: _control(store, services))


async def _control(store: EventStore, services: Services) -> None:
    """Control our share for as long as the connection lasts; ends with one of `CONNECTION_LOST`."""
    connection = await store.connect(f"citybrain-junctions {store.leads.process}")
    sharing = Sharing(store, services, connection)
    try:
        while not await sharing.share.join():  # noqa: ASYNC110
            await asyncio.sleep(STANDBY_SECONDS)
        sharing.control.position = await store.head()
        async with asyncio.TaskGroup() as group:
            group.create_task(_follow(store, sharing.control))
            group.create_task(collect_observations(services))
            group.create_task(keep_observations(services))
            group.create_task(sharing.look_after())
            while True:
                async with sharing.deciding:
                    await sharing.control.start()
                await _sleep(sharing.control, services)
    finally:
        connection.terminate()
        controlled(services).end()
        await sharing.control.stop()
        await give_up_shards(sharing.share.held, services)


class Sharing:
    """What a process controls, and how it changes hands."""

    def __init__(
        self, store: EventStore, services: Services, connection: "asyncpg.Connection[Any]"
    ) -> None:
        self._store, self._services, self._connection = store, services, connection
        self.share = Share(connection)
        self.control = SignalControl(services, ready=warming(services).ready)
        observed(services).told = self.control.told
        controlled(services).of = self.control.known
        self.deciding = asyncio.Lock()
        """Nothing is given up while it is decided."""

    async def look_after(self) -> None:
        """Say that decisions are taken; give up what is too much, take what is free; for ever."""
        share, control = self.share, self.control
        while True:
            await save_checkpoint(self._store, NAME, control.position)
            if control.ticked_at is not None:
                await note_centre(self._store, share.held, control.ticked_at)
            if surplus := await share.surplus():
                await self._give_up(surplus)
            while taken := await share.take():
                await take_shards(taken, self._services)
                await control.take(taken)
            await asyncio.sleep(LEAD_SECONDS)

    async def _give_up(self, shards: Sequence[int]) -> None:
        """First nobody decides, then it is written what was heard, then others may take them."""
        async with self.deciding:
            await self.control.finish()
            self.control.give_up(shards)
        await give_up_shards(shards, self._services)
        await self.share.give_up(shards)


async def _follow(store: EventStore, control: SignalControl) -> None:
    async for events in store.follow(control.position, topics=TOPICS):
        control.hear(events)


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

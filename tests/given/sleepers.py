"""A small stream that wants to be woken, and the process manager that wakes it."""

from datetime import datetime
from typing import Any, ClassVar
from uuid import uuid4

from citybrain.domain.actor import Actor, Role
from citybrain.domain.stream import StreamAggregate, StreamCreated, StreamEvent, register_stream
from citybrain.eventstore import EventStore
from commands.handling import Command, CommandContext, change, create
from commands.processes.alarms import StreamAlarms
from commands.services import Services

RANG = "sleeper.rang"


class SleeperCame(StreamCreated):
    TOPIC: ClassVar[str] = "sleeper.came"
    wakes_at: datetime | None


class SleeperMoved(StreamEvent):
    TOPIC: ClassVar[str] = "sleeper.moved"
    wakes_at: datetime | None

    def apply(self, aggregate: Any) -> None:
        aggregate.wakes_at = self.wakes_at


class SleeperRang(StreamEvent):
    TOPIC: ClassVar[str] = RANG
    due_at: datetime

    def apply(self, aggregate: Any) -> None:
        aggregate.wakes_at = None


class Sleeper(StreamAggregate):
    """Is woken at `wakes_at`, which may be moved and dropped."""

    TOPIC: ClassVar[str] = "sleeper"
    category: ClassVar[str] = "sleeper"
    EVENTS: ClassVar[tuple[type[StreamEvent], ...]] = (SleeperCame, SleeperMoved, SleeperRang)

    def __init__(self, wakes_at: datetime | None) -> None:
        self.wakes_at = wakes_at

    @classmethod
    def come(cls, now: datetime, wakes_at: datetime | None) -> "Sleeper":
        return cls._create(SleeperCame, id=cls.new_id(), timestamp=now, wakes_at=wakes_at)

    def move(self, now: datetime, wakes_at: datetime | None) -> None:
        self.trigger_event(SleeperMoved, timestamp=now, wakes_at=wakes_at)

    def ring(self, now: datetime) -> None:
        if self.wakes_at is not None and self.wakes_at <= now:
            self.trigger_event(SleeperRang, timestamp=now, due_at=self.wakes_at)


register_stream(Sleeper)


class Sleepers(StreamAlarms[Sleeper]):
    """Wakes sleepers."""

    name: ClassVar[str] = "sleepers"
    stream = Sleeper
    topics: ClassVar[tuple[str, ...]] = ("sleeper.came", "sleeper.moved", RANG)

    def alarm_at(self, sleeper: Sleeper) -> datetime | None:
        return sleeper.wakes_at

    async def ring(self, sleeper: Sleeper, context: CommandContext, services: Services) -> None:
        await change(
            Sleeper,
            sleeper.id,
            Command(),
            context,
            services,
            lambda sleeper: sleeper.ring(services.clock()),
            lambda _: {},
        )


async def come(services: Services, wakes_at: datetime | None) -> str:
    """The id of a new sleeper."""
    came = await create(
        Command(),
        _context(),
        services,
        lambda: Sleeper.come(services.clock(), wakes_at),
        lambda _: {},
    )
    return came.stream_id


async def move(services: Services, sleeper_id: str, wakes_at: datetime | None) -> None:
    """Let it be woken at another time, or never."""
    await change(
        Sleeper,
        sleeper_id,
        Command(),
        _context(),
        services,
        lambda sleeper: sleeper.move(services.clock(), wakes_at),
        lambda _: {},
    )


async def rang(store: EventStore, sleeper_id: str) -> list[datetime]:
    """The times for which it was woken, in order."""
    read = [store.to_domain_event(event) for event in await store.read(sleeper_id)]
    return [event.due_at for event in read if isinstance(event, SleeperRang)]


def _context() -> CommandContext:
    operator = Actor("operator-1", frozenset({Role.OPERATOR}))
    return CommandContext(operator, "test", uuid4(), uuid4())

"""Messages to people that follow from events: nobody waits for a message to somebody else.

What passes is put off, a row for each message, and tried again beside the others with growing
pauses for as long as it is news; what comes later to the same person about the same stream waits
behind it. Which faults pass `citybrain.faults` says, and a notifier by `Unavailable`. Left out is
what stays so, where this installation sends none, and what could not be sent while it was news:
what a message is about says the same to whoever looks. The log has the stream and a code, and
nobody's number.
"""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any, ClassVar, Final
from uuid import UUID

import structlog
from prometheus_client import Counter

from citybrain.errors import CitybrainError
from citybrain.eventstore import RecordedEvent
from citybrain.notifications import SEND_SECONDS, NoNotifier
from citybrain.vault import NoSuchKey, PersonErased
from commands.handling import CommandContext
from commands.processes.batches import AWAY
from commands.processes.patience import pause_after
from commands.processes.runner import Process, ProcessRunner, context_of
from commands.services import Services

log = structlog.get_logger(__name__)

NEWS: Final = timedelta(days=1)
"""So long a message is tried again."""
AT_ONCE: Final = 16  # messages that are tried again
BATCH: Final = 64
FIRST_PAUSE: Final = timedelta(seconds=1)
LOOK_SECONDS = 1.0

PUT_OFF = """
INSERT INTO messages_put_off (process, position, whom, stream_id, put_off_at, next_at)
VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (process, position, whom) DO UPDATE SET next_at = $6
"""
WAITS_BEHIND = """
SELECT EXISTS (SELECT FROM messages_put_off
               WHERE process = $1 AND stream_id = $2 AND whom = $3 AND position < $4)
"""
DONE = "DELETE FROM messages_put_off WHERE process = $1 AND position = $2 AND whom = $3"
DUE = """
SELECT position, whom, put_off_at FROM messages_put_off m
WHERE process = $1 AND next_at <= $2
  AND NOT EXISTS (SELECT FROM messages_put_off b
                  WHERE b.process = m.process AND b.stream_id = m.stream_id AND b.whom = m.whom
                    AND b.position < m.position)
ORDER BY next_at LIMIT $3
"""
NEXT = "SELECT min(next_at) FROM messages_put_off WHERE process = $1"

MESSAGES_PUT_OFF = Counter(
    "citybrain_messages_put_off_total", "Messages to people that are tried again later", ["process"]
)
MESSAGES_NOT_SENT = Counter(
    "citybrain_messages_not_sent_total", "Messages to people that were given up", ["process"]
)

Send = Callable[[UUID], Awaitable[None]]
"""Hands a message over under its id."""


@dataclass(frozen=True, slots=True)
class Message:
    """What one person is told of an event."""

    whom: str
    """Names them to its process, and makes the id of the message: an id or a keyed digest."""

    send: Send


class Teller(ABC):
    """A process manager that tells people of events. `telling` runs it.

    A subclass names its checkpoint and its events, and says who is told what of one.
    """

    name: ClassVar[str]
    topics: ClassVar[tuple[str, ...]]
    news: ClassVar[timedelta] = NEWS
    send_seconds: ClassVar[float] = SEND_SECONDS

    def __init__(self) -> None:
        self._next_at: datetime | None = None
        """When one that was put off is due; None where none was, as far as is known."""

    @abstractmethod
    async def messages(self, event: RecordedEvent, services: Services) -> Sequence[Message]:
        """What is to be said of `event`; the same each time that it is asked for."""

    async def react(
        self, event: RecordedEvent, services: Services, context_for: Callable[[str], CommandContext]
    ) -> None:
        """Send what `event` means, and put off what cannot be sent now."""
        for message in await self.messages(event, services):
            if not await self._waits_behind(event, message, services):
                await self._tell(event, message, services, context_for, services.clock())

    async def tell_again(self, services: Services) -> None:
        """Try what was put off, whenever it is due, until cancelled."""
        self._next_at = services.clock()  # somebody who led before may have left some
        while True:
            try:
                if self._next_at is not None and self._next_at <= services.clock():
                    await self.tell_due(services)
            except AWAY as error:
                log.warning("messages_wait", process=self.name, error=type(error).__name__)
            await asyncio.sleep(LOOK_SECONDS)

    async def tell_due(self, services: Services) -> None:
        """Try what was put off and is due; raises one of `AWAY` where our own store is away."""
        pool, limit = services.store.pool, asyncio.Semaphore(AT_ONCE)
        while True:
            due = await pool.fetch(DUE, self.name, services.clock(), BATCH)
            ended = await asyncio.gather(
                *(self._again(row, services, limit) for row in due), return_exceptions=True
            )
            for error in ended:
                if error is not None:
                    raise error
            if len(due) < BATCH:
                self._next_at = await pool.fetchval(NEXT, self.name)
                return

    async def _again(self, row: Any, services: Services, limit: asyncio.Semaphore) -> None:
        async with limit:
            (event,) = await services.store.read_all(row["position"] - 1, limit=1)
            messages: Sequence[Message] = ()
            with self.leaving_out(event):
                messages = await self.messages(event, services)
            for message in messages:
                if message.whom == row["whom"] and await self._tell(
                    event, message, services, partial(context_of, self, event), row["put_off_at"]
                ):
                    return
            await services.store.pool.execute(DONE, self.name, row["position"], row["whom"])

    async def _waits_behind(
        self, event: RecordedEvent, message: Message, services: Services
    ) -> bool:
        """Whether something earlier is to reach them first; then it is put off, too."""
        if self._next_at is None:
            return False
        where = self.name, event.stream_id, message.whom, event.position
        if not await services.store.pool.fetchval(WAITS_BEHIND, *where):
            return False
        now = services.clock()
        await self._put_off(event, message, services, now, now + FIRST_PAUSE)
        return True

    async def _tell(
        self,
        event: RecordedEvent,
        message: Message,
        services: Services,
        context_for: Callable[[str], CommandContext],
        since: datetime,
    ) -> bool:
        """Whether it was put off now; it waits since then."""
        with self.leaving_out(event):
            try:
                async with asyncio.timeout(self.send_seconds):
                    await message.send(context_for(message.whom).command_id)
            except NoNotifier:
                raise
            except AWAY as error:
                now = services.clock()
                at = now + pause_after(now - since, FIRST_PAUSE)
                if at - event.recorded_at <= self.news:
                    await self._put_off(event, message, services, since, at)
                    log.info("message_put_off", process=self.name, **_about(event, error))
                    return True
                self._give_up(event, error)
        return False

    @contextmanager
    def leaving_out(self, event: RecordedEvent) -> Iterator[None]:
        """Around what concerns one person: what stays is theirs alone, and said in the log."""
        try:
            yield
        except (PersonErased, NoSuchKey):
            return  # there is nobody to tell
        except NoNotifier as error:
            log.info("message_not_sent", process=self.name, **_about(event, error))
        except AWAY:
            raise
        except Exception as error:
            self._give_up(event, error)

    def _give_up(self, event: RecordedEvent, error: Exception) -> None:
        MESSAGES_NOT_SENT.labels(self.name).inc()
        log.warning("message_not_sent", process=self.name, **_about(event, error))

    async def _put_off(
        self,
        event: RecordedEvent,
        message: Message,
        services: Services,
        since: datetime,
        at: datetime,
    ) -> None:
        where = self.name, event.position, message.whom, event.stream_id
        await services.store.pool.execute(PUT_OFF, *where, since, at)
        MESSAGES_PUT_OFF.labels(self.name).inc()
        self._next_at = at if self._next_at is None else min(at, self._next_at)


def telling(teller: Teller) -> Process:
    """Streams side by side, and beside them what is tried again."""
    return Process(
        teller,
        lambda store, services: ProcessRunner(
            store, [teller], services, beside=lambda: teller.tell_again(services)
        ).run(),
    )


def _about(event: RecordedEvent, error: Exception) -> dict[str, str]:
    code = error.code if isinstance(error, CitybrainError) else type(error).__name__
    return {"topic": event.topic, "stream_id": event.stream_id, "code": code}

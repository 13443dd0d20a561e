"""Alarms: wakes a stream at the time that its state names, once, whoever was restarted.

After the events of a stream the time of its next alarm is noted; between alarms the database is
left alone. A stream that is woken decides by its own state what it is time for, so an alarm that a
crash repeats changes nothing a second time.
"""

import asyncio
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, ClassVar, Generic, TypeVar
from uuid import NAMESPACE_URL, uuid5
from weakref import WeakKeyDictionary

import structlog
from prometheus_client import Counter, Gauge, Histogram

from citybrain.columns import columns
from citybrain.domain.actor import system_actor
from citybrain.domain.stream import StreamAggregate
from citybrain.errors import Refused
from citybrain.eventstore import EventStore, RecordedEvent, StreamNotFound
from commands.handling import CommandContext
from commands.processes.batches import AWAY
from commands.processes.patience import pause_after
from commands.services import Services

log = structlog.get_logger(__name__)

AT_ONCE = 64  # streams that are loaded or told something
BATCH = 1000  # alarms that one statement selects
CLOCK_SECONDS = 1.0  # how often the clock is read: it may be set
LOOK_SECONDS = 10.0  # how often the table is: somebody may have noted an alarm by hand
LATER = timedelta(minutes=1)  # a stream that could not be told is woken again, then less often
NEWEST = (1 << 63) - 1

NEXT = "SELECT min(alarm_at) FROM stream_alarms WHERE process = $1"
DUE = """
SELECT stream_id, alarm_at FROM stream_alarms
WHERE process = $1 AND alarm_at <= $2 AND stream_id <> ALL($4)
ORDER BY alarm_at LIMIT $3
"""
NOTE = """
INSERT INTO stream_alarms (process, stream_id, stream_version, alarm_at)
SELECT $1, * FROM unnest($2::text[], $3::bigint[], $4::timestamptz[])
ON CONFLICT (process, stream_id)
DO UPDATE SET stream_version = excluded.stream_version, alarm_at = excluded.alarm_at
WHERE stream_alarms.stream_version <= excluded.stream_version
"""
CANCEL = """
DELETE FROM stream_alarms a USING unnest($2::text[], $3::bigint[]) AS n(stream_id, stream_version)
WHERE a.process = $1 AND a.stream_id = n.stream_id AND a.stream_version <= n.stream_version
"""
MOVE = """
UPDATE stream_alarms a SET alarm_at = n.alarm_at
FROM unnest($3::text[], $4::timestamptz[]) AS n(stream_id, alarm_at)
WHERE a.process = $1 AND a.stream_id = n.stream_id AND a.alarm_at <= $2
"""

LAG = Histogram(
    "citybrain_alarm_lag_seconds",
    "Seconds between the time of an alarm and its stream being woken",
    ["process"],
    buckets=(0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 3600),
)
OVERDUE = Gauge(
    "citybrain_alarm_overdue_seconds", "Seconds since the oldest alarm that is due", ["process"]
)
PUT_OFF = Counter(
    "citybrain_alarms_put_off_total", "Alarms whose stream could not be told", ["process"]
)


A = TypeVar("A", bound=StreamAggregate)


@dataclass(frozen=True, slots=True)
class Alarm:
    """When a stream wants to be woken, as of its version; never where None."""

    stream_id: str
    version: int
    at: datetime | None


@dataclass(frozen=True, slots=True)
class _Untold:
    """A stream that could not be told, and since when it was to be."""

    stream_id: str
    since: datetime


@dataclass(slots=True)
class _Sleep:
    """Until when nothing is due, as far as is known, and a bell for what comes earlier."""

    until: datetime | None = None
    bell: asyncio.Event = field(default_factory=asyncio.Event)
    writing: asyncio.Lock = field(default_factory=asyncio.Lock)

    def shorten(self, at: datetime) -> None:
        """Something is due at this time, too."""
        if self.until is None or at < self.until:
            self.until = at
            self.bell.set()


class StreamAlarms(ABC, Generic[A]):
    """A process manager that wakes the streams of one class. `BatchRunner` runs it.

    A subclass names its checkpoint, its streams and their events, and says when and how one of
    them is woken.
    """

    name: ClassVar[str]
    stream: ClassVar[type[StreamAggregate]]
    topics: ClassVar[tuple[str, ...]]  # the events that may change when it wants to be woken
    tick_seconds: ClassVar[float | None] = 0.0  # `tick` itself waits

    def __init__(self) -> None:
        self._sleeps: WeakKeyDictionary[EventStore, _Sleep] = WeakKeyDictionary()

    @abstractmethod
    def alarm_at(self, stream: A) -> datetime | None:
        """When the stream is to be woken; never where None. It follows from its state alone."""

    @abstractmethod
    async def ring(self, stream: A, context: CommandContext, services: Services) -> None:
        """Let the stream do what it is time for. A repetition finds that it has been done."""

    async def left_out(self, stream_ids: Sequence[str], services: Services) -> Collection[str]:
        """Those of the streams that are never woken, whatever their state says."""
        return ()

    async def react(
        self, event: RecordedEvent, services: Services, context_for: Callable[[str], CommandContext]
    ) -> None:
        """Note when the event's stream wants to be woken."""
        await self.react_all([event], services)

    async def react_all(self, events: Sequence[RecordedEvent], services: Services) -> None:
        """Note when the events' streams want to be woken.

        What `ring` has appended is left out: its alarm stays in the table until it is noted anew.
        """
        own = system_actor(self.name).subject
        versions = {
            event.stream_id: event.version for event in events if event.metadata.get("actor") != own
        }
        limit = asyncio.Semaphore(AT_ONCE)
        alarms = await asyncio.gather(
            *(self._look(*each, services, limit) for each in versions.items())
        )
        wanted = [alarm.stream_id for alarm in alarms if alarm.at is not None]
        never = await self.left_out(wanted, services) if wanted else ()
        await self._note(
            [replace(alarm, at=None) if alarm.stream_id in never else alarm for alarm in alarms],
            services,
        )

    async def tick(self, services: Services) -> None:
        """Sleep until an alarm is due, and wake whom it is for."""
        await self._sleep(self._sleep_of(services), services)
        await self.ring_due(services)

    async def ring_due(self, services: Services) -> None:
        """Wake all streams whose alarms are due; raises one of `AWAY` where some stay due.

        Those hold up no others. While our clock is not to be believed nothing is due.
        """
        away: dict[str, BaseException] = {}
        while not services.store.clock_is_off and (due := await self._due(services, away)):
            limit = asyncio.Semaphore(AT_ONCE)
            rung = await asyncio.gather(
                *(self._wake(stream_id, services, limit) for stream_id in due),
                return_exceptions=True,
            )
            await self._note([each for each in rung if isinstance(each, Alarm)], services)
            await self._put_off([each for each in rung if isinstance(each, _Untold)], services)
            for stream_id, each in zip(due, rung, strict=True):
                if isinstance(each, BaseException):
                    away[stream_id] = each
        for error in away.values():
            raise error

    async def _due(self, services: Services, but: Collection[str]) -> list[str]:
        """The streams whose alarms are due, the oldest alarms first; not more than a batch."""
        now = services.clock()
        rows = await services.store.pool.fetch(DUE, self.name, now, BATCH, list(but))
        late = (now - rows[0]["alarm_at"]).total_seconds() if rows else 0.0
        if rows or not but:
            OVERDUE.labels(self.name).set(late)
        return [row["stream_id"] for row in rows]

    async def _wake(
        self, stream_id: str, services: Services, limit: asyncio.Semaphore
    ) -> Alarm | _Untold:
        """Wake one stream; its next alarm, or that it could not be told.

        Raises one of `AWAY` where the store is: the alarm stays due.
        """
        async with limit:
            try:
                return await self._told(stream_id, services)
            except AWAY:
                raise
            except StreamNotFound:
                return Alarm(stream_id, NEWEST, None)
            except Exception as error:  # one stream must not hold up the others
                return self._failed(stream_id, services.clock(), error)

    def _failed(self, stream_id: str, since: datetime, error: Exception) -> _Untold:
        log.error("alarm_failed", process=self.name, stream_id=stream_id, exc_info=error)
        return _Untold(stream_id, since)

    async def _told(self, stream_id: str, services: Services) -> Alarm | _Untold:
        stream: Any = await services.store.load(self.stream, stream_id)
        now, before = services.clock(), self._alarm(stream)
        if before.at is None or before.at > now:
            return before  # it was moved, and that has not been noted yet
        LAG.labels(self.name).observe((now - before.at).total_seconds())
        try:
            await self.ring(stream, self._context(before), services)
        except Refused as refusal:  # the stream has moved on
            log.debug("process_refused", process=self.name, code=refusal.code)
        except AWAY:
            raise
        except Exception as error:
            return self._failed(stream_id, before.at, error)
        after = self._alarm(await services.store.load(self.stream, stream_id, fresh=False))
        if after == before:
            log.warning("alarm_without_effect", process=self.name, stream_id=stream_id)
            return _Untold(stream_id, before.at)
        return after

    async def _look(
        self, stream_id: str, version: int, services: Services, limit: asyncio.Semaphore
    ) -> Alarm:
        """When a stream wants to be woken, as of this version or a later one."""
        async with limit:
            stream = await services.store.load(self.stream, stream_id, fresh=False)
            if stream.version < version:
                stream = await services.store.load(self.stream, stream_id)
            return self._alarm(stream)

    def _alarm(self, stream: Any) -> Alarm:
        return Alarm(stream.id, stream.version, self.alarm_at(stream))

    def _context(self, alarm: Alarm) -> CommandContext:
        """The context of what an alarm sends; the same each time that a crash repeats it."""
        text = f"citybrain:{self.name}:alarm:{alarm.stream_id}:{alarm.version}"
        command_id = uuid5(NAMESPACE_URL, text)
        return CommandContext(system_actor(self.name), "process", command_id, command_id)

    async def _note(self, alarms: Sequence[Alarm], services: Services) -> None:
        """Keep these alarms, and drop those of streams that want none."""
        pool, sleep = services.store.pool, self._sleep_of(services)
        wanted = [(each.stream_id, each.version, each.at) for each in alarms if each.at is not None]
        ended = [(each.stream_id, each.version) for each in alarms if each.at is None]
        async with sleep.writing:  # in one order: two who write the same never wait in a ring
            if wanted:
                await pool.execute(NOTE, self.name, *columns(sorted(wanted)))
                sleep.shorten(min(at for _, _, at in wanted))
            if ended:
                await pool.execute(CANCEL, self.name, *columns(sorted(ended)))

    async def _put_off(self, untold: Sequence[_Untold], services: Services) -> None:
        if untold:
            PUT_OFF.labels(self.name).inc(len(untold))
            now = services.clock()
            later = [(one.stream_id, now + pause_after(now - one.since, LATER)) for one in untold]
            await services.store.pool.execute(MOVE, self.name, now, *columns(later))

    def _sleep_of(self, services: Services) -> _Sleep:
        return self._sleeps.setdefault(services.store, _Sleep())

    async def _sleep(self, sleep: _Sleep, services: Services) -> None:
        """Until an alarm may be due, or the table is to be looked at again."""
        sleep.until = None
        known: datetime | None = await services.store.pool.fetchval(NEXT, self.name)
        if known is not None:
            sleep.shorten(known)
        end = time.monotonic() + LOOK_SECONDS
        while (seconds := min(end - time.monotonic(), CLOCK_SECONDS)) > 0:
            if sleep.until is not None:
                seconds = min(seconds, (sleep.until - services.clock()).total_seconds())
            if seconds <= 0:
                return
            sleep.bell.clear()
            # Not `wait_for`: before Python 3.12 it can lose a cancellation that comes with its end.
            with suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await sleep.bell.wait()

"""Controls junctions: wakes each when its state says so, and closes its day at midnight.

The states are held in memory by the process that controls the junction (`sharing`). What it
decides is appended at the version that it was decided at; where a person or a controller came
first, or a process that controls it by now, the state is read again and it is decided anew. All
that is due at a moment is appended together.
"""

import asyncio
import heapq
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import structlog
from prometheus_client import Counter, Gauge, Histogram

from citybrain.definitions.calendars import BusinessCalendar
from citybrain.definitions.signals.junctions import DatedJunction, SignalDefinitions
from citybrain.domain.actor import system_actor
from citybrain.domain.signals.centre import CENTRE_PROCESS, note_absence, note_presence
from citybrain.domain.signals.controllers import note_silence, silent_from
from citybrain.domain.signals.days import next_day, turns_at
from citybrain.domain.signals.junction import Junction, Plan
from citybrain.domain.signals.signal import Signal
from citybrain.domain.signals.signal_events import milliseconds, moment
from citybrain.domain.signals.strategies.neighbours import feeds_of, with_neighbours
from citybrain.domain.signals.strategies.strategy import Observations, Tells
from citybrain.domain.signals.waking import next_alarm, wake
from citybrain.eventstore import RecordedEvent, WrongExpectedVersion
from commands.handling import CommandContext
from commands.processes.batches import AWAY
from commands.services import Services
from commands.signals.controlled import State
from commands.signals.controllers import centres_heard, heard_since
from commands.signals.deciding import Deciding, decide, pace
from commands.signals.observed import Observed, observed
from commands.signals.scheduling import follow_schedule
from commands.signals.sharing import SHARDS, shard_of
from commands.signals.streams import (
    DefinitionGone,
    definition_of,
    newest_stream,
    newest_streams,
    plan_of,
)

log = structlog.get_logger(__name__)

NAME = CENTRE_PROCESS
TOGETHER = 20  # junctions that are decided before others have their turn
TICK_MS = 100  # a junction is woken ten times a second at most
AGAIN_MS = 1000  # where the store is away
LATER_MS = 30_000  # where a junction cannot be controlled
EARLIEST = datetime(1970, 1, 2, tzinfo=UTC)
LOOK = timedelta(seconds=1)  # how often it is looked which controllers were heard
ACTOR = system_actor(NAME)

HELD = Gauge("citybrain_signals_controlled", "Junctions that this process controls")
LATE = Histogram(
    "citybrain_signal_alarm_lag_seconds",
    "Seconds between the time at which a junction wants to be woken and its being woken",
    buckets=(0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60),
)
FAILED = Counter("citybrain_signal_control_failures_total", "Junctions that could not be woken")


@dataclass(slots=True)
class Held:
    """A junction in memory. `stale`: its stream is read again before anything is decided.

    `plan_due`: when another plan becomes due by its schedule, in milliseconds since 1970; 0 where
    that was not looked up, None where there is no schedule. `may_have_missed`: nobody may have
    decided, from `missed_since` on, or from the last decision on where it is None. `wakes_at`: when
    its state wants to be woken, as of a stream and its version.
    """

    signal: Signal
    dated: DatedJunction
    alarm: int = 0
    stale: bool = False
    busy: bool = False
    controller_heard: int | None = None
    plan_due: int | None = 0
    missed_since: datetime | None = None
    may_have_missed: bool = False
    deciding: Deciding = field(default_factory=Deciding)
    wakes_at: int | None = None
    wakes_as_of: tuple[str, int] = ("", 0)

    def is_due(self, at: int) -> bool:
        """Whether its state has changed since it said when to wake it, or that time has come."""
        changed = self.wakes_as_of != (self.signal.id, self.signal.version)
        return changed or (self.wakes_at is not None and at >= self.wakes_at)

    @property
    def heard_at(self) -> datetime | None:
        """The last sign of the centre: a command from outside, or that a strategy was asked."""
        heard = self.signal.heard
        if self.signal.mode_by == NAME:
            heard = max(heard, self.deciding.decided_at)
        return moment(heard) if heard else None

    @property
    def plan(self) -> Plan:
        """The plan that it follows by itself."""
        return plan_of(self.dated, self.signal)


class SignalControl:
    """The junctions that one process controls. `take` some first; then `tick` whenever it is time.

    `ready`: whether strategies may be asked.
    """

    def __init__(
        self,
        services: Services,
        memory: Observed | None = None,
        ready: Callable[[], bool] = lambda: True,
    ) -> None:
        self._services = services
        self._store = services.store
        self._calendar = services.definitions.of(BusinessCalendar)
        self._observed = memory or observed(services)
        self._ready = ready
        self._every_ms = pace(0)
        known = services.definitions.of(SignalDefinitions).every_version()
        self._feeds = feeds_of(dated.junction for dated in known)
        self._held: dict[str, Held] = {}
        self._shards: set[int] = set()
        self._heap: list[tuple[int, str]] = []
        self.bell = asyncio.Event()
        self.position = 0
        """How far the log has been heard."""
        self._woken: dict[asyncio.Task[None], datetime] = {}
        self._started_at: datetime | None = None
        self._looked_at = EARLIEST

    async def load(self) -> None:
        """Control all junctions; from here on the log is to be followed."""
        self.position = await self._store.head()
        await self.take(range(SHARDS))

    async def take(self, shards: Collection[int]) -> None:
        """Control the junctions of these that are in service. The log is followed meanwhile."""
        self._shards.update(shards)
        known = self._services.definitions.of(SignalDefinitions).codes
        junctions = [code for code in known if shard_of(code) in shards]
        streams = await newest_streams(self._store, junctions)
        heard = await centres_heard(self._store, shards)  # whoever led before decided until then
        for signal in await self._store.load_all(Signal, list(streams.values())):
            if signal.junction not in self._held:  # or its next day was heard of meanwhile
                self._begin(signal, heard.get(shard_of(signal.junction)))
        HELD.set(len(self._held))
        self._looked_at = EARLIEST

    def give_up(self, shards: Collection[int]) -> None:
        """Another process controls these from now on; not while junctions are woken."""
        self._shards.difference_update(shards)
        for code in [each for each in self._held if shard_of(each) in shards]:
            del self._held[code]
        HELD.set(len(self._held))

    def _begin(self, signal: Signal, heard: datetime | None) -> None:
        try:
            self._take(signal)
        except DefinitionGone as gone:
            log.error("signal_definition_gone", stream_id=signal.id, code=gone.code)
            return
        held = self._held[signal.junction]
        held.deciding.decided_at = milliseconds(heard) if heard else 0
        held.missed_since, held.may_have_missed = heard, True
        self._set_alarm(signal.junction, self._now_ms())

    @property
    def next_alarm(self) -> int | None:
        """When the first junction wants to be woken, in milliseconds since 1970."""
        while self._heap and self._is_old(*self._heap[0]):
            heapq.heappop(self._heap)
        return self._heap[0][0] if self._heap else None

    def signal(self, junction: str) -> Signal:
        """The state of a junction in memory."""
        return self._held[junction].signal

    def known(self, junction: str) -> State | None:
        """A junction as it is in memory; None where it is not held, or just changes."""
        held = self._held.get(junction)
        return None if held is None or held.stale or held.busy else (held.signal, held.dated)

    def hear(self, events: Iterable[RecordedEvent]) -> None:
        """Follow what others appended; what this process did is known."""
        for event in events:
            signal_id = event.stream_id
            junction = signal_id.split("-", 2)[1]
            held = self._held.get(junction)
            if shard_of(junction) not in self._shards:
                pass
            elif held is None or signal_id > held.signal.id:
                self._discover(event, junction, held)
            elif signal_id == held.signal.id and event.version > held.signal.version:
                self._follow(held, event)
            self.position = event.position

    async def tick(self) -> None:
        """Wake every junction that is due, and wait until it is appended what that comes to."""
        await self.start()
        await self.finish()

    async def start(self) -> None:
        """Wake every junction that is due; what it comes to is appended together, meanwhile.

        Between some and the next ones others in this process have their turn.
        """
        now = self._services.clock()
        if now - self._looked_at >= LOOK:
            await self._look_at_controllers(now)
        began = milliseconds(now)
        while due := self._due(began):
            for each in due:
                task = asyncio.create_task(self._wake(each, now))
                self._woken[task] = now
                task.add_done_callback(self._ended)
            await asyncio.sleep(0)
            now = self._services.clock()
        self._started_at = moment(began)

    async def finish(self) -> None:
        """Wait for what was begun."""
        await asyncio.gather(*self._woken)

    async def stop(self) -> None:
        """Begin nothing more, and give up what was begun and is not with the store yet."""
        for task in self._woken:
            task.cancel()
        await asyncio.gather(*self._woken, return_exceptions=True)

    def _ended(self, task: "asyncio.Task[None]") -> None:
        if task.cancelled() or task.exception() is None:  # else whoever finishes is told
            del self._woken[task]

    @property
    def ticked_at(self) -> datetime | None:
        """Up to when all that was due has been decided: a sign of the centre."""
        return next(iter(self._woken.values()), self._started_at)

    def _due(self, at: int) -> list[str]:
        """Some of those that are due at `at`, the longest due first."""
        found: list[str] = []
        while len(found) < TOGETHER and (alarm := self.next_alarm) is not None and alarm <= at:
            _, junction = heapq.heappop(self._heap)
            held = self._held[junction]
            if not held.busy:  # else it sets its alarm when it is done
                held.busy = True
                LATE.observe(max(0, self._now_ms() - alarm) / 1000)
                found.append(junction)
        return found

    def told(self, junctions: Iterable[str]) -> None:
        """Something new was said of these: whose strategy is to be asked is asked now."""
        now = self._now_ms()
        for code in junctions:
            held = self._held.get(code)
            if held is not None and held.deciding.told(now, self._every_ms) and not held.busy:
                self._ring(code)

    async def _look_at_controllers(self, now: datetime) -> None:
        """When each was heard, whichever process it spoke to; and how many there are to ask."""
        asked = sum(1 for held in self._held.values() if held.deciding.strategy)
        self._every_ms = pace(asked)
        try:
            found = await heard_since(self._store, self._looked_at - LOOK)
        except AWAY:
            return  # nothing is decided either
        for junction, heard_at in found.items():
            if junction in self._held:
                self._held[junction].controller_heard = milliseconds(heard_at)
        self._looked_at = now

    async def _wake(self, junction: str, now: datetime) -> None:
        """Let one junction do what it is time for; whatever fails costs no other one anything."""
        held, again = self._held[junction], self._now_ms() + AGAIN_MS
        try:
            if held.stale:
                await self._reload(held)
            again = await self._decide(held, now)
            if held.stale:  # somebody came after us
                again = milliseconds(now)
        except WrongExpectedVersion:
            held.stale, again = True, milliseconds(now)  # somebody came first
        except AWAY as error:
            held.stale = True
            if not held.may_have_missed:
                held.missed_since, held.may_have_missed = self.ticked_at, True
            log.warning("signal_store_away", junction=junction, error=type(error).__name__)
        except Exception:
            held.stale, again = True, self._now_ms() + LATER_MS
            FAILED.inc()
            log.exception("signal_control_failed", junction=junction)
        finally:
            held.busy = False
            self._set_alarm(junction, again)

    async def _decide(self, held: Held, now: datetime) -> int:
        """Decide and append; when it wants to be woken again."""
        at = milliseconds(now)
        if held.may_have_missed and not held.signal.closed:
            note_absence(held.signal, held.dated.junction, now, held.missed_since)
        if held.signal.closed or at >= turns_at(held.signal, at):
            await self._turn(held, now)
        plan_due, flashes = held.plan_due, held.signal.flash is not None
        if plan_due is not None and at >= plan_due and not flashes:
            plan_due = follow_schedule(held.signal, held.dated, self._calendar, now)
        signal, junction, plan = held.signal, held.dated.junction, held.plan
        note_silence(signal, junction, now, held.controller_heard)
        if held.is_due(at):
            wake(signal, junction, plan, now, heard_at=held.heard_at)
        asks = decide(
            signal,
            held.dated,
            plan,
            now,
            held.deciding,
            self._observed,
            self._every_ms,
            self._ready,
            self._beside,
        )
        note_presence(signal, now)
        await self._save(signal)
        held.plan_due, held.may_have_missed = plan_due, False
        if held.is_due(at):
            held.wakes_at = next_alarm(signal, junction, plan, at, heard_at=held.heard_at)
            held.wakes_as_of = signal.id, signal.version
        alarm = held.wakes_at
        silent = silent_from(signal, junction, held.controller_heard)
        times = [alarm, silent, asks, None if flashes else plan_due, turns_at(signal, at)]
        return max(min(each for each in times if each is not None), at + TICK_MS)

    def _beside(self, seen: Observations, junction: Junction) -> Observations:
        """What is seen of a junction, and what those beside it say that this process controls."""

        def said(code: str) -> Tells | None:
            held = self._held.get(code)
            return None if held is None else held.deciding.tells

        return with_neighbours(seen, junction, self._feeds, said)

    async def _turn(self, held: Held, now: datetime) -> None:
        """Close the day and open the next one. A crash between the two is made good here."""
        definitions = self._services.definitions.of(SignalDefinitions)
        dated = definitions.at(held.signal.junction, now)
        assert dated is not None
        following = next_day(held.signal, dated.junction, now, dated.first_stage)
        held.signal.close(now, next_day=following.day)
        await self._save(held.signal)
        await self._save(following)
        held.signal, held.dated, held.plan_due = following, dated, 0
        self._observed.go_by(dated)

    async def _save(self, signal: Signal) -> None:
        if signal.pending_events:
            context = CommandContext(ACTOR, "process", uuid4(), uuid4())
            await self._store.save(signal, metadata=context.metadata())

    async def _reload(self, held: Held) -> None:
        stream_id = await newest_stream(self._store, held.signal.junction)
        self._take(await self._store.load(Signal, stream_id))

    def _take(self, signal: Signal) -> None:
        """Hold a state as it was loaded."""
        dated = definition_of(self._services, signal)
        self._observed.go_by(dated)
        held = self._held.get(signal.junction)
        if held is None:
            self._held[signal.junction] = Held(signal, dated)
        else:
            held.signal, held.dated, held.stale, held.plan_due = signal, dated, False, 0

    def _discover(self, event: RecordedEvent, junction: str, held: Held | None) -> None:
        """A stream that was opened by somebody else: a junction is in service, or a day began."""
        if held is not None:
            held.stale = True
        elif event.version == 1:
            self._take(self._opened(event))
            HELD.set(len(self._held))
        if junction in self._held:
            self._ring(junction)

    def _follow(self, held: Held, event: RecordedEvent) -> None:
        """An event of somebody else on a stream that is held."""
        if held.busy or held.stale or event.version != held.signal.version + 1:
            held.stale = True
        else:
            self._store.to_domain_event(event).mutate(held.signal)
        self._ring(held.signal.junction)

    def _opened(self, event: RecordedEvent) -> Signal:
        signal = self._store.to_domain_event(event).mutate(None)
        assert isinstance(signal, Signal)
        return signal

    def _ring(self, junction: str) -> None:
        self._set_alarm(junction, self._now_ms())
        self.bell.set()

    def _set_alarm(self, junction: str, at: int) -> None:
        if junction in self._held:
            self._held[junction].alarm = at
            heapq.heappush(self._heap, (at, junction))

    def _is_old(self, at: int, junction: str) -> bool:
        """Whether a junction's alarm was moved since; one that is being woken sets its own."""
        held = self._held.get(junction)
        return held is None or held.alarm != at

    def _now_ms(self) -> int:
        return milliseconds(self._services.clock())

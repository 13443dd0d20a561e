"""Junctions that a server controls, on a clock that the test sets."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from citybrain.audit.signals.exports import by_version, read_log
from citybrain.audit.signals.verify import Violation, verify
from citybrain.definitions.signals.junctions import SignalDefinitions
from citybrain.domain.actor import Actor, Role
from citybrain.domain.signals.officers import Reason
from citybrain.domain.signals.signal_events import milliseconds
from citybrain.eventstore import EventStore
from commands.services import Services
from commands.signals.control import SignalControl
from commands.signals.controlled import controlled
from commands.signals.controllers import note_centre
from commands.signals.junction import PutJunctionInService, put_junction_in_service
from commands.signals.observed import Observed
from commands.signals.processes.control import TOPICS
from commands.signals.sharing import SHARDS
from tests.given.services import context, services_over

POLICE = "traffic_police"
OFFICER = Actor("officer-1", frozenset({Role.OFFICIAL}), POLICE)
RENMIN = ("renmin_1", "renmin_2", "renmin_3", "renmin_4")


@dataclass
class Clock:
    """A clock that stands still until it is set."""

    now: datetime

    def __call__(self) -> datetime:
        return self.now


@dataclass
class Centre:
    """The control process, a step at a time."""

    services: Services
    clock: Clock
    control: SignalControl
    memory: Observed | None = None

    @classmethod
    async def over(cls, store: EventStore, now: datetime) -> "Centre":
        return await cls.of(services_over(store), now)

    @classmethod
    async def of(cls, services: Services, now: datetime) -> "Centre":
        clock = Clock(now)
        services.clock = clock
        centre = cls(services, clock, SignalControl(services))
        await centre.take_over()
        return centre

    async def take_over(self) -> None:
        """Another process leads from here on: nothing of the one before is left."""
        self.control = SignalControl(self.services, self.memory)
        controlled(self.services).of = self.control.known
        await self.control.load()

    async def told(self) -> None:
        """Others can see that the centre decides."""
        assert self.control.ticked_at is not None
        await note_centre(self.services.store, range(SHARDS), self.control.ticked_at)

    async def hear(self) -> None:
        """What others have appended since."""
        store, position = self.services.store, self.control.position
        self.control.hear(await store.read_all(position, topics=TOPICS, limit=10_000))

    async def run_until(self, moment: datetime) -> None:
        """Wake all junctions at each moment at which one wants to be woken; the clock goes on."""
        await self.hear()
        while True:
            alarm = self.control.next_alarm
            due = None if alarm is None else datetime.fromtimestamp(alarm / 1000, UTC)
            if due is None or due > moment:
                break
            self.clock.now = max(self.clock.now, due)
            await self.control.tick()
        self.clock.now = moment

    async def run(self, seconds: float) -> None:
        await self.run_until(self.clock.now + timedelta(seconds=seconds))

    async def violations(self) -> dict[str, list[Violation]]:
        """What the checker finds in the log, of each junction."""
        definitions = self.services.definitions.of(SignalDefinitions)
        found: dict[str, list[Violation]] = {}
        for code, events in (await read_log(self.services.store)).items():
            for version, of_version in by_version(events).items():
                dated = definitions.of_version(code, version)
                assert dated is not None
                until = milliseconds(self.clock.now)
                found.setdefault(code, []).extend(verify(dated.file, of_version, until))
        return found


async def in_service(centre: Centre, *junctions: str) -> None:
    """Put junctions in service now."""
    for code in junctions:
        command = PutJunctionInService(reason=Reason.NEW)
        await put_junction_in_service(code, command, context(OFFICER), centre.services)

"""A city that parks, whose workers are processes of their own that die and are replaced.

People act here, one thing after the other, over a clock that is set; `work` waits until the workers
have done all that follows. What is asked afterwards is the log, the bank's book and what was sent.
"""

import asyncio
import json
import os
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import uuid4

from citybrain.city_day import city_day
from citybrain.domain.actor import Actor, Role
from citybrain.domain.parking.claim import Claim
from citybrain.domain.parking.session import ParkingSession
from citybrain.eventstore import EventStore
from citybrain.notifications import OUTBOX
from citybrain.settings import Settings
from citybrain.systems.parking import PARKING
from commands.citizens.citizen import RegisterCitizen, register_citizen
from commands.handling import CommandContext
from commands.parking.binding import BindPlate, bind_plate
from commands.parking.detection import Recorded, RecordParkingDetection, record_detections
from commands.parking.places import describe_places
from commands.processes.parked import parked_commands
from commands.services import Services
from commands.treasury.reconciling import reconcile
from ops.simulators.applications.identity_numbers import identity_number
from projections.status import projection_status
from tests.given.agreements import PARKING_NOTICE
from tests.given.numbers import next_number
from tests.given.parking.city import IMPORT, WATCHER, at
from tests.given.parking.collecting import BORN, CLERK, Street, collecting, context
from tests.given.parking.dying_city import CLOCK, DEATHS, publish
from tests.given.parking.reserving import places, sent
from tests.given.processes import BEHIND
from tests.given.waiting import PATIENCE_SECONDS
from tests.given.warm import Warm

BANK, DAY = "bank-payments", "2026-09-08"
LOOK_SECONDS = 0.05  # to look costs what a step of the work does
DUE = "SELECT count(*) FROM stream_alarms WHERE alarm_at <= $1"
HAPPENED = "SELECT count(*) FROM stored_events WHERE topic = $1"
OPENED = "SELECT originator_id FROM stored_events WHERE topic = 'parking.opened'"
WORDS = ("reason", "kind", "how", "why_not", "standing", "cause", "status", "ending", "sign", "why")
OF_CHANCE = ("milliseconds", "attempts", "settled_at", "booked_at")


@dataclass(frozen=True, slots=True)
class Driver:
    """Somebody, their number at the bank, their phone, and the binding of their plate."""

    actor: Actor
    number: str
    phone: str
    binding: str | None

    @property
    def id(self) -> str:
        """The citizen."""
        return self.actor.subject


@dataclass
class MortalCity:
    """`fatal` are the process managers at whose steps workers die."""

    settings: Settings
    street: Street
    fatal: tuple[str, ...] = ()
    worker: Warm | None = None
    drivers: list[Driver] = field(default_factory=list)
    signs: int = 0

    @property
    def services(self) -> Services:
        """Those of the people who act here."""
        return self.street.services

    @property
    def store(self) -> EventStore:
        """The log."""
        return self.street.services.store

    # --- time and work

    async def clock(self, clock: str, day: str = DAY) -> None:
        """It is this time of that day now, also for who works; what it is time for is done."""
        self.set_clock(at(clock, day))
        await self.work()

    def set_clock(self, now: datetime) -> None:
        """The same, and nothing has been done yet."""
        self.services.clock = lambda: now
        publish(now, self.services)
        file = self.settings.data_dir / CLOCK
        file.with_suffix(".new").write_text(now.isoformat())
        file.with_suffix(".new").replace(file)

    async def work(self, *happened: str) -> None:
        """Until all that follows is done, and these topics are in the log; who dies is replaced."""
        worker = await self._alive()
        async with asyncio.timeout(PATIENCE_SECONDS) as patience:
            while True:
                if worker is not (worker := await self._alive()):
                    now = asyncio.get_running_loop().time()
                    patience.reschedule(now + PATIENCE_SECONDS)
                if await self._at_rest(happened) and worker.status is None:
                    return
                await asyncio.sleep(LOOK_SECONDS)

    async def _alive(self) -> Warm:
        if self.worker is not None and self.worker.status is None:
            return self.worker
        if self.worker is not None:
            error = self.worker.err.read_text()
            assert "Traceback" not in error, error
        database = self.settings.database_url
        assert database is not None
        self.worker = Warm(
            self.settings.data_dir / "said",
            "tests.given.parking.dying_city",
            *self.fatal,
            environment={
                **os.environ,
                "CITYBRAIN_MODE": "development",
                "CITYBRAIN_DATABASE_URL": database.get_secret_value(),
                "CITYBRAIN_DATA_DIR": str(self.settings.data_dir),
            },
        )
        return self.worker

    async def _at_rest(self, happened: tuple[str, ...]) -> bool:
        pool, head = self.store.pool, await self.store.head()
        wanted = [
            (each.manager.name, topic)
            for each in PARKING.processes
            for topic in each.manager.topics
        ]
        names, topics = zip(*wanted, strict=True)
        if await pool.fetchval(BEHIND, names, topics):
            return False
        if await pool.fetchval(DUE, self.services.clock()):
            return False
        for topic in happened:
            if not await pool.fetchval(HAPPENED, topic):
                return False
        models = await projection_status(self.store, PARKING.projections)
        return not any(each["lag"] for each in models) and head == await self.store.head()

    async def restart(self) -> None:
        """Another server takes over: what comes with time is looked at."""
        if self.worker is not None:
            await self.worker.kill()

    # --- people

    async def person(self, plate: str | None = None) -> Driver:
        """Somebody new; with a plate they have bound it, and it pays."""
        serial = next_number("citizen")
        number, phone = identity_number(BORN, serial), f"138{serial:08}"
        command = RegisterCitizen(
            name="張三", id_number=number, birth_date=BORN, phone=phone, simulated=True
        )
        citizen = (await register_citizen(command, context(CLERK), self.services)).stream_id
        actor = Actor(citizen, frozenset({Role.CITIZEN}))
        binding = None
        if plate is not None:
            bind = BindPlate(
                plate=plate,
                per_debit_limit_fen=2000,
                per_day_limit_fen=5000,
                notice_sha256=PARKING_NOTICE,
            )
            binding = (await bind_plate(bind, self.by(actor), self.services)).stream_id
        self.drivers.append(Driver(actor, number, phone, binding))
        return self.drivers[-1]

    def by(self, actor: Actor) -> CommandContext:
        """Of a command that somebody sends."""
        return CommandContext(actor, "test", uuid4(), uuid4())

    # --- cars

    async def sees(self, sign: str, place: str, when: str, plate: str | None, **said: Any) -> None:
        """A camera says what it sees, and all that follows was done.

        Whether two signs are taken together depends on speed, and what is recorded depends on it.
        """
        self.signs += 1
        sure = {} if plate is None else {"confidence": 97}
        body = {
            "device_id": "c-1",
            "ref": f"r{self.signs}",
            "sign": sign,
            "place_id": place,
            "occurred_at": at(when, said.pop("day", DAY)),
            "plate": plate,
        }
        command = RecordParkingDetection.model_validate(body | sure | said)
        (found,) = await record_detections([command], context(WATCHER), self.services)
        assert isinstance(found, Recorded), found
        await self.work()

    async def parks(
        self, plate: str | None, place: str, begins: str = "09:00", ends: str = "10:40", **said: Any
    ) -> ParkingSession:
        """A car came and went, and all that follows was done."""
        known = {each.id for each in await self.sessions()}
        for sign, when in (("arrived", begins), ("left", ends)):
            await self.sees(sign, place, when, plate, **said)
        (found,) = [each for each in await self.sessions() if each.id not in known]
        return found

    async def sessions(self) -> list[ParkingSession]:
        """All of them."""
        rows = await self.store.pool.fetch(OPENED)
        return [await self.store.load(ParkingSession, row[0]) for row in rows]

    async def claim(self, session: ParkingSession) -> Claim:
        """What is owed for it now."""
        found = (await self.store.load(ParkingSession, session.id)).claim
        assert found is not None
        return await self.street.claim(found)

    # --- what is left of it

    async def state(self) -> dict[str, Any]:
        """All that happened, but for ids, times and seals; what was sent, and who paid what."""
        streams: dict[str, list[tuple[str, str]]] = {}
        for event in await self.store.read_all(limit=await self.store.head() + 1):
            streams.setdefault(event.stream_id, []).append((event.topic, _said(event.data)))
        return {
            "streams": Counter(tuple(events) for events in streams.values()),
            "sent": sorted((each["phone"], each["text"]) for each in self._sent()),
            "paid": [self.street.spent(driver.number) for driver in self.drivers],
            "earned": self.street.earned(),
            "moved": sorted(
                (line["kind"], line["status"], line["amount_fen"])
                for line in self.street.departments.ledger()
            ),
            "places": await self.store.pool.fetchval("SELECT count(*) FROM parking_presences"),
        }

    async def is_whole(self) -> None:
        """Nothing was set aside or sent twice, and the bank's book says what ours does."""
        assert await parked_commands(self.store) == []
        ids = [each["message_id"] for each in self._sent()]
        assert len(ids) == len(set(ids))
        made = Counter(line["payment_id"] for line in self.street.departments.ledger())
        assert set(made.values()) <= {1}
        today = datetime.now(UTC)
        for day in {city_day(today), city_day(today - timedelta(hours=1)), date.fromisoformat(DAY)}:
            found = await reconcile(day, context(), self.services)
            assert (found.differences, found.difference_fen) == ((), 0)

    def _sent(self) -> list[dict[str, str]]:
        file = self.settings.data_dir / OUTBOX
        return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []

    def deaths(self) -> list[str]:
        """Where somebody died."""
        file = self.settings.data_dir / DEATHS
        return file.read_text().splitlines() if file.exists() else []


def _said(data: dict[str, Any]) -> str:
    """What an event says, without what another run says otherwise."""
    said = {
        name: value
        for name, value in sorted(data.items())
        if (isinstance(value, int) or name in WORDS) and name not in OF_CHANCE
    }
    return json.dumps(said, default=str, ensure_ascii=False)


@asynccontextmanager
async def mortal_city(settings: Settings, *fatal: str) -> AsyncIterator[MortalCity]:
    """It is noon; the places are known, and nobody works yet."""
    async with collecting(settings) as street:
        city = MortalCity(settings, street, fatal)
        city.set_clock(at("12:00", DAY))
        await describe_places(places(), sent(IMPORT), street.services)
        try:
            yield city
        finally:
            await city.restart()

"""A whole city that parks, and its gateway in a process of its own that is told how to misbehave.

Server, read models and process managers are the real ones, over a clock that the test sets; the
gateway calls back over HTTP. Nobody here knows what the gateway did but by asking it.
"""

import re
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import uuid4

import aiohttp
from aiohttp import web

from citybrain.app import open_runtime
from citybrain.city_day import city_day
from citybrain.domain.actor import Actor, Role
from citybrain.domain.parking.claim import Claim
from citybrain.domain.parking.payment import next_step
from citybrain.domain.parking.session import ParkingSession
from citybrain.exchange.answers import JOSE
from citybrain.exchange.directory import load_directory
from citybrain.http.server import serving
from citybrain.settings import Settings
from citybrain.systems.parking import PARKING
from commands.handling import CommandContext
from commands.parking.binding import BindPlate, bind_plate
from commands.parking.detection import Recorded, RecordParkingDetection, record_detections
from commands.processes.alarms import StreamAlarms
from commands.treasury.reconciling import reconcile
from ops.simulators.applications.identity_numbers import identity_number
from tests.given.agreements import PARKING_NOTICE
from tests.given.api import Api
from tests.given.applying import registered
from tests.given.at_work import FOR_PARKING
from tests.given.numbers import next_number
from tests.given.outbox import messages
from tests.given.parking.city import WATCHER, Street, at
from tests.given.parking.collecting import context
from tests.given.processes import BEHIND
from tests.given.server import environment_of
from tests.given.waiting import eventually, holds
from tests.given.warm import Warm

CALLBACKS = "/v1/parking/payments/callbacks"
CONTROL = re.compile(r"(http://127\.0\.0\.1:\d+)/control")
BANK, BORN = "bank-payments", date(1990, 5, 1)
OPENED = "SELECT originator_id FROM stored_events WHERE topic = 'parking.opened'"
DUE = "SELECT count(*) FROM stream_alarms WHERE alarm_at <= $1"
ALARMS = [each.manager for each in PARKING.processes if isinstance(each.manager, StreamAlarms)]


@dataclass
class Door:
    """Where the gateway calls back: it is there before our server is, which is behind it."""

    session: aiohttp.ClientSession
    server: str | None = None
    url: str = ""
    taken: int = 0

    async def forward(self, request: web.Request) -> web.Response:
        """Hand a message on; 503 while there is nobody to hand it to."""
        body = await request.read()
        if self.server is None:
            return web.Response(status=503)
        headers = {"Content-Type": JOSE}
        async with self.session.post(self.server + CALLBACKS, data=body, headers=headers) as answer:
            self.taken += 1
            return web.Response(status=answer.status)


@dataclass(frozen=True, slots=True)
class Driver:
    """Somebody whose car pays by itself."""

    citizen: str
    number: str
    phone: str
    plate: str


@dataclass
class Town:
    """The city, and how its gateway is told what to do."""

    api: Api
    control_url: str
    orders_url: str
    street: Street
    door: Door
    began: datetime = field(default_factory=lambda: datetime.now(UTC))

    # --- the gateway's process

    async def fault(self, mode: str, **said: Any) -> dict[str, Any]:
        """Let it misbehave; how it does now."""
        return await self._told("control", {"member": BANK, "mode": mode} | said)

    async def gateway(self, do: str, **said: Any) -> dict[str, Any]:
        """Let it hold messages back, say them, or what is not so."""
        return await self._told("gateway", {"do": do} | said)

    async def ledger(self) -> list[dict[str, Any]]:
        """Its book."""
        async with self.api.session.get(f"{self.control_url}/ledger") as answer:
            return list(await answer.json())

    async def requests(self) -> int:
        """How often it was asked."""
        async with self.api.session.get(f"{self.control_url}/control") as answer:
            return int((await answer.json())[BANK]["requests"])

    async def _told(self, what: str, body: dict[str, Any]) -> dict[str, Any]:
        async with self.api.session.post(f"{self.control_url}/{what}", json=body) as answer:
            assert answer.status == 200, await answer.text()
            return dict(await answer.json())

    # --- people and their cars

    async def driver(self, plate: str) -> Driver:
        """Somebody who has bound this plate."""
        serial = next_number("citizen")
        number, phone = identity_number(BORN, serial), f"138{serial:08}"
        citizen = await registered(self.api, number, phone=phone)
        command = BindPlate(
            plate=plate,
            per_debit_limit_fen=2000,
            per_day_limit_fen=5000,
            notice_sha256=PARKING_NOTICE,
        )
        actor = Actor(citizen, frozenset({Role.CITIZEN}))
        by = CommandContext(actor, "test", uuid4(), uuid4())
        binding = (await bind_plate(command, by, self.api.runtime.services)).stream_id
        await self.until(binding, "parking.plate_binding_activated")
        return Driver(citizen, number, phone, plate)

    async def parks(self, plate: str, place: str, begins: str, ends: str) -> str:
        """A car came and went, and its session is priced; the session."""
        commands = [
            RecordParkingDetection.model_validate(
                self.street.sign(sign, place, at(clock), plate=plate)
            )
            for sign, clock in (("arrived", begins), ("left", ends))
        ]
        for each in await record_detections(commands, context(WATCHER), self.api.runtime.services):
            assert isinstance(each, Recorded), each
        seen: set[str] = set(await self.sessions())

        async def opened() -> str | None:
            return next(iter(set(await self.sessions()) - seen), None)

        session = await eventually(opened)
        await self.until(session, "parking.priced")
        return session

    async def sessions(self) -> list[str]:
        """All of them."""
        rows = await self.api.runtime.store.pool.fetch(OPENED)
        return [row[0] for row in rows]

    async def order(self, claim_id: str, driver: Driver) -> str:
        """What the driver has to hand to the gateway to pay in the app."""
        path = f"/v1/parking/claims/{claim_id}/payment"
        answer = await self.api.call("POST", path, "citizen", subject=driver.citizen, json={})
        assert answer.status == 200, answer.body
        return str(answer.json["order"])

    async def pay(self, order: str, driver: Driver) -> dict[str, Any]:
        """Hand it over; what the gateway says."""
        body = {"order": order, "means": driver.number}
        async with self.api.session.post(self.orders_url, json=body) as answer:
            assert answer.status == 200, await answer.text()
            return dict(await answer.json())

    # --- what becomes of it

    async def later(self, **by: float) -> None:
        """The city's clock goes on, and whoever was to be woken until then has been."""
        await self._alarms_are_noted()
        services = self.api.runtime.services
        await self.set_clock(services.clock() + timedelta(**by))

        async def nothing_is_due() -> bool:
            return not await services.store.pool.fetchval(DUE, services.clock())

        await eventually(nothing_is_due)
        await self._alarms_are_noted()

    async def set_clock(self, now: datetime) -> None:
        """The city's and the gateway's."""
        self.street.clock(now)
        await self.gateway("clock", now=now.timestamp())

    async def _alarms_are_noted(self) -> None:
        wanted = [(each.name, topic) for each in ALARMS for topic in each.topics]
        names, topics = zip(*wanted, strict=True)

        async def noted() -> bool:
            return not await self.api.runtime.store.pool.fetchval(BEHIND, names, topics)

        await eventually(noted)

    async def until(self, stream_id: str, topic: str, times: int = 1) -> None:
        """This has happened to a stream so many times."""

        async def happened() -> bool:
            return (await self.topics(stream_id))[topic] >= times

        await eventually(happened)

    async def topics(self, stream_id: str) -> Counter[str]:
        """How often each thing happened to a stream."""
        store = self.api.runtime.store
        return Counter(event.topic for event in await store.read(stream_id))

    async def session(self, session_id: str) -> ParkingSession:
        """As the stream has it."""
        return await self.api.runtime.store.load(ParkingSession, session_id)

    async def claim(self, session_id: str) -> Claim:
        """What is owed for a session."""

        async def raised() -> str | None:
            return (await self.session(session_id)).claim

        return await self.api.runtime.store.load(Claim, await eventually(raised))

    async def claim_of(self, claim_id: str) -> Claim:
        """As the stream has it."""
        return await self.api.runtime.store.load(Claim, claim_id)

    async def settled(self, session_id: str) -> Claim:
        """The claim of a session, once both say so and nothing is to be told the gateway."""

        async def rests() -> Claim | None:
            claim, session = await self.claim(session_id), await self.session(session_id)
            said = claim.settled and session.settled and next_step(claim) is None
            return claim if said else None

        return await eventually(rests)

    def told(self, driver: Driver) -> int:
        """How many messages they got."""
        return [phone for phone, _ in messages(self.api)].count(driver.phone)

    async def spent(self, driver: Driver) -> int:
        """What the gateway's book says that they have paid, less what came back, in fen."""
        made = {each["payment_id"]: each for each in await self.ledger()}
        own = {key for key, each in made.items() if each.get("payer_id_number") == driver.number}
        fen = 0
        for each in made.values():
            back = each.get("refund_of") or each.get("chargeback_of")
            if each["status"] == "success" and (each["payment_id"] in own or back in own):
                fen += -each["amount_fen"] if back else each["amount_fen"]
        return fen

    async def equals_the_gateways_book(self) -> None:
        """Ours says the same as the gateway's ledger and statement, to the fen; nothing is lost.

        No payment is there twice, and none under another claim than we know.
        """
        services, claims = self.api.runtime.services, []
        for session in await self.sessions():
            owed = (await self.session(session)).claims
            claims += [await services.store.load(Claim, claim_id) for claim_id in owed]
        made = await self.ledger()
        assert len({each["payment_id"] for each in made}) == len(made)
        signs = {"charge": 1, "refund": -1, "chargeback": -1}
        booked = sum(
            signs[each["kind"]] * each["amount_fen"] for each in made if each["status"] == "success"
        )
        taken_back = sum(
            each["charged_back_fen"] for claim in claims for each in claim.payments.values()
        )
        back = sum(
            each["amount_fen"]
            for claim in claims
            for each in claim.refunds.values()
            if each["state"] == "refunded"
        )
        captured = sum(
            each["amount_fen"]
            for claim in claims
            for each in claim.payments.values()
            if each["state"] == "captured"
        )
        assert booked == captured - back - taken_back
        for day in {city_day(self.began), city_day(datetime.now(UTC))}:
            found = await reconcile(day, context(), services)
            assert (found.differences, found.difference_fen) == ((), 0)


@asynccontextmanager
async def town(settings: Settings) -> AsyncIterator[Town]:
    """It is noon of a Monday; everything listens."""
    settings.http_port = 0
    settings.rate_limit_per_second, settings.rate_limit_burst = 1e6, 1_000_000
    async with (
        aiohttp.ClientSession() as session,
        _door(session) as door,
        _gateway(settings, door.url) as control_url,
        open_runtime(settings, faces=False, at_work=FOR_PARKING) as runtime,
        serving(runtime) as door.server,
    ):
        street = await Street.open(runtime.services, at("12:00"))
        bank = load_directory(settings).bank
        assert bank is not None
        api = Api(door.server, runtime, session)
        opened = Town(api, control_url, f"{bank.url}/orders", street, door)
        await opened.set_clock(at("12:00"))
        yield opened


@asynccontextmanager
async def _door(session: aiohttp.ClientSession) -> AsyncIterator[Door]:
    door, app = Door(session), web.Application()
    app.router.add_post("/", door.forward)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    host, port = runner.addresses[0][:2]
    door.url = f"http://{host}:{port}/"
    try:
        yield door
    finally:
        await runner.cleanup()


@asynccontextmanager
async def _gateway(settings: Settings, callbacks: str) -> AsyncIterator[str]:
    """The simulators' process; the address under which it is told how to behave."""
    data = settings.data_dir
    process = Warm(
        data / "simulators",
        "ops.simulators.applications.departments",
        *("--data-dir", str(data), "--latency", "0", "0", "--seed", "1", "--callbacks", callbacks),
        environment=environment_of(data),
    )
    try:
        await holds(lambda: CONTROL.search(process.out.read_text()))
        found = CONTROL.search(process.out.read_text())
        assert found is not None, process.err.read_text()
        yield found[1]
    finally:
        await process.kill()

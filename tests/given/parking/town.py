"""A town as its users see it: devices, drivers, officers, a registry and a gateway, all over HTTP.

The clock is set by the test, also the gateway's. `quiet` waits until process managers and read
models have nothing more to do, so that a test says what stands then.
"""

import csv
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from io import StringIO
from types import SimpleNamespace
from typing import Any

import pytest

from citybrain.definitions.parking.rules import DatedRules, ParkingRulesDefinitions
from citybrain.definitions.parking.tariffs import TariffDefinitions
from citybrain.domain.parking.rules import ParkingRules
from citybrain.domain.parking.tariff import Tariff, TariffVersion
from citybrain.exchange.directory import load_directory
from citybrain.http.parking.cds.identities import uuid_of
from citybrain.settings import Settings
from citybrain.systems.parking import PARKING
from commands.parking.places import NewPlace, describe_places
from commands.parking.processes.reminding import ParkingReminders
from commands.parking.processes.reservation_deadlines import ReservationDeadlines
from commands.parking.processes.sessions import ParkingSessions
from commands.parking.standing import standing_by
from ops.simulators.applications.departments import Departments
from ops.simulators.applications.departments.ledger import OPENING_FEN
from projections.parking.berths import watching
from tests.given.agreements import PARKING_NOTICE
from tests.given.api import Answer, Api
from tests.given.applying import applying, id_number, registered
from tests.given.at_work import FOR_PARKING
from tests.given.parking.cds.client import ms
from tests.given.parking.city import IMPORT, places
from tests.given.parking.reserving import sent
from tests.given.processes import BEHIND
from tests.given.read_models import caught_up
from tests.given.waiting import eventually

SESSIONS, CLAIMS = "/v1/parking/sessions", "/v1/parking/claims"
OFFICER, SECOND = "officer-1", "officer-2"
MODELS = tuple(model.name for model in PARKING.projections)
WAKERS = [
    (process.manager.name, topic)
    for process in PARKING.processes
    for topic in process.manager.topics
]
QUICK_SECONDS = 0.02

Sign = dict[str, Any]


@dataclass
class ParkingTown:
    """The small city of `city.py` with people in it."""

    api: Api
    departments: Departments
    orders_url: str
    now: datetime
    numbers: dict[str, str] = field(default_factory=dict)
    """Of each driver, the number at the bank."""
    told: int = 0

    def clock(self, now: datetime) -> None:
        """It is this time now, everywhere."""
        self.now = now

    # --- devices --------------------------------------------------------------------------

    def sign(self, sign: str, place: str | None, when: datetime, **said: Any) -> Sign:
        """What camera `c-1` says; sure of the plate, if it says one."""
        self.told += 1
        sure = {"confidence": 97} if said.get("plate") else {}
        body = {
            "device_id": "c-1",
            "ref": f"r{self.told}",
            "sign": sign,
            "place_id": place,
            "occurred_at": when.isoformat(),
        }
        return body | sure | said

    async def say(self, *signs: Sign) -> Answer:
        """Tell signs in one batch; what follows from them is done."""
        answer = await self.api.call(
            "POST", "/v1/parking/detections/batch", "gateway", json={"detections": [*signs]}
        )
        assert answer.status == 200, answer.body
        await self.quiet()
        return answer

    async def stay(
        self, place: str, begins: datetime, ends: datetime, **said: Any
    ) -> dict[str, Any]:
        """A vehicle came and went, and all that follows was done; its session."""
        answer = await self.say(
            self.sign("arrived", place, begins, **said), self.sign("left", place, ends, **said)
        )
        assert answer.json["refused"] == [], answer.body
        return (await self.sessions(f"?place_id={place}"))[0]

    async def tick(self) -> None:
        """The work of processes that comes with time is done, as of now."""
        await ParkingSessions().tick(self.api.runtime.services)
        await ParkingReminders().ring_due(self.api.runtime.services)
        deadlines = ReservationDeadlines(standing_by(watching))
        await deadlines.ring_due(self.api.runtime.services)
        await self.quiet()

    async def quiet(self) -> None:
        """Until process managers and read models of parking have nothing more to do."""
        store, callbacks = self.api.runtime.store, self.departments.gateway.callbacks
        names, topics = zip(*WAKERS, strict=True)

        async def nothing_to_do() -> bool:
            if not callbacks.holding:
                await callbacks.taken()
            head = await store.head()
            behind = await store.pool.fetchval(BEHIND, names, topics)
            return not behind and head == await store.head()

        await eventually(nothing_to_do)
        await caught_up(store, *MODELS)

    # --- people ---------------------------------------------------------------------------

    async def driver(self, plate: str | None = None, **said: Any) -> str:
        """Somebody new, who has bound the plate."""
        number = id_number()
        citizen = await registered(self.api, number, **said)
        self.numbers[citizen] = number
        if plate is not None:
            await self.bind(citizen, plate)
        return citizen

    async def bind(self, citizen: str, plate: str) -> str:
        """They bind a plate, and the registry says that it is theirs; the binding."""
        body = {
            "plate": plate,
            "per_debit_limit_fen": 20_000,
            "per_day_limit_fen": 50_000,
            "notice_sha256": PARKING_NOTICE,
        }
        asked = await self.own(citizen, "POST", "/v1/parking/plates", json=body)
        assert asked.status == 201, asked.body
        await self.quiet()
        path = f"/v1/parking/plates/{asked.json['binding_id']}"
        binding = await self.own(citizen, "GET", path)
        assert binding.json["status"] == "active", binding.body
        return str(asked.json["binding_id"])

    async def own(self, citizen: str, method: str, path: str, **options: Any) -> Answer:
        """A citizen asks."""
        return await self.api.call(method, path, "citizen", subject=citizen, **options)

    async def office(
        self, method: str, path: str, subject: str = OFFICER, **options: Any
    ) -> Answer:
        """An officer of parking asks."""
        return await self.api.call(
            method, path, "official", subject=subject, department="parking", **options
        )

    async def decide(self, path: str, subject: str = OFFICER, **body: Any) -> Answer:
        """An officer decides, and all that follows is done."""
        answer = await self.office("POST", path, subject, json=body)
        assert answer.status == 200, answer.body
        await self.quiet()
        return answer

    async def pay(self, orders: Sequence[str]) -> None:
        """Somebody hands orders to the gateway with their money."""
        for order in orders:
            body = {"order": order, "means": "card-1"}
            async with self.api.session.post(self.orders_url, json=body) as answer:
                assert answer.status == 200, await answer.text()
        await self.quiet()

    # --- what they see --------------------------------------------------------------------

    async def sessions(self, query: str = "") -> list[dict[str, Any]]:
        """The sessions of the desk that were no mistake, the newest first."""
        answer = await self.office("GET", SESSIONS + query)
        assert answer.status == 200, answer.body
        return [each for each in answer.json["sessions"] if each["status"] != "voided"]

    async def session(self, session_id: str) -> dict[str, Any]:
        """One of them, as it stands now."""
        answer = await self.office("GET", f"{SESSIONS}/{session_id}")
        assert answer.status == 200, answer.body
        return dict(answer.json)

    async def one(self) -> dict[str, Any]:
        """The only one."""
        (found,) = await self.sessions()
        return found

    async def explained(self, session_id: str, query: str = "") -> dict[str, Any]:
        """Why it costs what it costs."""
        answer = await self.office("GET", f"{SESSIONS}/{session_id}/explanation{query}")
        assert answer.status == 200, answer.body
        return dict(answer.json)

    async def events(self, stream_id: str) -> list[tuple[str, dict[str, Any]]]:
        """What happened: topics without their system, and what they say."""
        return [
            (event.topic.removeprefix("parking."), dict(event.data))
            for event in await self.api.runtime.store.read(stream_id)
        ]

    async def said(self, stream_id: str, topic: str) -> list[dict[str, Any]]:
        """What the events of one topic say."""
        return [data for name, data in await self.events(stream_id) if name == topic]

    async def claims_of(self, citizen: str) -> list[dict[str, Any]]:
        """What somebody sees of what they owe and have paid."""
        answer = await self.own(citizen, "GET", CLAIMS)
        assert answer.status == 200, answer.body
        return list(answer.json["claims"])

    async def metric(
        self, berth: str, metric: str, begins: datetime, ends: datetime
    ) -> dict[tuple[str, int], float]:
        """A metric of a berth by local date and hour, as foreign clients read it."""
        place = f"curb_place_type=space&curb_place_id={uuid_of(berth)}"
        answer = await self.api.call(
            "GET",
            f"/cds/metrics/aggregates?{place}&start_time={ms(begins)}&end_time={ms(ends)}",
            "operator",
            headers={"Accept": "application/vnd.cds+csv;version=1.1"},
        )
        assert answer.status == 200, answer.body
        return {
            (row["date"], int(row["hour"])): float(row["value"])
            for row in csv.DictReader(StringIO(answer.body.decode(), newline=""))
            if row["metric_type"] == metric
        }

    def spent(self, citizen: str) -> int:
        """What was taken from a driver's account, less what came back, by the bank's book."""
        return OPENING_FEN - self.departments.book.holds_fen(self.numbers[citizen])

    def earned(self) -> int:
        """What the city has got of parking, by the bank's book."""
        return self.departments.book.balance_fen("parking")

    def moved(self) -> list[tuple[str, int]]:
        """All that the gateway was asked to move: what, and how much."""
        return [(line["kind"], line["amount_fen"]) for line in self.departments.ledger()]

    def rules(self, change: Callable[[ParkingRules], ParkingRules]) -> None:
        """Other rules are in force."""
        services = self.api.runtime.services
        known = services.definitions.of(ParkingRulesDefinitions).versions
        changed = tuple(DatedRules(each.valid_from, change(each.rules)) for each in known)
        services.definitions = services.definitions.extended(ParkingRulesDefinitions(changed))

    def tariff(self, *versions: TariffVersion) -> None:
        """These versions of the on-street tariff are all that there are."""
        services = self.api.runtime.services
        definitions = TariffDefinitions({"street": Tariff("street", versions)}, {})
        services.definitions = services.definitions.extended(definitions)


@asynccontextmanager
async def open_town(
    settings: Settings, patch: pytest.MonkeyPatch, now: datetime, *more: NewPlace
) -> AsyncIterator[ParkingTown]:
    """A server with its workers, a registry and a gateway that answer at once; and the places."""
    patch.setattr("commands.processes.side_by_side.CHECKPOINT_SECONDS", QUICK_SECONDS)
    async with applying(settings, at_work=FOR_PARKING) as (api, departments):
        departments.gateway.callbacks.url = f"{api.url}/v1/parking/payments/callbacks"
        bank = load_directory(settings).bank
        assert bank is not None
        town = ParkingTown(api, departments, f"{bank.url}/orders", now)
        services = api.runtime.services
        services.clock = lambda: town.now
        time = SimpleNamespace(time=lambda: town.now.timestamp())
        for module in ("parking.gateway", "applications.departments.ledger"):
            patch.setattr(f"ops.simulators.{module}.time", time)
        departments.gateway.clock = time.time
        await describe_places([*places(), *more], sent(IMPORT), services)
        await town.quiet()
        yield town

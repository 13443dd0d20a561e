"""`citybrain bench apply`: whole applications a second, from submission to the bank's receipt.

Each is a housing-fund withdrawal of somebody who was identified before: seven departments are
asked over HTTP and answer after 50 to 200 ms, signed; the rules decide; the bank answers after
as long. Arrivals keep their rate whatever the server does. The server has one core; PostgreSQL,
departments, bank and clients share what is left. The limit asks the same departments and the
same bank at the same rate and keeps nothing: what is above it is our own share. `cpu_us` is what
the server's process computes for one application, with its read models and all else that it runs.
"""

import asyncio
import os
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from functools import cache
from itertools import count
from pathlib import Path
from typing import Any
from uuid import uuid4

import aiohttp
import asyncpg
import psutil

from citybrain.app import open_services
from citybrain.city_day import city_day
from citybrain.definitions.applications.catalogue import Catalogue, ServiceItem
from citybrain.domain.actor import Actor, Role
from citybrain.domain.money import Fen
from citybrain.exchange import EvidenceRequest, Exchange, open_exchange
from citybrain.payments import Authorised, Payments, open_payments, payout
from citybrain.systems import load_definitions
from commands.citizens.citizen import RegisterCitizen, register_citizen
from commands.citizens.identity import ConfirmIdentity, confirm_identity
from commands.handling import CommandContext
from commands.services import Services
from ops.bench.child import ROOT, Child
from ops.bench.figures import Sample, sample
from ops.bench.http_server import CALLERS
from ops.bench.lines import AtMost, Line
from ops.bench.rounds import Contender
from ops.bench.workbench import BenchFailed, Workbench, bench_settings
from ops.simulators.applications.identity_numbers import identity_number

BENCH = "apply"
UNIT = "applications/s"
SERVICE = "housing-fund-repayment"
LATENCY_SECONDS = ("0.05", "0.2")
WARM_UP = 20
SHORTEST_SECONDS = 8.0
PATIENCE_SECONDS = 60.0
SETTLE_SECONDS = 1.0  # for the read models, after the last is paid
BOUND_MS = 2000.0
RAMP = (50, 75, 100, 125, 150, 200, 250, 300)
PAID = """
SELECT originator_id, recorded_at FROM stored_events
WHERE topic = 'application.payout_confirmed' AND originator_id = ANY($1)
"""
PAYMENTS = """
SELECT count(*) AS events, count(DISTINCT originator_id) AS streams FROM stored_events
WHERE topic = 'application.payout_confirmed'
"""

_numbers = count(1)


class Ground:
    """A server with its workers, departments and a bank, all real processes."""

    def __init__(self, facts: Any, services: Services, dsn: str, pid: int) -> None:
        self.url = f"http://{facts['host']}:{facts['port']}"
        self.services, self.dsn = services, dsn
        self._server = psutil.Process(pid)
        self._headers = [{"Authorization": f"Bearer {token}"} for token in facts["tokens"]]

    def cpu_seconds(self) -> float:
        """What the server has computed so far, in all its threads."""
        spent = self._server.cpu_times()
        return spent.user + spent.system

    async def people(self, number: int) -> list[str]:
        """Citizens who were identified a moment ago where they will apply; no couple among them."""
        limit = asyncio.Semaphore(16)

        async def one(place: int, kiosk: str) -> str:
            async with limit:
                registered = await register_citizen(
                    RegisterCitizen(
                        name="模拟",
                        id_number=_id_number(place),
                        birth_date="1990-05-01",
                        simulated=True,
                    ),
                    _context(),
                    self.services,
                )
                await confirm_identity(
                    registered.stream_id,
                    ConfirmIdentity(purpose=SERVICE, document="identity-card"),
                    _context(kiosk),
                    self.services,
                )
                return registered.stream_id

        return list(
            await asyncio.gather(
                *(one(next(_numbers), f"caller-{turn % CALLERS}") for turn in range(number))
            )
        )

    async def submit(
        self, session: aiohttp.ClientSession, place: int, citizen_id: str
    ) -> tuple[str, float]:
        """The application, and when it was sent (seconds since 1970)."""
        body = {"service": SERVICE, "channel": "kiosk", "citizen_id": citizen_id, "simulated": True}
        sent_at = time.time()
        async with session.post(
            f"{self.url}/v1/applications",
            json=body,
            headers=self._headers[place % len(self._headers)],
        ) as answer:
            if answer.status != 201:
                raise BenchFailed(f"an application was answered {answer.status}")
            return (await answer.json())["application_id"], sent_at


def _id_number(place: int) -> str:
    """In order for every department: no couple, no trouble."""
    return identity_number(date(1990, 5, 1), place)


def _context(subject: str = "clerk-1") -> CommandContext:
    clerk = Actor(subject, frozenset({Role.CLERK}), counter="counter-1")
    return CommandContext(clerk, "bench", uuid4(), uuid4())


@asynccontextmanager
async def _departments(data_dir: Path) -> AsyncIterator[None]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "ops.simulators.applications.departments",
        "--data-dir",
        str(data_dir),
        "--latency",
        *LATENCY_SECONDS,
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    try:
        if not await process.stdout.readline():
            raise BenchFailed("the departments did not start; see their message above")
        yield
    finally:
        process.terminate()
        await process.wait()


@asynccontextmanager
async def _ground(bench: Workbench) -> AsyncIterator[Ground]:
    core = min(os.sched_getaffinity(0))
    async with bench.database() as dsn, _departments(bench.folder / "data"):
        settings = bench_settings(dsn, bench.folder)
        server = await Child.start(
            "ops.bench.http_server",
            {"core": core, "url": dsn, "folder": str(bench.folder), "workers": True},
        )
        try:
            facts = await server.ready()
            async with open_services(settings) as services:
                yield Ground(facts, services, dsn, server.pid)
            await server.go()  # to its end
        finally:
            await server.stop()


async def _at_rate(rate: float, places: int, start: Callable[[int], Awaitable[Any]]) -> list[Any]:
    """Start one after the other at a rate, however long each takes; all results."""
    began, tasks = time.monotonic(), []
    for place in range(places):
        await asyncio.sleep(max(0.0, began + place / rate - time.monotonic()))
        tasks.append(asyncio.ensure_future(start(place)))
    return list(await asyncio.gather(*tasks))


async def _measured(ground: Ground, rate: float, seconds: float) -> Sample:
    """Applications at a rate; how long each took until its money was confirmed."""
    people, before = await ground.people(int(rate * seconds)), ground.cpu_seconds()
    async with aiohttp.ClientSession() as session:
        sent = await _at_rate(
            rate, len(people), lambda place: ground.submit(session, place, people[place])
        )
        paid = await _paid(ground, [application for application, _ in sent])
    await asyncio.sleep(SETTLE_SECONDS)
    computed = ground.cpu_seconds() - before
    latencies = [paid[application] - sent_at for application, sent_at in sent]
    span = max(paid.values()) - min(sent_at for _, sent_at in sent)
    return replace(sample(len(sent), span, latencies), cpu_us=computed / len(sent) * 1e6)


async def _paid(ground: Ground, applications: Sequence[str]) -> dict[str, float]:
    """When each was confirmed (seconds since 1970); raises where one is not in time."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    connection = await asyncpg.connect(ground.dsn)
    try:
        while True:
            rows = await connection.fetch(PAID, applications)
            if len(rows) == len(applications):
                break
            if time.monotonic() > deadline:
                raise BenchFailed(f"{len(applications) - len(rows)} applications were not paid")
            await asyncio.sleep(0.25)
        facts = await connection.fetchrow(PAYMENTS)
        if facts is None or facts["events"] != facts["streams"]:
            raise BenchFailed("an application was paid twice")
    finally:
        await connection.close()
    return {row["originator_id"]: row["recorded_at"].timestamp() for row in rows}


def applying(rate: float) -> Contender:
    """The contender: applications at a rate, all paid."""

    async def contender(bench: Workbench) -> Sample:
        async with _ground(bench) as ground:
            await _measured(ground, WARM_UP, 1.0)
            return await _measured(ground, rate, max(bench.seconds, SHORTEST_SECONDS))

    return contender


async def highest_rate(bench: Workbench) -> Sample:
    """The contender: the highest rate of the ramp that keeps p99 below the bound."""
    best: Sample | None = None
    async with _ground(bench) as ground:
        await _measured(ground, WARM_UP, 1.0)
        for rate in RAMP:
            reached = await _measured(ground, rate, SHORTEST_SECONDS)
            if (reached.p99_ms or 0) > BOUND_MS:
                break
            best = Sample(rate, reached.p50_ms, reached.p99_ms)
    if best is None:
        raise BenchFailed("not even the lowest rate kept its bound")
    return best


@cache
def _item() -> ServiceItem:
    return load_definitions().of(Catalogue).item(SERVICE, city_day(datetime.now(UTC)))


def sources_alone(rate: float) -> Contender:
    """The limit: departments and bank asked at the same rate, through the same clients."""

    async def contender(bench: Workbench) -> Sample:
        async with _departments(bench.folder / "data"):
            settings = bench_settings("postgresql://unused", bench.folder)
            async with open_exchange(settings) as exchange, open_payments(settings) as payments:
                places = int(rate * max(bench.seconds, SHORTEST_SECONDS))
                began = time.monotonic()
                seconds = await _at_rate(rate, places, lambda _: _ask_all(exchange, payments))
                return sample(places, time.monotonic() - began, seconds)

    return contender


async def _ask_all(exchange: Exchange, payments: Payments) -> float:
    began = time.monotonic()
    number = _id_number(next(_numbers))
    due_at = datetime.now(UTC) + timedelta(seconds=10)
    application_id = f"application-{uuid4().hex}"
    await asyncio.gather(
        *(
            exchange.fetch(
                EvidenceRequest(
                    request_id=uuid4(),
                    application_id=application_id,
                    id_number=number,
                    department=material.department,
                    record=material.record,
                    form={},
                    user_id="bench",
                ),
                due_at,
            )
            for material in _item().materials
        )
    )
    await payments.instruct(
        payout(
            uuid4(),
            reference=application_id,
            amount_fen=1,
            from_account="housing-fund",
            payee_id_number=number,
            authorised=Authorised(application_id, Fen(1), "00" * 32),
        )
    )
    return time.monotonic() - began


CONTENDERS: Mapping[str, Contender] = {
    "apply_10": applying(10),
    "apply_50": applying(50),
    "apply_highest": highest_rate,
    "sources_alone_10": sources_alone(10),
    "sources_alone_50": sources_alone(50),
}
ONCE = frozenset({"apply_highest"})

LINES = (
    Line(
        "apply_10", "apply_10", "sources_alone_10", unit=UNIT, targets=(AtMost("p99_ms", BOUND_MS),)
    ),
    Line(
        "apply_50", "apply_50", "sources_alone_50", unit=UNIT, targets=(AtMost("p99_ms", BOUND_MS),)
    ),
    Line("apply_highest", "apply_highest", None, unit=UNIT),
)

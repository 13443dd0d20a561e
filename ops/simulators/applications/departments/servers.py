"""One HTTP server a member, on loopback, and one that says how they misbehave.

Answers are signed with keys that are made at first run; the directory that citybrain reads is
written beside them. Ports are kept where they are free.
"""

import asyncio
import os
import random
import socket
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
from aiohttp import web

from citybrain.exchange.directory import DEVELOPMENT_FILE
from citybrain.exchange.signing import EVIDENCE, Signer, make_key_once, read_signer
from ops.simulators.applications.departments.bank import BANK, BANK_MODES, Bank
from ops.simulators.applications.departments.ledger import Ledger
from ops.simulators.applications.departments.people import (
    DEPARTMENTS,
    RECORDS,
    STRANGER,
    NoRecord,
    Person,
)
from ops.simulators.applications.departments.vehicles import Vehicles
from ops.simulators.parking.gateway import Gateway

JOSE = "application/jose"
EVERYBODY = "*"
HANG_SECONDS = 3600.0
DEPARTMENT_MODES = (
    "ok",
    "slow",
    "hang",
    "down",
    "error",
    "wrong-signature",
    "wrong-person",
    "wrong-request",
    "garbage",
    "reject",
    "large",
)
LARGE = "x" * 150_000


@dataclass(frozen=True, slots=True)
class Fault:
    """How a member misbehaves: for a share of its requests."""

    mode: str = "ok"
    seconds: float = 0.0
    share: float = 1.0


Handler = Callable[[web.Request, bytes, str], Awaitable[web.Response]]
"""Answers a request with its body, in a mode."""


def _no_record() -> web.Response:
    return web.json_response({"code": "no-record"}, status=404)


class _Member:
    """A listening server that can be told to misbehave."""

    def __init__(
        self, code: str, handler: Handler, chance: random.Random, latency: tuple[float, float]
    ) -> None:
        self.code = code
        self.fault = Fault()
        self.requests = 0
        self.questions: set[str] = set()
        self._handler = handler
        self._chance, self._latency = chance, latency
        self._runner = web.AppRunner(_app(self._serve), access_log=None, shutdown_timeout=0.1)
        self._site: web.SockSite | None = None
        self.port = 0

    async def open(self, port: int) -> None:
        await self._runner.setup()
        self.port = port
        await self.listen()

    async def listen(self) -> None:
        """Listen where it was before, or anywhere."""
        if self._site is None:
            listening = _socket(self.port)
            self.port = listening.getsockname()[1]
            self._site = web.SockSite(self._runner, listening)
            await self._site.start()

    async def unlisten(self) -> None:
        """Refuse connections, and end those that are there."""
        if self._site is not None:
            site, self._site = self._site, None
            await site.stop()
            server = self._runner.server
            if server is not None:
                for connection in list(server.connections):
                    connection.force_close()
                    if connection.transport is not None:
                        connection.transport.abort()

    async def close(self) -> None:
        await self._runner.cleanup()

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        self.requests += 1
        self.questions.add(request.headers.get("X-Road-Id", ""))
        body = await request.read()
        fault = self.fault
        mode = fault.mode if self._chance.random() < fault.share else "ok"
        await asyncio.sleep(self._chance.uniform(*self._latency))
        if mode == "slow":
            await asyncio.sleep(fault.seconds)
        elif mode == "hang":
            await asyncio.sleep(HANG_SECONDS)
        elif mode == "error":
            return web.Response(status=503)
        elif mode == "reject":
            return web.Response(status=400)
        elif mode == "garbage":
            return web.Response(body=b"\xff\x00 not an answer", content_type=JOSE)
        return await self._handler(request, body, mode)


def _app(handler: Callable[[web.Request], Awaitable[web.StreamResponse]]) -> web.Application:
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", handler)
    return app


def _socket(port: int) -> socket.socket:
    """A listening socket; another port where this one is taken."""
    listening = socket.socket()
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind(("127.0.0.1", port))
    except OSError:
        listening.bind(("127.0.0.1", 0))
    return listening


class Departments:
    """All members. Use `open_departments`."""

    def __init__(
        self, data_dir: Path, latency: tuple[float, float], seed: int, callbacks: str | None = None
    ) -> None:
        self._data_dir, self._folder = data_dir, data_dir / "departments"
        self._seed, self._chance = seed, random.Random(seed)
        self._ledger = Ledger(self._folder / "bank.jsonl")
        self.vehicles = Vehicles(self._folder / "vehicles.jsonl")
        self._signers: dict[str, Signer] = {}
        self._stranger = self._signer("stranger")
        self._members = {
            code: _Member(code, self._answering(code), self._chance, latency)
            for code in DEPARTMENTS
        }
        signer = self._signer(BANK)
        self.bank = Bank(data_dir, self._ledger, signer, self._stranger)
        self.gateway = Gateway(
            self._folder,
            self._ledger,
            signer,
            lambda signed, kind: self.bank.checked(signed, kind)[1],
            self.bank.receipt,
            callbacks,
        )
        self.bank.moved = self.gateway.tell
        self._members[BANK] = _Member(BANK, self._bank_answer, self._chance, latency)

    async def fault(self, member: str, mode: str, seconds: float = 0.0, share: float = 1.0) -> None:
        """Let a member misbehave (`bank-payments` is the one that pays, `*` is everybody); `ok`
        ends it. Raises `ValueError` where one of them cannot."""
        for code in self._codes(member, mode):
            self._members[code].fault = Fault(mode, seconds, share)
            if mode == "down":
                await self._members[code].unlisten()
            else:
                await self._members[code].listen()

    def _codes(self, member: str, mode: str) -> list[str]:
        codes = list(self._members) if member == EVERYBODY else [member]
        for code in codes:
            modes = BANK_MODES if code == BANK else DEPARTMENT_MODES
            if code not in self._members or mode not in modes:
                raise ValueError(f"members: {', '.join(self._members)}; modes: {', '.join(modes)}")
        return codes

    async def _bank_answer(self, request: web.Request, body: bytes, mode: str) -> web.Response:
        """The bank's, or its gateway's: one address, as it is one book."""
        if self.gateway.is_for(request.path):
            return await self.gateway.answer(request, body, mode)
        return await self.bank.answer(request, body, mode)

    def ledger(self) -> list[dict[str, Any]]:
        """All payments of the bank."""
        return self._ledger.payments()

    @property
    def book(self) -> Ledger:
        """The bank's book: who holds what."""
        return self._ledger

    def requests(self) -> Counter[str]:
        """How often each was asked."""
        return Counter({code: member.requests for code, member in self._members.items()})

    def questions(self) -> Counter[str]:
        """How much each was asked: a question that is hedged or asked again counts once."""
        return Counter({code: len(member.questions) for code, member in self._members.items()})

    def faults(self) -> dict[str, Any]:
        """How each behaves."""
        return {
            code: {"mode": member.fault.mode, "requests": member.requests}
            for code, member in self._members.items()
        }

    async def open(self) -> None:
        """Listen, and write the directory."""
        ports = self._known_ports()
        for code, member in self._members.items():
            await member.open(ports.get(code, 0))
        entries = {
            code: {
                "code": code,
                "url": f"http://127.0.0.1:{member.port}",
                "public_keys": [self._signer(code).public_key],
            }
            for code, member in self._members.items()
        }
        bank = entries.pop(BANK)
        directory = {"departments": list(entries.values()), "bank": bank}
        temporary = self._data_dir / f"{DEVELOPMENT_FILE}.{os.getpid()}"
        temporary.write_bytes(orjson.dumps(directory, option=orjson.OPT_INDENT_2))
        temporary.rename(self._data_dir / DEVELOPMENT_FILE)
        await self.gateway.callbacks.open()

    async def close(self) -> None:
        """Stop listening."""
        await self.gateway.callbacks.close()
        for member in self._members.values():
            await member.close()
        self._ledger.close()

    def _known_ports(self) -> dict[str, int]:
        """The ports of the last run, so that a running server finds everybody again."""
        try:
            known = orjson.loads((self._data_dir / DEVELOPMENT_FILE).read_bytes())
            members = [*known["departments"], known["bank"]]
            return {each["code"]: int(each["url"].rpartition(":")[2]) for each in members}
        except (OSError, ValueError, KeyError, TypeError):
            return {}

    def _signer(self, code: str) -> Signer:
        if code not in self._signers:
            path = self._folder / f"{code}.pem"
            make_key_once(path)
            self._signers[code] = read_signer(path, f"{code}-1")
        return self._signers[code]

    def _answering(self, code: str) -> Handler:
        async def answer(request: web.Request, body: bytes, mode: str) -> web.Response:
            record_name = request.path.rpartition("/")[2]
            make = RECORDS.get((code, record_name))
            if make is None:
                return _no_record()
            asked = orjson.loads(body)
            number = str(asked["id_number"])
            person = Person(number, self._seed, self._ledger.paid_from_fund, self.vehicles)
            try:
                record = make(person, asked["form"])
            except NoRecord:
                return _no_record()
            claims = {
                "iss": code,
                "jti": request.headers["X-Road-Id"],
                "sub": number,
                "rec": record_name,
                "iat": int(time.time()),
                "record": record,
            }
            if mode == "large":
                claims["record"] = {"remarks": LARGE}
            if mode == "wrong-person":
                claims["sub"] = STRANGER
            if mode == "wrong-request":
                claims["jti"] = "00000000-0000-4000-8000-000000000000"
            signer = self._stranger if mode == "wrong-signature" else self._signer(code)
            return web.Response(
                text=signer.sign(claims, EVIDENCE),
                content_type=JOSE,
                headers={
                    name: request.headers[name]
                    for name in ("X-Road-Id", "X-Road-Client")
                    if name in request.headers
                },
            )

        return answer


@asynccontextmanager
async def open_departments(
    data_dir: Path,
    *,
    latency: tuple[float, float] = (0.05, 0.2),
    seed: int = 2020,
    callbacks: str | None = None,
) -> AsyncIterator[Departments]:
    """Listening departments and a bank that answer after `latency` (seconds, from and to).

    `callbacks` is where the bank's gateway tells what became of payments; nowhere where absent.
    """
    departments = Departments(data_dir, latency, seed, callbacks)
    await departments.open()
    try:
        yield departments
    finally:
        await departments.close()

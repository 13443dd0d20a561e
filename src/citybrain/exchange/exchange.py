"""Asks departments, with the patience that the network needs.

A department is asked again while there is time, a second time in parallel where it is slower
than usual. A service of it that fails in a row is left alone for a moment: only what says that it
is away or overloaded counts, never what it says to one request. An answer that lies is never
asked for again: it is a failure. Nobody is followed to another address: what is personal goes to
members of the directory only.
"""

import asyncio
import random
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from hashlib import sha256

import aiohttp
import orjson
from prometheus_client import Counter, Gauge

from citybrain.exchange.answers import (
    LOST,
    RETRIES,
    SECONDS,
    AnswerTooLarge,
    answer_bytes,
    body_of,
    signed_text,
)
from citybrain.exchange.departments import (
    PASSING,
    Answer,
    Evidence,
    EvidenceRequest,
    SourceAnswerInvalid,
    SourceAnswerTooLarge,
    SourceCircuitOpen,
    SourceFailed,
    SourceNoRecord,
    SourceRefused,
    SourceTimeout,
    SourceUnavailable,
    SourceUnknown,
    verified,
)
from citybrain.exchange.directory import Directory, Member, load_directory
from citybrain.exchange.patience import Breaker, Hedging
from citybrain.exchange.signing import Verifier
from citybrain.faults import answer_passes
from citybrain.settings import Settings

FIRST_PAUSE_SECONDS = 0.05
LONGEST_PAUSE_SECONDS = 1.0
LOOK_SECONDS = 0.5
CONNECTIONS = 512
NO_RECORD = "no-record"

HEDGES = Counter("citybrain_exchange_hedges_total", "Second requests in parallel", ["member"])
OPEN = Gauge(
    "citybrain_exchange_circuit_open", "1 where a service is left alone", ["member", "record"]
)


class _Service:
    """A record that a department delivers, and what is known of its ways."""

    def __init__(self, member: Member, record: str, verifier: Verifier) -> None:
        self.member = member
        self.record = record
        self.verifier = verifier
        self.breaker = Breaker()
        self.hedging = Hedging()

    def note(self, *, failed: bool) -> None:
        self.breaker.note(failed=failed)
        OPEN.labels(self.member.code, self.record).set(self.breaker.is_open)


class Exchange:
    """Departments, over one pool of connections."""

    def __init__(
        self, session: aiohttp.ClientSession, directory: Directory, answer_bytes: int
    ) -> None:
        self._session = session
        self._client = directory.client
        self._answer_bytes = answer_bytes
        self._members = {each.code: each for each in directory.departments}
        self._verifiers = {code: Verifier(m.public_keys) for code, m in self._members.items()}
        self._services: dict[tuple[str, str], _Service] = {}

    async def fetch(self, request: EvidenceRequest, deadline: datetime) -> Evidence:
        """The record that is asked for, in time; raises a `SourceFailed` with how it went."""
        asking = _Asking(self, request, deadline)
        try:
            evidence = await asking.run()
        except SourceFailed as failure:
            failure.department = request.department
            failure.milliseconds, failure.attempts = asking.milliseconds, asking.attempts
            SECONDS.labels(request.department, failure.code).observe(asking.seconds)
            raise
        SECONDS.labels(request.department, "answered").observe(asking.seconds)
        return evidence

    def service(self, department: str, record: str) -> _Service:
        """What a department delivers under this name; raises `SourceUnknown`."""
        member = self._members.get(department)
        if member is None:
            raise SourceUnknown("the department is not in the directory")
        key = department, record
        if key not in self._services:
            self._services[key] = _Service(member, record, self._verifiers[department])
        return self._services[key]

    async def ask(self, service: _Service, request: EvidenceRequest, seconds: float) -> Answer:
        """One request and its answer, verified; raises a `SourceFailed`."""
        timeout = aiohttp.ClientTimeout(total=min(seconds, service.member.attempt_seconds))
        limit = self._answer_bytes
        try:
            async with self._session.post(
                service.member.url + request.path,
                data=orjson.dumps(request.body),
                headers=request.headers(self._client) | {"Content-Type": "application/json"},
                timeout=timeout,
                allow_redirects=False,
            ) as answer:
                if answer_passes(answer.status):
                    raise SourceUnavailable(f"the department answered {answer.status}")
                if answer.status == 404 and await _says_no_record(answer, limit):
                    raise SourceNoRecord("the department has no such record")
                if answer.status != 200:
                    raise SourceRefused(f"the department answered {answer.status}")
                return verified(request, await signed_text(answer, limit), service.verifier)
        except TimeoutError as error:
            raise SourceTimeout("the department did not answer in time") from error
        except AnswerTooLarge as error:
            raise SourceAnswerTooLarge("the answer is larger than what is taken") from error
        except ValueError as error:
            raise SourceAnswerInvalid("the answer is not what was agreed") from error
        except LOST as error:
            raise SourceUnavailable("the department cannot be reached") from error


class _Asking:
    """One record on its way: attempts, hedges, and the time they took."""

    def __init__(self, exchange: Exchange, request: EvidenceRequest, deadline: datetime) -> None:
        self._exchange, self._request = exchange, request
        self._began = time.monotonic()
        self._end = self._began + (deadline - datetime.now(UTC)).total_seconds()
        self.attempts = 0
        self._hedged = False

    @property
    def seconds(self) -> float:
        """Since it was asked for."""
        return time.monotonic() - self._began

    @property
    def milliseconds(self) -> int:
        """Since it was asked for."""
        return round(self.seconds * 1000)

    async def run(self) -> Evidence:
        """Attempts with growing, random pauses, as long as there is time."""
        service = self._exchange.service(self._request.department, self._request.record)
        pause = FIRST_PAUSE_SECONDS
        before: SourceFailed | None = None
        while True:
            await self._until_let_through(service.breaker)
            has_its_time = self._end - time.monotonic() >= service.member.attempt_seconds
            try:
                answer = await self._attempt(service)
            except SourceFailed as failure:
                service.note(failed=isinstance(failure, PASSING))
                if before is not None and isinstance(failure, SourceTimeout) and not has_its_time:
                    raise before from failure  # we broke it off: what was said before holds
                before = failure
                pause = min(pause * 2, LONGEST_PAUSE_SECONDS)
                wait = random.uniform(pause / 2, pause)  # noqa: S311  spreads load only
                if not isinstance(failure, PASSING) or time.monotonic() + wait >= self._end:
                    raise
                RETRIES.labels(service.member.code).inc()
                await asyncio.sleep(wait)
                continue
            service.note(failed=False)
            return Evidence(
                record=answer.record,
                signed=answer.signed,
                key_id=answer.key_id,
                sha256=sha256(answer.signed.encode()).hexdigest(),
                issued_at=answer.issued_at,
                milliseconds=self.milliseconds,
                attempts=self.attempts,
                hedged=self._hedged,
            )

    async def _until_let_through(self, breaker: Breaker) -> None:
        """Wait while the department is left alone, where there is time for that."""
        while not breaker.lets_through():
            wait = breaker.seconds_until_probe()
            if time.monotonic() + wait >= self._end:
                raise SourceCircuitOpen("the department has failed again and again")
            await asyncio.sleep(min(wait, LOOK_SECONDS))

    async def _attempt(self, service: _Service) -> Answer:
        """One request; a second one where the first is slower than most, and the first answer."""
        began = time.monotonic()
        asked = {self._send(service)}
        try:
            done, _ = await asyncio.wait(asked, timeout=service.hedging.delay_seconds())
            if not done and service.hedging.spend():
                HEDGES.labels(service.member.code).inc()
                self._hedged = True
                asked.add(self._send(service))
            answer = await _first(asked)
        finally:
            for task in asked:
                task.cancel()
            await asyncio.gather(*asked, return_exceptions=True)
        service.hedging.note(time.monotonic() - began)
        return answer

    def _send(self, service: _Service) -> "asyncio.Task[Answer]":
        self.attempts += 1
        left = max(self._end - time.monotonic(), 0.001)
        return asyncio.create_task(self._exchange.ask(service, self._request, left))


async def _first(asked: set["asyncio.Task[Answer]"]) -> Answer:
    """The first answer; the last failure where there is none."""
    waiting = set(asked)
    while True:
        done, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        good = [task for task in done if task.exception() is None]
        if good or not waiting:
            return (good or list(done))[0].result()


async def _says_no_record(answer: aiohttp.ClientResponse, limit: int) -> bool:
    """Whether a department says so, and not something on the way that does not find it."""
    try:
        said = orjson.loads(await body_of(answer, limit))
    except ValueError:
        return False
    return isinstance(said, dict) and said.get("code") == NO_RECORD


@asynccontextmanager
async def open_exchange(settings: Settings) -> AsyncIterator[Exchange]:
    """The exchange of the settings' directory; one without members where there is none."""
    directory = load_directory(settings)
    connector = aiohttp.TCPConnector(limit=CONNECTIONS)
    async with aiohttp.ClientSession(connector=connector) as session:
        yield Exchange(session, directory, answer_bytes(settings))

"""A polite client of the API for simulators: tokens, retries, and nothing done twice.

It waits where the server says so (429, 503 with Retry-After) or is away, and sends a command
again with the idempotency key of the first time.
"""

import asyncio
import random
import sys
import time
import uuid
from dataclasses import dataclass
from typing import Any

import aiohttp

TOKEN_SHARE = 0.8  # of its life that a token is used for
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.5, 10.0
CONCURRENT_REQUESTS = 16
# Somebody was faster, or the case took another way: nothing to do, and nothing to say.
EXPECTED = (404, 409, 412)
REACH = ("department", "counter", "acts_for")
# As it happens at real kiosks.
EXPECTED_CODES = {
    "liveness-failed",
    "no-face",
    "face-blurred",
    "face-too-dark",
    "several-faces",
    "same-reviewer",  # who decided before leaves an appeal to others
}


class ServerGone(Exception):
    """The server has not answered for longer than we wait."""


@dataclass(frozen=True, slots=True)
class Person:
    """Whom a token is for. A camera is one too."""

    subject: str
    role: str
    department: str | None = None
    counter: str | None = None
    acts_for: tuple[str, ...] = ()


class Client:
    """Requests to one server on behalf of many."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        url: str,
        token_url: str,
        *,
        give_up_after_seconds: float,
        chance: random.Random,
    ) -> None:
        self._session = session
        self._url = url
        self._token_url = token_url
        self._give_up_after = give_up_after_seconds
        self._chance = chance
        self._tokens: dict[Person, tuple[float, str]] = {}
        self._limit = asyncio.Semaphore(CONCURRENT_REQUESTS)
        self._answered_at = time.monotonic()
        self._told: set[tuple[int, str]] = set()

    async def get(self, person: Person, path: str) -> dict[str, Any]:
        """A JSON object; empty where the server refuses."""
        return await self._send("GET", person, path, None, {}) or {}

    async def command(
        self, person: Person, path: str, body: dict[str, Any], version: int | None = None
    ) -> dict[str, Any] | None:
        """Send a command, once whatever happens; None where it was refused."""
        headers = {"Idempotency-Key": uuid.uuid4().hex}  # not of the seed: new in each run
        if version is not None:
            headers["If-Match"] = f'"{version}"'
        return await self._send("POST", person, path, body, headers)

    async def put(self, person: Person, path: str, body: dict[str, Any]) -> dict[str, Any] | None:
        """Say how something is; None where it was refused."""
        return await self._send("PUT", person, path, body, {})

    async def upload(
        self, person: Person, path: str, content: bytes, content_type: str
    ) -> dict[str, Any] | None:
        """Send bytes as they are; None where they were refused."""
        return await self._send("POST", person, path, content, {"Content-Type": content_type})

    async def _send(
        self,
        method: str,
        person: Person,
        path: str,
        body: dict[str, Any] | bytes | None,
        headers: dict[str, str],
    ) -> dict[str, Any] | None:
        pause = FIRST_PAUSE_SECONDS
        while True:
            try:
                async with self._limit:
                    answer = await self._once(method, person, path, body, headers)
                self._answered_at = time.monotonic()
                if not isinstance(answer, float):
                    return answer
                wait = answer
            except (aiohttp.ClientError, TimeoutError, ConnectionError):
                wait = 0.0  # the server restarts, perhaps
                if time.monotonic() - self._answered_at > self._give_up_after:
                    raise ServerGone(f"{self._url} does not answer") from None
            await rest(max(wait, pause * self._chance.uniform(0.5, 1.0)))
            pause = min(pause * 2, LONGEST_PAUSE_SECONDS)

    async def _once(
        self,
        method: str,
        person: Person,
        path: str,
        body: dict[str, Any] | bytes | None,
        headers: dict[str, str],
    ) -> dict[str, Any] | float | None:
        """The answer, None where refused, or the seconds to wait before asking again."""
        sent = headers | {"Authorization": f"Bearer {await self.token(person)}"}
        data, said = (body, None) if isinstance(body, bytes) else (None, body)
        async with self._session.request(
            method, self._url + path, json=said, data=data, headers=sent
        ) as answer:
            if answer.status == 401:  # new keys, or the token ran out
                self.forget(person)
                return 0.0
            if answer.status == 429 or answer.status >= 500:
                return retry_after(answer.headers.get("Retry-After"))
            if answer.status >= 400:
                await self._tell(answer, path)
                return None
            value: dict[str, Any] = await answer.json()
            return value

    def forget(self, person: Person) -> None:
        """Get a new token for them, next time."""
        self._tokens.pop(person, None)

    async def token(self, person: Person) -> str:
        """A token for whoever sends requests without this client; it is good for now."""
        now = time.monotonic()
        known = self._tokens.get(person)
        if known is None or known[0] < now:
            wanted = {"subject": person.subject, "roles": [person.role]}
            reach = {name: getattr(person, name) for name in REACH}
            wanted |= {name: value for name, value in reach.items() if value}
            async with self._session.post(self._token_url, json=wanted) as answer:
                answer.raise_for_status()
                given = await answer.json()
            known = (now + given["expires_in"] * TOKEN_SHARE, given["access_token"])
            self._tokens[person] = known
        return known[1]

    async def _tell(self, answer: aiohttp.ClientResponse, path: str) -> None:
        """Say once what the server refuses unexpectedly: a defect on one of the two sides."""
        if answer.status in EXPECTED:
            return
        problem = await answer.json(content_type=None)
        code = str(problem.get("code"))
        if code in EXPECTED_CODES:
            return
        if (answer.status, code) not in self._told:
            self._told.add((answer.status, code))
            print(f"simulated city: {path}: {answer.status} {code}", file=sys.stderr, flush=True)


async def rest(seconds: float) -> None:
    """Wait before asking again."""
    await asyncio.sleep(seconds)


def retry_after(header: str | None) -> float:
    """Seconds to wait by a Retry-After header; one second where it names none."""
    try:
        return min(max(float(header or 1), 0.0), 120.0)
    except ValueError:
        return 1.0

"""The simulators' client: waits when told to, sends nothing twice, and gives up in the end."""

import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from ops.simulators.client import Client, Person, ServerGone, retry_after

CAMERA = Person("camera-1", "camera")


class Scripted:
    """A server that answers as it is told, and remembers what it was sent."""

    def __init__(self, *answers: Callable[[], web.StreamResponse]) -> None:
        self.answers = list(answers)
        self.requests: list[web.Request] = []
        self.tokens: list[Any] = []

    async def token(self, request: web.Request) -> web.Response:
        self.tokens.append(await request.json())
        return web.json_response({"access_token": f"t{len(self.tokens)}", "expires_in": 3600})

    async def cases(self, request: web.Request) -> web.StreamResponse:
        self.requests.append(request)
        answer = self.answers.pop(0)()
        if answer.status == 444:
            assert request.transport is not None
            request.transport.close()
        return answer


@asynccontextmanager
async def talking_to(server: Scripted, give_up_after_seconds: float = 60) -> AsyncIterator[Client]:
    app = web.Application()
    app.router.add_post("/dev/token", server.token)
    app.router.add_route("*", "/v1/cases", server.cases)
    async with TestServer(app) as running, aiohttp.ClientSession() as session:
        url = str(running.make_url("")).rstrip("/")
        yield Client(
            session,
            url,
            f"{url}/dev/token",
            give_up_after_seconds=give_up_after_seconds,
            chance=random.Random(1),
        )


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The pauses that were taken, without taking them."""
    taken: list[float] = []

    async def pause(seconds: float) -> None:
        taken.append(seconds)

    monkeypatch.setattr("ops.simulators.client.rest", pause)
    return taken


def done() -> web.Response:
    return web.json_response({"case_id": "case-1"}, status=201)


async def test_a_command_is_sent_again_under_its_first_key(pauses: list[float]) -> None:
    server = Scripted(
        lambda: web.Response(status=503, headers={"Retry-After": "7"}),
        lambda: web.Response(status=444),
        lambda: web.Response(status=429, headers={"Retry-After": "3"}),
        done,
    )
    async with talking_to(server) as client:
        assert await client.command(CAMERA, "/v1/cases", {"x": 1}) == {"case_id": "case-1"}
    assert len({request.headers["Idempotency-Key"] for request in server.requests}) == 1
    assert len(server.requests) == 4
    assert pauses[0] == 7
    assert pauses[2] == 3
    assert server.tokens == [{"subject": "camera-1", "roles": ["camera"]}]


async def test_a_token_that_is_no_longer_taken_is_replaced(pauses: list[float]) -> None:
    server = Scripted(lambda: web.Response(status=401), done)
    async with talking_to(server) as client:
        assert await client.command(CAMERA, "/v1/cases", {}) is not None
    sent = [request.headers["Authorization"] for request in server.requests]
    assert sent == ["Bearer t1", "Bearer t2"]
    assert len(pauses) == 1


@pytest.mark.parametrize(("status", "said"), [(409, ""), (412, ""), (422, "422 unknown-class")])
async def test_only_an_unexpected_refusal_is_told_and_only_once(
    pauses: list[float], capsys: pytest.CaptureFixture[str], status: int, said: str
) -> None:
    refused = lambda: web.json_response({"code": "unknown-class"}, status=status)  # noqa: E731
    async with talking_to(Scripted(refused, refused)) as client:
        for _ in range(2):
            assert await client.command(CAMERA, "/v1/cases", {}, version=3) is None
    err = capsys.readouterr().err
    assert (said in err, err.count("\n")) == (True, 1 if said else 0)
    assert pauses == []


async def test_a_server_that_is_gone_for_good_ends_the_city(pauses: list[float]) -> None:
    server = Scripted(*[lambda: web.Response(status=444)] * 3)
    async with talking_to(server, give_up_after_seconds=0) as client:
        with pytest.raises(ServerGone):
            await client.get(CAMERA, "/v1/cases")


@pytest.mark.parametrize(
    ("header", "seconds"),
    [(None, 1), ("5", 5), ("0", 0), ("-4", 0), ("99999", 120), ("Wed, 21 Oct 2026 07:28:00", 1)],
)
def test_retry_after_is_read_within_reason(header: str | None, seconds: float) -> None:
    assert retry_after(header) == seconds

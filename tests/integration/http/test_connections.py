"""Connections that only wait, bodies that swell, what is no HTTP: each costs its sender alone."""

import asyncio
import gzip
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

import pytest
import structlog

from citybrain.http import connections, paging
from citybrain.http.connections import TURNED_AWAY, Door
from citybrain.http.limits import RateLimiter
from citybrain.settings import Settings
from tests.given.api import REPORT_NOW, Answer, Api
from tests.given.attacks import ATTACKS, Target, once
from tests.given.limiters import told_limiters
from tests.given.waiting import PATIENCE_SECONDS, holds

HEAD = b"GET /healthz HTTP/1.1\r\nHost: here\r\n"
ASKED = HEAD + b"\r\n"


@pytest.fixture
def with_workers() -> bool:
    return False


@pytest.fixture(autouse=True)
def looked_at_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "LOOK_SECONDS", 0.02)


@pytest.fixture
def limiters(monkeypatch: pytest.MonkeyPatch) -> list[RateLimiter]:
    """The limiters of the servers that start, that of requests first."""
    return told_limiters(monkeypatch)


class Raw:
    """A connection on which bytes are sent as they are."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    async def status(self) -> int:
        return int((await self.reader.readline()).split()[1])

    async def rest(self) -> bytes:
        """All until the server closes it, or resets it since it has not read all of ours."""
        found = b""
        with suppress(ConnectionError):
            async with asyncio.timeout(PATIENCE_SECONDS):
                while some := await self.reader.read(1 << 16):
                    found += some
        return found


async def answer_length(raw: Raw) -> int:
    """Bytes of the body of the answer, whose head is read."""
    head = await raw.reader.readuntil(b"\r\n\r\n")
    (line,) = (each for each in head.split(b"\r\n") if each.lower().startswith(b"content-length"))
    return int(line.split(b":")[1])


@asynccontextmanager
async def connected(api: Api, sent: bytes = b"", source: str = "127.0.0.1") -> AsyncIterator[Raw]:
    reader, writer = await asyncio.open_connection(
        "127.0.0.1", int(api.url.rpartition(":")[2]), local_addr=(source, 0), limit=1 << 16
    )
    writer.write(sent)
    try:
        yield Raw(reader, writer)
    finally:
        writer.transport.abort()


def door(api: Api) -> Door:
    assert api.runtime.door is not None
    return api.runtime.door


PACKED = {
    "/v1/cases": "application/json",
    "/v1/photos": "image/jpeg",
    "/v1/parking/payments/callbacks": "application/jose",
    "/open311/v2/requests.json": "application/x-www-form-urlencoded",
    "/cds/events/events": "application/vnd.cds.events+json",
}


async def test_no_body_is_unpacked(api: Api) -> None:
    swelling = gzip.compress(b" " * 10_000_000)
    for path, kind in PACKED.items():
        for encoding in ("gzip", "deflate", "br", "zstd", "GZIP, gzip"):
            headers = {"Content-Type": kind, "Content-Encoding": encoding}
            answer = await api.call("POST", path, "gateway", data=swelling, headers=headers)
            assert answer.status == 415, (path, encoding, answer.body)


async def test_a_packed_body_is_told_what_would_be_taken(api: Api) -> None:
    headers = {"Content-Type": "application/json", "Content-Encoding": "gzip"}
    answer = await api.call("POST", "/v1/cases", "gateway", data=b"x", headers=headers)
    assert answer.is_problem(415, "body-packed")
    assert answer.headers["Accept-Encoding"] == "identity"
    plain = {"Content-Encoding": "identity"}
    taken = await api.call("POST", "/v1/cases", "gateway", json=REPORT_NOW, headers=plain)
    assert taken.status == 201


class TestWaiting:
    @pytest.fixture
    def change_settings(self) -> Callable[[Settings], None]:
        def change(settings: Settings) -> None:
            settings.http_head_seconds = 0.1
            settings.http_idle_seconds = 0.2
            settings.http_unread_seconds = 0.1

        return change

    async def test_a_head_that_does_not_come_is_not_waited_for(self, api: Api) -> None:
        for sent in (b"", b"G", HEAD, HEAD + b"X-Slow: "):
            async with connected(api, sent) as silent:
                assert await silent.rest() == b""
        async with connected(api, ASKED) as second:  # nor that of a second request
            assert await second.status() == 200
            second.writer.write(HEAD)
            await second.rest()
        await holds(lambda: not door(api).guarded)

    async def test_an_idle_connection_ends(self, api: Api) -> None:
        async with connected(api, ASKED) as idle:
            assert b'"status":"ok"' in await idle.rest()

    async def test_who_does_not_read_is_not_waited_for(self, api: Api) -> None:
        many = b"GET /openapi.json HTTP/1.1\r\nHost: here\r\n\r\n" * 16
        async with connected(api, many):
            await holds(lambda: door(api).guarded)
            await holds(lambda: not door(api).guarded)


class TestAttacked:
    @pytest.fixture
    def change_settings(self) -> Callable[[Settings], None]:
        def change(settings: Settings) -> None:
            settings.http_head_seconds = settings.http_unread_seconds = 0.1

        return change

    async def test_each_attack_is_answered_or_closed_and_leaves_nothing(
        self, limiters: list[RateLimiter], api: Api, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(paging, "CATCH_UP_SECONDS", 0.02)  # no read model goes on here
        monkeypatch.setattr(paging, "STANDBY_SECONDS", 0.01)
        target = Target(api.url, api.token("kiosk"))
        for name in ATTACKS:
            found = await asyncio.gather(*(once(name, target) for _ in range(6)))
            assert 500 not in found, (name, found)
            honest = await api.call("POST", "/v1/cases", "camera", json=REPORT_NOW)
            assert honest.status == 201, name
        await holds(lambda: len(door(api).guarded) <= 1)  # that of the honest client
        assert len(limiters[0]._buckets) <= 4
        assert api.runtime.services.keys_in_flight == set()


class TestRefusedAgainAndAgain:
    @pytest.fixture
    def change_settings(self) -> Callable[[Settings], None]:
        def change(settings: Settings) -> None:
            settings.rate_limit_per_second, settings.rate_limit_burst = 1e-9, 20  # two refusals

        return change

    async def test_it_costs_whoever_is_refused_and_nothing_that_they_may_do(self, api: Api) -> None:
        async def log(subject: str) -> Answer:
            return await api.call("GET", "/v1/events?purpose=x", "camera", subject=subject)

        assert [(await log("camera-7")).status for _ in range(2)] == [403, 403]
        refused = await log("camera-7")
        assert refused.is_problem(429, "refused-too-often")
        assert refused.json["refused_with"] == "role-missing"
        assert int(refused.headers["Retry-After"]) > 0
        mine = await api.call("POST", "/v1/cases", "camera", subject="camera-7", json=REPORT_NOW)
        assert mine.status == 201
        assert (await log("camera-8")).is_problem(403, "role-missing")

    async def test_of_who_has_no_share_left_a_refused_body_stays_on_the_wire(
        self, api: Api
    ) -> None:
        post = b"POST /nothing HTTP/1.1\r\nHost: here\r\n"
        for answered in (404, 429):  # the first body takes what there is
            async with connected(api, post + b"Content-Length: 9999999\r\n\r\n" + b"x") as rude:
                assert await rude.status() == answered
                (connection,) = door(api).guarded
                assert connection._wire is not None
                assert connection._wire.is_reading() is (answered == 404)
                assert b"Connection: close" in await rude.reader.readuntil(b"\r\n\r\n")
            await holds(lambda: not door(api).guarded)
        small = post + b"Content-Length: 2\r\n\r\n"
        async with connected(api, small) as slow:
            assert await slow.status() == 429
            length = await answer_length(slow)
            await slow.reader.readexactly(length)
            slow.writer.write(b"{}" + ASKED)
            assert await slow.status() == 200, "what is on its way comes in, and the next request"


class TestFull:
    @pytest.fixture
    def change_settings(self) -> Callable[[Settings], None]:
        def change(settings: Settings) -> None:
            settings.http_connections_limit, settings.http_connections_per_address = 10, 4

        return change

    async def test_an_address_has_its_share_and_all_have_a_limit(self, api: Api) -> None:
        held = [connected(api, source=f"127.0.0.{2 + n // 4}") for n in range(8)]
        for each in held:
            await each.__aenter__()
        await holds(lambda: len(door(api).guarded) == 8)
        async with connected(api, source="127.0.0.2") as fifth:
            said = await fifth.rest()
            assert said.startswith(b"HTTP/1.1 503 ")
            assert b"Retry-After: 5" in said
        async with connected(api, ASKED, "127.0.0.9") as other:
            assert await other.status() == 200
        ready = await api.call("GET", "/readyz")
        assert ready.json["checks"]["connections"] is True
        async with connected(api, source="127.0.0.9"), connected(api, source="127.0.0.9"):
            await holds(lambda: door(api).nearly_full)
        for each in held:
            await each.__aexit__(None, None, None)


class TestHasty:
    @pytest.fixture
    def change_settings(self) -> Callable[[Settings], None]:
        def change(settings: Settings) -> None:
            settings.http_connections_per_address = 8
            settings.http_new_connections_per_second = 1e-9

        return change

    async def test_who_connects_again_and_again_costs_nobody_else(self, api: Api) -> None:
        for _ in range(8):  # one at a time: never more are open than may be
            async with connected(api, ASKED, "127.0.0.2") as hasty:
                assert await hasty.status() == 200
            await holds(lambda: not door(api).guarded)
        before = TURNED_AWAY.labels("rate")._value.get()
        for _ in range(3):
            async with connected(api, source="127.0.0.2") as hasty:
                assert (await hasty.rest()).startswith(b"HTTP/1.1 503 ")
        assert not door(api).guarded, "nothing was made for them"
        assert TURNED_AWAY.labels("rate")._value.get() == before + 3
        async with connected(api, ASKED, "127.0.0.3") as other:
            assert await other.status() == 200


NO_HTTP = (
    b"GET /v1/cases HTTP/1.1\r\nAuthorization: Bearer tell-nobody" + b"x" * 20_000 + b"\r\n\r\n",
    b"GET /v1/cases HTTP/1.1\r\nBad Name\x01: tell-nobody\r\n\r\n",
    b"TELLNOBODY /tell-nobody HTTP/1.1\r\nHost: here\r\n\r\n",
    b"GET /tell-nobody HTTP/9.9\r\n\r\n",
    b"\x16\x03\x01tell-nobody\r\n\r\n",
    b"POST /v1/cases HTTP/1.1\r\nHost: here\r\nContent-Length: tell-nobody\r\n\r\n",
    b"GET http://here:notaport/tell-nobody HTTP/1.1\r\nHost: here\r\n\r\n",
)


async def test_what_is_no_http_is_a_problem_that_repeats_nothing(
    api: Api, caplog: pytest.LogCaptureFixture
) -> None:
    for sent in NO_HTTP:
        with structlog.testing.capture_logs() as logs, caplog.at_level(logging.DEBUG):
            async with connected(api, sent) as raw:
                said = await raw.rest()
        head, _, body = said.partition(b"\r\n\r\n")
        assert head.split()[1] == b"400", sent
        for header in (b"Server: citybrain", b"X-Content-Type-Options: nosniff", b"no-store"):
            assert header in head
        assert b'"code":"malformed-request"' in body
        assert b"tell-nobody" not in said
        assert [each["event"] for each in logs] == ["request_not_http"]
        assert "tell-nobody" not in caplog.text + str(logs)


async def test_labels_of_metrics_do_not_grow_with_what_clients_make_up(api: Api) -> None:
    async def series() -> int:
        found = (await api.call("GET", "/metrics")).body
        return found.count(b"citybrain_http_")

    async def ask(method: str, number: int) -> None:
        made_up = f"{method} /made-up/{number}?q={number} HTTP/1.1\r\nHost: h{number}\r\n\r\n"
        async with connected(api, made_up.encode()) as raw:
            assert await raw.status() == 404

    await ask("PROPFIND", 0)
    await series()
    before = await series()
    for number, method in enumerate(("MKCOL", "PURGE", "REPORT", "LINK", "M-SEARCH", "SEARCH")):
        await ask(method, number)
    assert await series() == before


async def test_who_is_asking_when_the_server_stops_is_told_and_not_cut(api: Api) -> None:
    """A connection that is kept is answered once more, and told that it ends."""
    async with connected(api, ASKED) as kept:
        assert await kept.status() == 200
        api.runtime.closing.set()
        kept.writer.write(ASKED)
        assert b"Connection: close" in await kept.rest()

"""At the edge: whose share a request spends, what is not sent twice, and who may ask from where."""

from collections.abc import Callable
from ipaddress import ip_network

import pytest

from citybrain.http.limits import RateLimiter
from citybrain.settings import Settings
from tests.given.api import REPORT_NOW, Answer, Api
from tests.given.limiters import told_limiters
from tests.given.waiting import eventually

DOCUMENTS = ("/openapi.json", "/asyncapi.json", "/docs", "/docs.css")
APP = "https://app.example"


@pytest.fixture
def with_workers() -> bool:
    return False


@pytest.fixture
def limiters(monkeypatch: pytest.MonkeyPatch) -> list[RateLimiter]:
    """The limiters of the servers that start, that of requests first."""
    return told_limiters(monkeypatch)


async def test_a_share_is_spent_of_whoever_asks(limiters: list[RateLimiter], api: Api) -> None:
    """Nothing is free but to ask how the server is; no subject spends a network's."""
    spent = limiters[0]._buckets
    for path in ("/healthz", "/readyz", "/metrics"):
        assert (await api.call("GET", path)).status == 200
    assert not spent
    for path in (*DOCUMENTS, "/", "/nothing", "/cds/nothing", "/open311/v2/nothing", "/v1/places"):
        spent.clear()
        await api.call("GET", path)
        assert list(spent) == ["network 127.0.0.1"], path
    spent.clear()
    await api.call("DELETE", "/v1/cases")
    await api.call("GET", "/v1/cases", headers={"Authorization": "Bearer no"})
    assert list(spent) == ["network 127.0.0.1"]
    spent.clear()
    assert (await api.call("GET", "/v1/cases", "kiosk", subject="127.0.0.1")).status == 403
    assert list(spent) == ["subject 127.0.0.1"], "a wrong role is paid for as well"


class TestBehindProxies:
    @pytest.fixture
    def change_settings(self) -> Callable[[Settings], None]:
        def change(settings: Settings) -> None:
            settings.http_trusted_proxies = [ip_network("127.0.0.0/8")]
            settings.rate_limit_per_second, settings.rate_limit_burst = 1e-9, 2
            settings.public_url = "https://city.example/api/"
            settings.cors_origins = [APP]

        return change

    async def test_each_has_their_own_share_and_metrics_are_not_for_all(self, api: Api) -> None:
        async def ask(address: str, path: str = "/v1/classes") -> Answer:
            return await api.call("GET", path, headers={"X-Forwarded-For": address})

        assert [(await ask("203.0.113.1")).status for _ in range(3)] == [200, 200, 429]
        assert [(await ask("2001:db8::1")).status for _ in range(2)] == [200, 200]
        assert (await ask("2001:db8::2")).status == 429, "the same /64"
        assert (await ask("203.0.113.2")).status == 200
        assert (await ask("203.0.113.1", "/healthz")).status == 200
        assert (await ask("203.0.113.9", "/metrics")).is_problem(403, "not-from-here")
        assert (await ask("10.1.2.3", "/metrics")).status == 200

    async def test_we_are_called_as_the_settings_say(self, api: Api) -> None:
        found = (await api.call("GET", "/open311/v2/discovery.json")).json
        assert found["endpoints"][0]["url"] == "https://city.example/api/open311/v2"

    async def test_pages_of_named_origins_may_ask(self, api: Api) -> None:
        asks = {"Origin": APP, "Access-Control-Request-Method": "POST"}
        may = await api.call("OPTIONS", "/v1/cases", headers=asks)
        assert may.status == 204
        assert may.headers["Access-Control-Allow-Origin"] == APP
        for header in ("Authorization", "If-Match", "Idempotency-Key", "Last-Event-ID"):
            assert header in may.headers["Access-Control-Allow-Headers"]
        read = await api.call("GET", "/v1/cases", headers={"Origin": APP})
        assert read.status == 401
        assert read.headers["Access-Control-Allow-Origin"] == APP
        assert "ETag" in read.headers["Access-Control-Expose-Headers"]
        other = await api.call("GET", "/v1/cases", headers={"Origin": "https://else.example"})
        assert "Access-Control-Allow-Origin" not in other.headers
        assert "Origin" in other.headers["Vary"]
        refused = await api.call("OPTIONS", "/x", headers=asks | {"Origin": "https://else.example"})
        assert "Access-Control-Allow-Origin" not in refused.headers


class TestWhoFollows:
    @pytest.fixture
    def change_settings(self) -> Callable[[Settings], None]:
        def change(settings: Settings) -> None:
            settings.http_streams_per_subject = 2

        return change

    async def test_a_subject_has_so_many_streams_of_whatever_kind(self, api: Api) -> None:
        log, board = "/v1/log?purpose=audit", "/v1/board/live"
        token = {"Authorization": f"Bearer {api.token('auditor')}"}

        async def one_more() -> Answer:
            return await api.call("GET", board, headers=token)

        async with (
            api.session.get(api.url + log, headers=token) as first,
            api.session.get(api.url + board, headers=token) as second,
        ):
            assert (first.status, second.status) == (200, 200)
            refused = await one_more()
            assert refused.is_problem(429, "too-many-streams")
            assert refused.json["limit"] == 2
            assert int(refused.headers["Retry-After"]) > 0
            other = {"Authorization": f"Bearer {api.token('auditor', 'auditor-2')}"}
            for path, headers in ((board, other), ("/live", {})):
                async with api.session.get(api.url + path, headers=headers) as answer:
                    assert answer.status == 200, path

        async def again() -> bool:
            async with api.session.get(api.url + board, headers=token) as answer:
                return answer.status == 200

        await eventually(again)


async def test_without_settings_no_page_of_another_origin_may_ask(api: Api) -> None:
    answer = await api.call("GET", "/v1/places", headers={"Origin": APP})
    assert not any(name.startswith("Access-Control") for name in answer.headers)
    assert "camera=()" in answer.headers["Permissions-Policy"]
    assert answer.headers["Server"] == "citybrain", "no version of what it is built of"


async def test_documents_are_packed_and_not_sent_to_who_has_them(api: Api) -> None:
    for path in DOCUMENTS:
        plain = await api.call("GET", path, headers={"Accept-Encoding": "identity"})
        sent = {"Accept-Encoding": "br, gzip;q=0.5"}
        async with api.session.get(api.url + path, headers=sent) as packed:
            assert packed.headers["Content-Encoding"] == "gzip"
            assert int(packed.headers["Content-Length"]) < len(plain.body)
            assert await packed.read() == plain.body
        assert "Content-Encoding" not in plain.headers
        assert plain.headers["ETag"] != packed.headers["ETag"]
        assert "Accept-Encoding" in plain.headers["Vary"]
        known = {"If-None-Match": f'W/"x", {packed.headers["ETag"]}'}
        same = await api.call("GET", path, headers=sent | known)
        assert (same.status, same.body) == (304, b"")
        head = await api.call("HEAD", path, headers=sent)
        assert (head.status, head.body) == (200, b"")
        assert head.headers["Content-Length"] == packed.headers["Content-Length"]


async def test_what_was_seen_is_not_sent_again(api: Api) -> None:
    case = await api.call("POST", "/v1/cases", "citizen", json=REPORT_NOW | {"source": "citizen"})
    path = f"/v1/cases/{case.json['case_id']}"
    seen = await api.call("GET", path, "operator")
    again = await api.call("GET", path, "operator", headers={"If-None-Match": seen.headers["ETag"]})
    assert (again.status, again.body) == (304, b"")
    assert again.headers["ETag"] == seen.headers["ETag"]
    stale = await api.call("GET", path, "operator", headers={"If-None-Match": '"77"'})
    assert stale.status == 200
    head = await api.call("HEAD", path, "operator")
    assert (head.status, head.body, head.headers["ETag"]) == (200, b"", seen.headers["ETag"])
    assert (await api.call("HEAD", path, "kiosk")).status == 403
    assert (await api.call("HEAD", "/healthz")).status == 200


async def test_a_host_that_is_none_is_malformed_and_a_made_up_one_gets_no_token(api: Api) -> None:
    body = {"subject": "x", "roles": ["citizen"]}
    for host in ("evil.example", "127.0.0.1.evil.example", "good:notaport", "a b", "[::1", ""):
        refused = await api.call("POST", "/dev/token", json=body, headers={"Host": host})
        assert refused.is_problem(403, "not-from-here")
    for host in ("localhost:1", "127.0.0.1", "[::1]:8080", "city.localhost"):
        given = await api.call("POST", "/dev/token", json=body, headers={"Host": host})
        assert given.status == 200
    wrong = {"Host": "good:notaport"}
    discovery = await api.call("GET", "/open311/v2/discovery.json", headers=wrong)
    assert discovery.status == 400
    curbs = await api.call("GET", "/cds/curbs/zones", headers=wrong)
    assert curbs.status < 500

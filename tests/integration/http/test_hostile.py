"""Hostile input: a clear problem for each, nothing stored, nothing broken."""

import asyncio
import base64
import re
import time
from collections.abc import AsyncIterator, Callable
from typing import Any

import jwt
import orjson
import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from citybrain.http.tokens import DevelopmentIssuer, IssuerNotConfigured, open_verifier
from citybrain.settings import Settings
from tests.given.api import REPORT, Api

JSON = {"Content-Type": "application/json"}


@pytest.fixture
def with_workers() -> bool:
    return False


async def head(api: Api) -> int:
    return await api.runtime.store.head()


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[1,2]",
        b"null",
        b'"text"',
        b"{'a':1}",
        b'{"a":NaN}',
        b'{"a":1}}',
        b"\xff\xfe{}",
        b'{"class_code":"\xc3\x28"}',
        b'{"a":"\\ud800"}',
        b"[" * 100_000,
        b'{"a":' * 5_000 + b"1" + b"}" * 5_000,
    ],
)
async def test_what_is_not_a_json_object_is_malformed(api: Api, body: bytes) -> None:
    answer = await api.call("POST", "/v1/cases", "gateway", data=body, headers=JSON)
    assert answer.is_problem(400, "malformed-request")
    assert await head(api) == 0


@pytest.mark.parametrize(
    "change",
    [
        {"latitude": "north"},
        {"latitude": 91},
        {"latitude": None},
        {"longitude": [1]},
        {"confidence": 0},
        {"confidence": 101},
        {"source": "satellite"},
        {"class_code": "x" * 100},
        {"class_code": "../etc"},
        {"class_code": "no_such_class"},
        {"evidence_sha256": ["zz"]},
        {"evidence_sha256": ["ab" * 32] * 21},
        {"description": "x" * 4001},
        {"description": "a\x00b"},
        {"unknown": 1},
        {"occurred_at": "yesterday"},
        {"occurred_at": "2026-03-01T08:00:00"},
        {"occurred_at": 1e300},
        {"simulated": "maybe"},
    ],
)
async def test_wrong_members_are_named_and_their_values_are_not(
    api: Api, change: dict[str, Any]
) -> None:
    answer = await api.call("POST", "/v1/cases", "gateway", json=REPORT | change)
    assert answer.status == 422
    assert answer.json["code"] in ("invalid-input", "unknown-class")
    if answer.json["code"] == "invalid-input":
        assert next(iter(change)) in answer.json["errors"][0]["member"]
    assert await head(api) == 0


async def test_huge_bodies_are_refused_without_being_taken_in(api: Api) -> None:
    async def hundred_megabytes() -> AsyncIterator[bytes]:
        for _ in range(1600):
            yield b"x" * 65536

    answer = await api.call("POST", "/v1/cases", "gateway", data=b" " * 2_000_000, headers=JSON)
    assert answer.is_problem(413, "body-too-large")
    try:
        answer = await api.call(
            "POST", "/v1/cases", "gateway", data=hundred_megabytes(), headers=JSON
        )
        assert answer.is_problem(413, "body-too-large")
    except OSError:
        pass  # the server hung up while we were still sending, as it may
    assert (await api.call("GET", "/healthz")).status == 200


async def test_media_types_methods_and_paths(api: Api) -> None:
    text = await api.call(
        "POST", "/v1/cases", "gateway", data=b"{}", headers={"Content-Type": "text/plain"}
    )
    assert text.is_problem(415, "unsupported-media-type")
    assert (await api.call("GET", "/nothing")).is_problem(404, "not-found")
    wrong = await api.call("DELETE", "/v1/cases")
    assert wrong.is_problem(405, "method-not-allowed")
    assert "POST" in wrong.headers["Allow"]


@pytest.mark.parametrize("path", ["/v1/consents/%00", "/v1/photos/%00", "/v1/services/%E2%80%8B"])
async def test_a_path_of_unseen_signs_leads_nowhere(api: Api, path: str) -> None:
    answer = await api.call("GET", path, "auditor")
    assert answer.is_problem(404, "not-found")


async def test_versions_and_keys(api: Api) -> None:
    case = await api.call("POST", "/v1/cases", "citizen", json=REPORT | {"source": "citizen"})
    path = f"/v1/cases/{case.json['case_id']}/verify"
    missing = await api.call("POST", path, "operator", json={})
    assert missing.is_problem(428, "precondition-required")
    for bad in ("1", "*", 'W/"1"', '"0"', '"-1"', '"1","2"', '"' + "9" * 30 + '"'):
        answer = await api.call("POST", path, "operator", json={}, headers={"If-Match": bad})
        assert answer.is_problem(400, "malformed-request")
    stale = await api.call("POST", path, "operator", json={}, headers={"If-Match": '"77"'})
    assert stale.is_problem(412, "stale-version")
    key = {"Idempotency-Key": "abc"}
    first = await api.call("POST", "/v1/cases", "gateway", json=REPORT, headers=key)
    again = await api.call("POST", "/v1/cases", "gateway", json=REPORT, headers=key)
    assert (again.body, again.headers["X-Position"]) == (first.body, first.headers["X-Position"])
    assert again.headers["Idempotency-Replayed"] == "true"
    other = await api.call(
        "POST", "/v1/cases", "gateway", json=REPORT | {"confidence": 1}, headers=key
    )
    assert other.is_problem(422, "idempotency-key-reused")
    spaced = await api.call(
        "POST", "/v1/cases", "gateway", json=REPORT, headers={"Idempotency-Key": "a b"}
    )
    assert spaced.is_problem(400, "malformed-request")


def forged(**changes: Any) -> Callable[[DevelopmentIssuer], str]:
    """A token signed by somebody else, or with claims or headers of its own.

    `nbf` counts from the moment that the token is made.
    """
    key = changes.pop("key", None)
    headers = {"typ": "at+jwt"} | changes.pop("headers", {})

    def make(issuer: DevelopmentIssuer) -> str:
        now = int(time.time())
        claims = {
            "iss": issuer.issuer,
            "aud": "citybrain",
            "sub": "x",
            "client_id": "c",
            "iat": now,
            "exp": now + 60,
            "jti": "1",
            "roles": ["auditor"],
        } | changes
        if "nbf" in claims:
            claims["nbf"] = now + changes["nbf"]
        claims = {name: value for name, value in claims.items() if value is not None}
        return jwt.encode(
            claims, key or issuer._key, algorithm="ES256", headers={"kid": issuer._kid} | headers
        )

    return make


def unsigned(issuer: DevelopmentIssuer) -> str:
    _, claims, _ = forged()(issuer).split(".")
    none = base64.urlsafe_b64encode(orjson.dumps({"alg": "none", "typ": "at+jwt"})).decode()
    return f"{none.rstrip('=')}.{claims}."


def resigned(issuer: DevelopmentIssuer) -> str:
    """A token with another token's signature."""
    claims, _, _ = forged()(issuer).rpartition(".")
    _, _, signature = forged(sub="somebody-else")(issuer).rpartition(".")
    return f"{claims}.{signature}"


@pytest.mark.parametrize(
    "token",
    [
        unsigned,
        forged(key=ec.generate_private_key(ec.SECP256R1())),
        forged(exp=1),
        forged(exp=None),
        forged(aud="other"),
        forged(iss="urn:other"),
        forged(sub=None),
        forged(jti=None),
        forged(client_id=None),
        forged(iat=None),
        forged(nbf=3600),
        forged(headers={"typ": "JWT"}),
        forged(headers={"kid": "other"}),
        forged(roles="auditor"),
        forged(department=5),
        lambda issuer: "",
        lambda issuer: "a.b.c",
        lambda issuer: "x" * 5000,
        resigned,
    ],
)
async def test_forged_expired_and_odd_tokens_are_refused(
    api: Api, token: Callable[[DevelopmentIssuer], str]
) -> None:
    assert api.runtime.development is not None
    headers = {"Authorization": f"Bearer {token(api.runtime.development)}"}
    answer = await api.call("GET", "/v1/events", headers=headers)
    assert answer.is_problem(401, "unauthenticated")
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")


async def test_the_system_role_cannot_come_from_outside(api: Api) -> None:
    assert api.runtime.development is not None
    token = api.runtime.development.token("x", ["system"])
    headers = {"Authorization": f"Bearer {token}"}
    answer = await api.call("POST", "/v1/cases", json=REPORT, headers=headers)
    assert answer.is_problem(403, "role-missing")


@pytest.mark.parametrize(
    "query",
    [
        "limit=0",
        "limit=9999",
        "limit=x",
        "after=!!!",
        "after=e30",
        "after=WyJ4IiwieSJd",
        "min_position=-1",
        "min_position=99999999999999999999",
        "min_position=5",
        "colour=red",
        "limit=1&limit=2",
        "class=..%2F",
        "department=%00",
        "status=%27%3B--",
    ],
)
async def test_odd_query_parameters_are_malformed(api: Api, query: str) -> None:
    answer = await api.call("GET", f"/v1/cases?{query}", "operator")
    assert answer.is_problem(400, "malformed-request")


async def test_no_query_with_a_nul_reaches_the_database(api: Api) -> None:
    asked = 0
    for route in api.runtime.routes:
        if route.query is None or "after" not in route.query.model_fields or route.roles == ():
            continue
        role = None if route.roles is None else next(each for each in route.roles)
        path = re.sub(r"{\w+}", "x", route.path)
        answer = await api.call("GET", f"{path}?after=%00", role)
        assert answer.status == 400, (path, answer.body)
        asked += 1
    assert asked > 20


async def test_problems_carry_the_correlation_id_and_nothing_of_the_input(api: Api) -> None:
    identity = "0192f3a4-c8e7-7b1e-8c3d-5f6a7b8c9d0e"
    body = REPORT | {"description": 5, "address": "Secret Street 1"}
    answer = await api.call(
        "POST", "/v1/cases", "gateway", json=body, headers={"X-Correlation-Id": identity}
    )
    assert answer.json["correlation_id"] == answer.headers["X-Correlation-Id"] == identity
    assert b"Secret" not in answer.body
    odd = await api.call("GET", "/v1/x", headers={"X-Correlation-Id": "not-a-uuid"})
    assert odd.headers["X-Correlation-Id"] != "not-a-uuid"


class TestLimits:
    @pytest.fixture
    def change_settings(self) -> Callable[[Settings], None]:
        def change(settings: Settings) -> None:
            settings.rate_limit_per_second, settings.rate_limit_burst = 0.01, 5

        return change

    async def test_who_asks_too_often_waits_and_others_do_not(self, api: Api) -> None:
        answers = [await api.call("GET", "/v1/cases", "operator", subject="busy") for _ in range(8)]
        assert [answer.status for answer in answers[:5]] == [200] * 5
        assert answers[5].is_problem(429, "rate-limited")
        assert int(answers[5].headers["Retry-After"]) >= 1
        assert (await api.call("GET", "/v1/cases", "operator", subject="calm")).status == 200


async def test_a_full_append_queue_is_a_clear_503(api: Api) -> None:
    api.runtime.store.appender._queue_limit = 3
    answers = await asyncio.gather(
        *(api.call("POST", "/v1/cases", "gateway", json=REPORT) for _ in range(60))
    )
    busy = [answer for answer in answers if answer.status == 503]
    assert all(answer.is_problem(503, "store-busy") for answer in busy)
    assert sum(answer.status == 201 for answer in answers) + len(busy) == 60
    assert (await api.call("GET", "/healthz")).status == 200


def test_production_refuses_to_start_without_an_issuer(tmp_path: Any) -> None:
    with pytest.raises(IssuerNotConfigured):
        open_verifier(Settings(mode="production", data_dir=tmp_path))
    assert list(tmp_path.iterdir()) == [], "and makes no development key"


def test_the_development_key_is_for_its_owner_only(tmp_path: Any) -> None:
    DevelopmentIssuer(tmp_path, "citybrain")
    assert (tmp_path / "development-issuer.pem").stat().st_mode & 0o777 == 0o600

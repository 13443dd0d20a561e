"""Who is turned away is logged by pseudonym, and what a token has begun ends with it."""

import asyncio
from typing import Any

import pytest

from tests.given.api import REPORT, Api
from tests.given.logs import every_log
from tests.given.waiting import PATIENCE_SECONDS


@pytest.fixture
def with_workers() -> bool:
    return False


async def no_keys() -> dict[str, Any]:
    """What an issuer answers that has withdrawn all."""
    return {"keys": []}


async def test_a_stream_of_events_ends_with_its_token_and_with_the_key_of_it(api: Api) -> None:
    issuer = api.runtime.development
    assert issuer is not None
    url = f"{api.url}/v1/log?purpose=audit"
    for seconds in (1, 3600):
        token = issuer.token("auditor-1", ["auditor"], seconds=seconds)
        headers = {"Authorization": f"Bearer {token}"}
        async with asyncio.timeout(PATIENCE_SECONDS), api.session.get(url, headers=headers) as log:
            assert log.status == 200
            if seconds == 3600:
                keys = api.runtime.verifier.keys
                keys._fetch, named = no_keys, keys._fetch
                await keys.ask()
                assert (await api.call("POST", "/v1/cases", "camera", json=REPORT)).status == 401
                keys._fetch = named
                await keys.ask()
                assert (await api.call("POST", "/v1/cases", "gateway", json=REPORT)).status == 201
            assert b"event: case" not in await log.read()


async def test_each_refusal_is_a_security_event_with_who_why_and_no_address(api: Api) -> None:
    async def answered(method: str, path: str, role: str | None = None, **options: Any) -> int:
        return (await api.call(method, path, role, **options)).status

    bad = {"Authorization": "Bearer nonsense"}
    with every_log() as logs:
        found = [
            await answered("GET", "/v1/cases"),
            await answered("GET", "/v1/cases", headers=bad),
            await answered("GET", "/v1/cases", headers={"Authorization": "Bearer é"}),
            await answered("POST", "/v1/cases/case-1/close", "auditor", subject="curious", json={}),
            await answered("GET", "/v1/cases?department=police", "official", department="parks"),
            await answered("GET", "/cds/events/events"),
            await answered("POST", "/open311/v2/requests.json", data={"api_key": "guessed"}),
            await answered("GET", "/healthz"),
        ]
    assert found == [401, 401, 401, 403, 403, 401, 403, 200]
    events = [each for each in logs if each.get("security")]
    assert [(each["event"], each["code"], each["subject"]) for each in events] == [
        ("authentication_failed", "unauthenticated", None),
        ("authentication_failed", "unauthenticated", None),
        ("authentication_failed", "unauthenticated", None),
        ("not_authorised", "role-missing", "curious"),
        ("not_authorised", "forbidden", "official-1"),
        ("authentication_failed", "unauthenticated", None),
        ("not_authorised", "http-403", None),
    ]
    assert all(each["reason"] for each in events[:6])
    assert {each["log_level"] for each in events} == {"warning"}
    assert len({each["address"] for each in events}) == 1
    assert "127.0.0.1" not in str(events), "an address is told by a pseudonym alone"
    assert "nonsense" not in str(logs)

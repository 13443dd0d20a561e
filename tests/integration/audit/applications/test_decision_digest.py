"""A payout is tied to its decision by a digest that an auditor computes without our code."""

import base64
import hashlib
import json
from collections.abc import AsyncIterator
from typing import Any

import jwt
import pytest

from citybrain.settings import Settings
from ops.simulators.applications.departments import Departments
from ops.simulators.applications.departments.bank import Bank
from tests.given.api import Api
from tests.given.applying import applied, applying, identified, until


@pytest.fixture
async def both(settings: Settings) -> AsyncIterator[tuple[Api, Departments]]:
    async with applying(settings) as started:
        yield started


def sha256_of(event: dict[str, Any]) -> str:
    """As docs/auditing.md says."""
    named = {name: event[name] for name in ("stream_id", "version", "topic")}
    named["state"] = json.loads(base64.b64decode(event["state_base64"]))
    text = json.dumps(named, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


async def test_the_bank_is_told_the_digest_of_the_stored_decision(
    both: tuple[Api, Departments], monkeypatch: pytest.MonkeyPatch
) -> None:
    api, _ = both
    told: list[dict[str, Any]] = []
    checked = Bank.checked

    def noted(bank: Bank, signed: str, *kinds: str) -> Any:
        told.append(jwt.decode(signed, options={"verify_signature": False}))
        return checked(bank, signed, *kinds)

    monkeypatch.setattr(Bank, "checked", noted)
    application = await applied(api, await identified(api))
    await until(api, application, "paid")
    listed = await api.call("GET", f"/v1/streams/{application}/events?purpose=audit", "auditor")
    events = {event["topic"].partition(".")[2]: event for event in listed.json["events"]}
    decided, instructed = events["decided"], events["payout_instructed"]
    assert instructed["data"]["decision_sha256"] == sha256_of(decided)
    assert instructed["data"]["decision_version"] == decided["version"]
    assert told[0]["decision_sha256"] == sha256_of(decided)
    explained = await api.call("GET", f"/v1/applications/{application}/explanation", "auditor")
    assert explained.json["decisions"][0]["sha256"] == sha256_of(decided)
    assert explained.json["payments"][0]["decision_sha256"] == sha256_of(decided)

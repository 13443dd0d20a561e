"""Money that is late or comes back: what people see of it, and what they can do."""

from collections.abc import AsyncIterator

import pytest

from citybrain.payments import patience
from citybrain.settings import Settings
from citybrain.vault import InStream
from commands.applications.unsealed import RECEIPT
from ops.simulators.applications.departments import Departments
from ops.simulators.applications.departments.bank import REFUSED
from tests.given.api import Api
from tests.given.applying import applied, applying, command, identified, topics, until
from tests.given.waiting import eventually

WORDS = REFUSED["refuse-in-words"]


@pytest.fixture
async def both(settings: Settings) -> AsyncIterator[tuple[Api, Departments]]:
    async with applying(settings) as started:
        yield started


@pytest.fixture
def api(both: tuple[Api, Departments]) -> Api:
    return both[0]


@pytest.fixture
def departments(both: tuple[Api, Departments]) -> Departments:
    return both[1]


async def compensated(api: Api, application: str) -> None:
    await until(api, application, "payout-failed")
    await eventually(lambda: _has(api, application, "compensated"))


async def _has(api: Api, application: str, topic: str) -> bool:
    return topic in await topics(api, application)


async def test_a_bank_that_refuses_in_words_is_quoted_nowhere_but_under_the_seal(
    api: Api, departments: Departments
) -> None:
    await departments.fault("bank-payments", "refuse-in-words")
    citizen = await identified(api)
    application = await applied(api, citizen)
    await compensated(api, application)
    events = await api.runtime.store.read(application)
    (failed,) = [event for event in events if event.topic == "application.payout_failed"]
    assert failed.data["reason"] == "bank-refused"
    assert WORDS.encode() not in b"".join(event.state for event in events)
    sealed = failed.data["receipt_sealed"]
    where = InStream(RECEIPT, application)
    assert await api.runtime.services.vault.open_text(citizen, where, sealed)
    head = await api.runtime.store.head()
    shown = await api.call("GET", f"/v1/applications/{application}?min_position={head}", "auditor")
    assert b"bank-refused" in shown.body
    assert WORDS.encode() not in shown.body
    explained = f"/v1/applications/{application}/explanation"
    theirs = await api.call("GET", explained, "citizen", subject=citizen)
    assert theirs.json["payments"][0]["bank_said"]["code"] == WORDS
    assert WORDS.encode() not in (await api.call("GET", explained, "auditor")).body


async def test_a_payout_that_failed_waits_for_an_officer_until_it_is_withdrawn(
    api: Api, departments: Departments
) -> None:
    await departments.fault("bank-payments", "refuse")
    citizen = await identified(api)
    application = await applied(api, citizen)
    await compensated(api, application)

    async def queued() -> list[str]:
        head = await api.runtime.store.head()
        path = f"/v1/applications/queue?min_position={head}"
        answer = await api.call("GET", path, "auditor")
        return [row["application_id"] for row in answer.json["applications"]]

    assert await queued() == [application]
    answer = await command(api, application, "withdrawal", "citizen", subject=citizen)
    assert (answer.status, answer.json["status"]) == (200, "withdrawn")
    assert await queued() == []


async def test_no_receipt_of_a_payment_is_in_clear(api: Api, departments: Departments) -> None:
    application = await applied(api, await identified(api))
    await until(api, application, "paid")
    (payment,) = departments.ledger()
    raw = b"".join(event.state for event in await api.runtime.store.read(application))
    assert payment["bank_reference"].encode() not in raw


async def test_all_that_wait_for_a_bank_go_on_once_it_has_answered_one(
    api: Api, departments: Departments, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(patience, "FIRST_PAUSE_SECONDS", 0.05)
    monkeypatch.setattr(patience, "ASKED_A_SECOND", 1e-9)  # nobody's turn comes by itself
    await departments.fault("bank-payments", "down")
    waiting = [await applied(api, await identified(api)) for _ in range(3)]
    for application in waiting:
        await until(api, application, "paying")
    await departments.fault("bank-payments", "ok")
    for application in [await applied(api, await identified(api)), *waiting]:
        await until(api, application, "paid")
    assert len(departments.ledger()) == 4

"""The exchange against departments that listen, fail and lie."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from citybrain.exchange import (
    Evidence,
    EvidenceRequest,
    Exchange,
    SourceFailed,
    open_exchange,
    patience,
)
from citybrain.exchange.departments import SourceTimeout, SourceUnavailable
from citybrain.exchange.patience import OPENS_AFTER
from citybrain.payments import open_payments, payout
from citybrain.settings import Settings
from ops.simulators.applications.departments import Departments, open_departments
from ops.simulators.applications.departments.people import RECORDS
from tests.given.payments import allowed
from tests.given.waiting import PATIENCE_SECONDS, holds

NUMBER = "410102199501010000"
TRIED_UNTIL_THE_END = ("hang", "down", "error")


@pytest.fixture
async def departments(tmp_path: Path) -> AsyncIterator[Departments]:
    async with open_departments(tmp_path, latency=(0.0, 0.0), seed=1) as opened:
        yield opened


@pytest.fixture
async def exchange(departments: Departments, tmp_path: Path) -> AsyncIterator[Exchange]:
    async with open_exchange(Settings(mode="development", data_dir=tmp_path)) as opened:
        yield opened


async def ask(
    exchange: Exchange,
    department: str = "police",
    record: str = "identity",
    seconds: float = PATIENCE_SECONDS,
) -> Evidence:
    request = EvidenceRequest(
        request_id=uuid4(),
        application_id="application-1",
        department=department,
        record=record,
        id_number=NUMBER,
        form={},
        user_id="system",
    )
    return await exchange.fetch(request, datetime.now(UTC) + timedelta(seconds=seconds))


async def test_every_record_of_every_department_is_delivered_signed(exchange: Exchange) -> None:
    for department, record in RECORDS:
        found = await ask(exchange, department, record)
        assert found.record, record
        assert found.attempts == 1
        assert len(found.sha256) == 64


async def test_an_attempt_that_we_broke_off_says_nothing_new(
    exchange: Exchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    failures = iter([SourceUnavailable("the department answered 503")])

    async def answer(_: Any, __: Any, seconds: float) -> Any:
        for failure in failures:
            raise failure
        await asyncio.sleep(seconds)
        raise SourceTimeout("the department did not answer in time")

    monkeypatch.setattr(exchange, "ask", answer)
    with pytest.raises(SourceUnavailable) as failed:
        await ask(exchange, seconds=1.0)
    assert failed.value.attempts > 1


@pytest.mark.parametrize(
    ("mode", "code"),
    [
        ("hang", "source-timeout"),
        ("down", "source-unavailable"),
        ("error", "source-unavailable"),
        ("garbage", "source-answer-invalid"),
        ("reject", "source-refused"),
        ("large", "source-answer-too-large"),
        ("wrong-signature", "source-signature-wrong"),
        ("wrong-person", "source-answer-mismatch"),
        ("wrong-request", "source-answer-mismatch"),
    ],
)
async def test_each_failure_has_its_name(
    exchange: Exchange,
    departments: Departments,
    mode: str,
    code: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(patience, "OPENS_AFTER", 1_000)  # each try is made
    await departments.fault("police", mode)
    with pytest.raises(SourceFailed) as failed:
        await ask(exchange, seconds=3.0 if mode in TRIED_UNTIL_THE_END else PATIENCE_SECONDS)
    assert failed.value.code == code
    assert failed.value.department == "police"
    assert failed.value.attempts >= 1
    assert NUMBER not in str(failed.value)


async def test_who_is_not_there_and_what_they_do_not_have(exchange: Exchange) -> None:
    for department, record, code in (
        ("nobody", "identity", "source-unknown"),
        ("police", "dogs", "source-no-record"),
    ):
        with pytest.raises(SourceFailed) as failed:
            await ask(exchange, department, record)
        assert failed.value.code == code


async def test_a_department_that_fails_now_and_then_is_asked_again(
    exchange: Exchange, departments: Departments
) -> None:
    await departments.fault("police", "error")
    asking = asyncio.create_task(ask(exchange))
    await holds(lambda: departments.requests()["police"] > 0)
    await departments.fault("police", "ok")
    assert (await asking).attempts > 1


async def test_a_second_request_overtakes_one_that_hangs(
    exchange: Exchange, departments: Departments
) -> None:
    await departments.fault("police", "hang")
    asking = asyncio.create_task(ask(exchange))
    await holds(lambda: departments.requests()["police"] > 0)
    await departments.fault("police", "ok")
    evidence = await asking
    assert evidence.hedged
    assert evidence.attempts > 1


async def test_an_open_circuit_answers_at_once_and_asks_nobody(
    exchange: Exchange, departments: Departments, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(patience, "COOLS_SECONDS", 10 * PATIENCE_SECONDS)
    await departments.fault("police", "error")
    while not exchange.service("police", "identity").breaker.is_open:
        with pytest.raises(SourceFailed):
            await ask(exchange, seconds=0.1)
    asked = departments.requests()["police"]
    with pytest.raises(SourceFailed) as failed:
        await ask(exchange)
    assert failed.value.code == "source-circuit-open"
    assert departments.requests()["police"] == asked


@pytest.mark.parametrize("mode", ["reject", "garbage", "large", "wrong-signature", "wrong-person"])
async def test_what_is_said_to_one_request_opens_the_circuit_for_nobody(
    exchange: Exchange, departments: Departments, mode: str
) -> None:
    await departments.fault("police", mode)
    for _ in range(2 * OPENS_AFTER):
        with pytest.raises(SourceFailed):
            await ask(exchange)
        assert not exchange.service("police", "identity").breaker.is_open
    await departments.fault("police", "ok")
    assert (await ask(exchange)).attempts == 1


async def test_a_service_that_fails_is_left_alone_and_the_others_of_its_department_are_asked(
    exchange: Exchange, departments: Departments
) -> None:
    await departments.fault("police", "error")
    while not exchange.service("police", "identity").breaker.is_open:
        with pytest.raises(SourceFailed):
            await ask(exchange, seconds=0.1)
    await departments.fault("police", "ok")
    assert (await ask(exchange, "police", "residence")).attempts == 1
    assert exchange.service("police", "identity").breaker.is_open


async def test_a_department_that_comes_back_in_time_is_heard(
    exchange: Exchange, departments: Departments, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(patience, "COOLS_SECONDS", 0.5)
    await departments.fault("police", "down")
    asking = asyncio.create_task(ask(exchange))
    await holds(lambda: exchange.service("police", "identity").breaker.is_open)
    assert not asking.done()
    await departments.fault("police", "ok")
    assert (await asking).attempts > OPENS_AFTER


async def test_a_slow_answer_in_time_is_an_answer(
    exchange: Exchange, departments: Departments
) -> None:
    await departments.fault("police", "slow", seconds=0.3)
    assert (await ask(exchange)).milliseconds >= 300


async def test_many_at_once_get_each_their_own(exchange: Exchange) -> None:
    found = await asyncio.gather(*(ask(exchange, *source) for source in RECORDS for _ in range(10)))
    assert len({evidence.sha256 for evidence in found}) == len(found)


async def test_a_fault_may_be_everybodys(exchange: Exchange, departments: Departments) -> None:
    await departments.fault("*", "down")
    for department, record in (("police", "identity"), ("tax", "invoice")):
        with pytest.raises(SourceFailed):
            await ask(exchange, department, record, seconds=0.1)
    await departments.fault("*", "ok")
    assert (await ask(exchange)).record
    with pytest.raises(ValueError, match="modes"):
        await departments.fault("*", "refuse")


async def test_who_stops_waiting_leaves_nothing_behind(
    exchange: Exchange, departments: Departments
) -> None:
    await departments.fault("police", "hang")
    before = asyncio.all_tasks()
    asking = asyncio.create_task(ask(exchange))
    await holds(lambda: departments.requests()["police"] > 0)
    asking.cancel()
    await asyncio.wait([asking])
    ours = {task for task in asyncio.all_tasks() - before if "Exchange" in repr(task)}
    assert asking.cancelled()
    assert not ours


async def test_what_was_paid_is_known_to_the_fund_and_to_the_spouses_registry(
    exchange: Exchange, tmp_path: Path
) -> None:
    before = (await ask(exchange, "housing-fund", "account")).record
    instruction = payout(
        uuid4(),
        reference="application-1",
        amount_fen=700,
        from_account="housing-fund",
        payee_id_number=NUMBER,
        authorised=allowed("application-1", 700),
    )
    async with open_payments(Settings(mode="development", data_dir=tmp_path)) as payments:
        await payments.instruct(instruction)
    after = (await ask(exchange, "housing-fund", "account")).record
    assert before["balance_fen"] - after["balance_fen"] == 700
    assert after["withdrawn_for_loan_fen"] == 700
    assert after["last_withdrawal"]

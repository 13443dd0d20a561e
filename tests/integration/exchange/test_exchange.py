"""The exchange against departments and a bank that listen, fail and lie."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from citybrain.exchange import (
    Evidence,
    EvidenceRequest,
    Exchange,
    Payment,
    PaymentUnknown,
    SourceFailed,
    open_exchange,
    patience,
)
from citybrain.exchange.patience import OPENS_AFTER
from citybrain.exchange.signing import DEVELOPMENT_KEY
from citybrain.settings import Settings
from ops.simulators.applications.departments import Departments, open_departments
from ops.simulators.applications.departments.people import RECORDS

NUMBER = "410102199501010000"


@pytest.fixture
async def departments(tmp_path: Path) -> AsyncIterator[Departments]:
    async with open_departments(tmp_path, latency=(0.0, 0.0), seed=1) as opened:
        yield opened


@pytest.fixture
async def exchange(departments: Departments, tmp_path: Path) -> AsyncIterator[Exchange]:
    async with open_exchange(Settings(mode="development", data_dir=tmp_path)) as opened:
        yield opened


async def ask(
    exchange: Exchange, department: str = "police", record: str = "identity", seconds: float = 0.8
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


@pytest.mark.parametrize(
    ("mode", "code"),
    [
        ("hang", "source-timeout"),
        ("down", "source-unavailable"),
        ("error", "source-unavailable"),
        ("garbage", "source-answer-invalid"),
        ("wrong-signature", "source-signature-wrong"),
        ("wrong-person", "source-answer-mismatch"),
        ("wrong-request", "source-answer-mismatch"),
    ],
)
async def test_each_failure_has_its_name(
    exchange: Exchange, departments: Departments, mode: str, code: str
) -> None:
    await departments.fault("police", mode)
    with pytest.raises(SourceFailed) as failed:
        await ask(exchange)
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
    await departments.fault("police", "error", share=0.3)
    found = [await ask(exchange, seconds=10) for _ in range(12)]
    assert any(evidence.attempts > 1 for evidence in found)


async def test_a_second_request_overtakes_one_that_hangs(
    exchange: Exchange, departments: Departments
) -> None:
    await departments.fault("police", "hang", share=0.5)
    for _ in range(8):
        evidence = await ask(exchange, seconds=10)
        if evidence.hedged:
            break
    assert evidence.hedged


async def test_an_open_circuit_answers_at_once_and_asks_nobody(
    exchange: Exchange, departments: Departments
) -> None:
    await departments.fault("police", "garbage")
    for _ in range(OPENS_AFTER):
        with pytest.raises(SourceFailed):
            await ask(exchange)
    asked = departments.requests()["police"]
    with pytest.raises(SourceFailed) as failed:
        await ask(exchange)
    assert failed.value.code == "source-circuit-open"
    assert departments.requests()["police"] == asked


async def test_a_department_that_comes_back_in_time_is_heard(
    exchange: Exchange, departments: Departments, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(patience, "COOLS_SECONDS", 0.5)
    await departments.fault("police", "down")
    asking = asyncio.create_task(ask(exchange, seconds=20))
    await asyncio.sleep(1.5)
    assert not asking.done()
    await departments.fault("police", "ok")
    assert (await asking).attempts > OPENS_AFTER


async def test_a_slow_answer_in_time_is_an_answer(
    exchange: Exchange, departments: Departments
) -> None:
    await departments.fault("police", "slow", seconds=0.3)
    assert (await ask(exchange, seconds=10)).milliseconds >= 300


async def test_many_at_once_get_each_their_own(exchange: Exchange) -> None:
    found = await asyncio.gather(
        *(ask(exchange, *source, seconds=10) for source in RECORDS for _ in range(10))
    )
    assert len({evidence.sha256 for evidence in found}) == len(found)


async def test_a_fault_may_be_everybodys(exchange: Exchange, departments: Departments) -> None:
    await departments.fault("*", "down")
    for department, record in (("police", "identity"), ("tax", "invoice")):
        with pytest.raises(SourceFailed):
            await ask(exchange, department, record, seconds=0.1)
    await departments.fault("*", "ok")
    assert (await ask(exchange, seconds=10)).record
    with pytest.raises(ValueError, match="modes"):
        await departments.fault("*", "refuse")


async def test_who_stops_waiting_leaves_nothing_behind(
    exchange: Exchange, departments: Departments
) -> None:
    await departments.fault("police", "hang")
    before = asyncio.all_tasks()
    asking = asyncio.create_task(ask(exchange, seconds=10))
    await asyncio.sleep(0.2)
    asking.cancel()
    await asyncio.wait([asking])
    ours = {task for task in asyncio.all_tasks() - before if "Exchange" in repr(task)}
    assert asking.cancelled()
    assert not ours


def payment(payment_id: UUID | None = None, amount_fen: int = 700) -> Payment:
    return Payment(payment_id or uuid4(), "application-1", amount_fen, "housing-fund", NUMBER)


@pytest.mark.parametrize("mode", ["ok", "double", "pay-then-error"])
async def test_money_moves_once_for_an_id(
    exchange: Exchange, departments: Departments, mode: str
) -> None:
    await departments.fault("bank-payments", mode)
    paying = payment()
    for _ in range(2):
        try:
            receipt = await exchange.pay(paying)
        except PaymentUnknown:
            await departments.fault("bank-payments", "ok")
            receipt = await exchange.pay(paying)
    assert receipt.status == "success"
    assert len(departments.ledger()) == 1


@pytest.mark.parametrize("mode", ["down", "error", "garbage", "wrong-signature"])
async def test_what_the_bank_did_stays_unknown_until_it_says_so(
    exchange: Exchange, departments: Departments, mode: str
) -> None:
    await departments.fault("bank-payments", mode)
    with pytest.raises(PaymentUnknown):
        await exchange.pay(payment())


async def test_a_bank_that_pays_and_falls_silent_is_asked_again(
    exchange: Exchange, departments: Departments, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("citybrain.exchange.exchange.BANK_SECONDS", 0.3)
    await departments.fault("bank-payments", "pay-then-hang")
    paying = payment()
    with pytest.raises(PaymentUnknown):
        await exchange.pay(paying)
    monkeypatch.undo()
    await departments.fault("bank-payments", "ok")
    found = await exchange.payment(paying.payment_id)
    again = await exchange.pay(paying)
    assert found is not None
    assert (found.status, found.amount_fen) == ("success", paying.amount_fen)
    assert found.bank_reference == again.bank_reference
    assert len(departments.ledger()) == 1


async def test_a_refusal_that_the_bank_signs_is_a_receipt(
    exchange: Exchange, departments: Departments
) -> None:
    await departments.fault("bank-payments", "refuse")
    receipt = await exchange.pay(payment())
    assert (receipt.status, receipt.code, receipt.settled_at) == ("failed", "account-closed", None)


async def test_a_payment_can_be_asked_for(exchange: Exchange, departments: Departments) -> None:
    assert await exchange.payment(uuid4()) is None
    await departments.fault("bank-payments", "wrong-signature")
    paying = payment()
    with pytest.raises(PaymentUnknown):
        await exchange.pay(paying)
    with pytest.raises(PaymentUnknown):
        await exchange.payment(paying.payment_id)


async def test_the_bank_follows_a_new_key_of_ours(departments: Departments, tmp_path: Path) -> None:
    settings = Settings(mode="development", data_dir=tmp_path)
    for _ in range(2):
        async with open_exchange(settings) as opened:
            assert (await opened.pay(payment())).status == "success"
        (tmp_path / DEVELOPMENT_KEY).unlink()


async def test_the_book_outlives_the_bank(tmp_path: Path) -> None:
    paying, references = payment(), set()
    for _ in range(2):
        async with (
            open_departments(tmp_path, latency=(0.0, 0.0), seed=1) as departments,
            open_exchange(Settings(mode="development", data_dir=tmp_path)) as opened,
        ):
            references.add((await opened.pay(paying)).bank_reference)
            assert len(departments.ledger()) == 1
    assert len(references) == 1


async def test_the_bank_takes_an_id_for_one_payment_only(
    exchange: Exchange, departments: Departments
) -> None:
    first = payment()
    await exchange.pay(first)
    with pytest.raises(PaymentUnknown):
        await exchange.pay(payment(payment_id=first.payment_id, amount_fen=701))
    assert len(departments.ledger()) == 1


async def test_what_was_paid_is_known_to_the_fund_and_to_the_spouses_registry(
    exchange: Exchange, departments: Departments, tmp_path: Path
) -> None:
    before = (await ask(exchange, "housing-fund", "account")).record
    await exchange.pay(payment())
    after = (await ask(exchange, "housing-fund", "account")).record
    assert before["balance_fen"] - after["balance_fen"] == 700
    assert after["withdrawn_for_loan_fen"] == 700
    assert after["last_withdrawal"]

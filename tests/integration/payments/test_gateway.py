"""The bank's door to payers: orders, cancellations and what is called back, over its one book."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import aiohttp
import jwt
import pytest
from aiohttp import web

from citybrain.exchange.directory import read_directory
from citybrain.exchange.signing import SignatureWrong
from citybrain.payments import (
    Instruction,
    Kind,
    NotAuthorised,
    Payments,
    PaymentUnknown,
    charge,
    open_payments,
    order,
)
from citybrain.payments.callbacks import Told
from citybrain.settings import Settings
from ops.simulators.applications.departments import Departments, open_departments
from ops.simulators.applications.departments.__main__ import control
from tests.given.payments import allowed

NUMBER = "410102199501010000"
REFERENCE = "parking_claim-1"
NOWHERE = "http://127.0.0.1:9/"
FIVE_MINUTES = timedelta(minutes=5)


@pytest.fixture
async def departments(tmp_path: Path) -> AsyncIterator[Departments]:
    async with open_departments(tmp_path, latency=(0.0, 0.0), seed=1, callbacks=NOWHERE) as opened:
        opened.gateway.callbacks.holding = True
        yield opened


@pytest.fixture
async def payments(departments: Departments, tmp_path: Path) -> AsyncIterator[Payments]:
    async with open_payments(Settings(mode="development", data_dir=tmp_path)) as opened:
        yield opened


def debit(payment_id: UUID) -> Instruction:
    return charge(
        payment_id,
        reference=REFERENCE,
        amount_fen=600,
        to_account="parking",
        payer_id_number=NUMBER,
        authorised=allowed(REFERENCE, 600),
    )


def ordered(payment_id: UUID, amount_fen: int = 600) -> Instruction:
    return order(
        payment_id,
        reference=REFERENCE,
        amount_fen=amount_fen,
        to_account="parking",
        authorised=allowed(REFERENCE, 600),
    )


async def pay(tmp_path: Path, signed: str, **said: Any) -> tuple[int, str]:
    bank = read_directory(tmp_path / "exchange.json").bank
    assert bank is not None
    body = {"order": signed, "means": "card-1"} | said
    async with (
        aiohttp.ClientSession() as session,
        session.post(f"{bank.url}/orders", json=body) as answer,
    ):
        return answer.status, await answer.text()


async def test_what_was_cancelled_in_time_moves_no_money(
    payments: Payments, departments: Departments
) -> None:
    payment_id = uuid4()
    for _ in range(2):
        receipt = await payments.cancel(ordered(payment_id))
        assert (receipt.status, receipt.code) == ("failed", "payment-cancelled")
        assert (receipt.kind, receipt.booked_at is None) == (Kind.CHARGE, False)
    late = await payments.instruct(debit(payment_id))
    assert (late.status, late.code) == ("failed", "payment-cancelled")
    assert (len(departments.ledger()), departments.book.balance_fen("parking")) == (1, 0)


async def test_what_was_made_before_stays_made(
    payments: Payments, departments: Departments
) -> None:
    payment_id = uuid4()
    await payments.instruct(debit(payment_id))
    receipt = await payments.cancel(ordered(payment_id))
    assert (receipt.status, receipt.amount_fen) == ("success", 600)
    assert departments.book.balance_fen("parking") == 600


async def test_a_cancellation_that_is_not_answered_is_unknown(
    payments: Payments, departments: Departments
) -> None:
    payment_id = uuid4()
    await departments.fault("bank-payments", "pay-then-error")
    with pytest.raises(PaymentUnknown):
        await payments.cancel(ordered(payment_id))
    await departments.fault("bank-payments", "wrong-signature")
    with pytest.raises(PaymentUnknown):
        await payments.cancel(ordered(payment_id))
    await departments.fault("bank-payments", "ok")
    assert (await payments.cancel(ordered(payment_id))).code == "payment-cancelled"


async def test_an_order_names_nobody_and_is_paid_once(
    payments: Payments, departments: Departments, tmp_path: Path
) -> None:
    signed = payments.order(ordered(uuid4()), datetime.now(UTC) + FIVE_MINUTES)
    claims = jwt.decode(signed, options={"verify_signature": False})
    assert "payer_id_number" not in claims
    assert (claims["amount_fen"], claims["currency"]) == (600, "CNY")
    for _ in range(2):
        assert (await pay(tmp_path, signed))[0] == 200
    assert (await pay(tmp_path, signed, means="card-2"))[0] == 409
    assert departments.book.balance_fen("parking") == 600


async def test_an_order_of_what_nobody_decided_is_none() -> None:
    with pytest.raises(NotAuthorised):
        ordered(uuid4(), 599)


async def test_what_is_no_order_is_not_paid(
    payments: Payments, departments: Departments, tmp_path: Path
) -> None:
    signed = payments.order(ordered(uuid4()), datetime.now(UTC) + FIVE_MINUTES)
    for wrong in ("", "x.y.z", signed[:-8] + "AAAAAAAA"):
        assert (await pay(tmp_path, wrong))[0] == 400
    ended = payments.order(ordered(uuid4()), datetime.now(UTC) - timedelta(minutes=1))
    assert (await pay(tmp_path, ended))[0] == 409
    assert departments.ledger() == []


async def test_each_end_of_a_payment_is_told_once(
    payments: Payments, departments: Departments
) -> None:
    payment_id = uuid4()
    await departments.fault("bank-payments", "refuse")
    await payments.instruct(debit(payment_id))
    await departments.fault("bank-payments", "double")
    await payments.instruct(debit(payment_id))
    departments.gateway.try_again(str(payment_id))
    departments.gateway.charge_back(str(payment_id))
    waiting = departments.gateway.callbacks.waiting.values()
    told = [payments.callback(each["signed"]) for each in waiting]
    assert [each.status for each in told] == [Told.FAILED, Told.CAPTURED, Told.CHARGED_BACK]
    assert all(each.payment_id == payment_id for each in told)
    assert all(each.fits(REFERENCE, 600) for each in told)
    assert told[0].code == "account-closed"
    assert told[2].chargeback_id not in (None, payment_id)
    with pytest.raises(SignatureWrong):
        payments.callback(payments.order(ordered(uuid4()), datetime.now(UTC) + FIVE_MINUTES))


async def test_the_gateway_is_told_how_to_err_over_http(
    payments: Payments, departments: Departments
) -> None:
    runner = web.AppRunner(control(departments))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    payment_id = str(uuid4())
    await payments.instruct(debit(UUID(payment_id)))
    url = f"http://127.0.0.1:{runner.addresses[0][1]}/gateway"
    async with aiohttp.ClientSession() as session:
        for asked, status in (
            ({"do": "hold"}, 200),
            ({"do": "say", "payment_id": payment_id, "status": "captured", "amount": 6}, 200),
            ({"do": "charge_back", "payment_id": payment_id}, 200),
            ({"do": "fly"}, 400),
            ({"do": "say"}, 400),
            ({"do": "release", "order": [9]}, 400),
            ({}, 400),
        ):
            async with session.post(url, json=asked) as answer:
                assert answer.status == status, asked
    await runner.cleanup()
    told = [
        payments.callback(each["signed"]) for each in departments.gateway.callbacks.waiting.values()
    ]
    assert [each.amount for each in told] == [600, 6, 600]
    assert departments.book.balance_fen("parking") == 0

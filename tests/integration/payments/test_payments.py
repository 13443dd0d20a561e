"""Payments against a bank that listens, fails, lies and keeps a book."""

from collections import defaultdict
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import UUID, uuid4

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from citybrain.exchange.signing import DEVELOPMENT_KEY
from citybrain.payments import (
    Instruction,
    Kind,
    Payments,
    PaymentUnknown,
    charge,
    open_payments,
    payout,
    refund,
)
from citybrain.settings import Settings
from ops.simulators.applications.departments import Departments, open_departments
from ops.simulators.applications.departments.ledger import OPENING_FEN
from tests.given import waiting
from tests.given.payments import allowed
from tests.given.storm import SHARED_FIXTURE, examples

NUMBER = "410102199501010000"


@pytest.fixture
async def departments(tmp_path: Path) -> AsyncIterator[Departments]:
    async with open_departments(tmp_path, latency=(0.0, 0.0), seed=1) as opened:
        yield opened


@pytest.fixture
async def payments(departments: Departments, tmp_path: Path) -> AsyncIterator[Payments]:
    async with open_payments(Settings(mode="development", data_dir=tmp_path)) as opened:
        yield opened


def holds(departments: Departments, account: str = "parking") -> tuple[int, int]:
    """What the person has gained since they opened their account, and what the city has."""
    book = departments.book
    return book.holds_fen(NUMBER) - OPENING_FEN, book.balance_fen(account)


def payment(payment_id: UUID | None = None, amount_fen: int = 700) -> Instruction:
    return payout(
        payment_id or uuid4(),
        reference="application-1",
        amount_fen=amount_fen,
        from_account="housing-fund",
        payee_id_number=NUMBER,
        authorised=allowed("application-1", amount_fen),
    )


def parked(amount_fen: int = 700, payment_id: UUID | None = None) -> Instruction:
    return charge(
        payment_id or uuid4(),
        reference="parking-1",
        amount_fen=amount_fen,
        to_account="parking",
        payer_id_number=NUMBER,
        authorised=allowed("parking-1", amount_fen),
    )


def back(
    paid: Instruction, amount_fen: int, left_fen: int | None = None, refund_id: UUID | None = None
) -> Instruction:
    return refund(
        refund_id or uuid4(),
        reference=paid.reference,
        amount_fen=amount_fen,
        refund_of=paid.payment_id,
        left_fen=paid.amount_fen if left_fen is None else left_fen,
        authorised=allowed(paid.reference, amount_fen),
    )


@pytest.mark.parametrize("mode", ["ok", "double", "pay-then-error"])
async def test_money_moves_once_for_an_id(
    payments: Payments, departments: Departments, mode: str
) -> None:
    await departments.fault("bank-payments", mode)
    paying = payment()
    for _ in range(2):
        try:
            receipt = await payments.instruct(paying)
        except PaymentUnknown:
            await departments.fault("bank-payments", "ok")
            receipt = await payments.instruct(paying)
    assert receipt.status == "success"
    assert len(departments.ledger()) == 1


@pytest.mark.parametrize("mode", ["down", "error", "garbage", "wrong-signature"])
async def test_what_the_bank_did_stays_unknown_until_it_says_so(
    payments: Payments, departments: Departments, mode: str
) -> None:
    await departments.fault("bank-payments", mode)
    with pytest.raises(PaymentUnknown):
        await payments.instruct(payment())


async def test_a_bank_that_pays_and_falls_silent_is_asked_again(
    payments: Payments, departments: Departments, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("citybrain.payments.bank.ANSWER_SECONDS", 0.3)
    await departments.fault("bank-payments", "pay-then-hang")
    paying = payment()
    with pytest.raises(PaymentUnknown):
        await payments.instruct(paying)
    await waiting.holds(departments.ledger)
    monkeypatch.undo()
    await departments.fault("bank-payments", "ok")
    found = await payments.statement(paying.payment_id)
    again = await payments.instruct(paying)
    assert found is not None
    assert (found.status, found.amount_fen) == ("success", paying.amount_fen)
    assert found.bank_reference == again.bank_reference
    assert len(departments.ledger()) == 1


async def test_a_refusal_that_the_bank_signs_is_a_receipt(
    payments: Payments, departments: Departments
) -> None:
    await departments.fault("bank-payments", "refuse")
    receipt = await payments.instruct(payment())
    assert (receipt.status, receipt.code, receipt.settled_at) == ("failed", "account-closed", None)


async def test_a_payment_can_be_asked_for(payments: Payments, departments: Departments) -> None:
    assert await payments.statement(uuid4()) is None
    await departments.fault("bank-payments", "wrong-signature")
    paying = payment()
    with pytest.raises(PaymentUnknown):
        await payments.instruct(paying)
    with pytest.raises(PaymentUnknown):
        await payments.statement(paying.payment_id)


async def test_the_bank_follows_a_new_key_of_ours(departments: Departments, tmp_path: Path) -> None:
    settings = Settings(mode="development", data_dir=tmp_path)
    for _ in range(2):
        async with open_payments(settings) as opened:
            assert (await opened.instruct(payment())).status == "success"
        (tmp_path / DEVELOPMENT_KEY).unlink()


async def test_the_book_outlives_the_bank(tmp_path: Path) -> None:
    paying, references = payment(), set()
    for _ in range(2):
        async with (
            open_departments(tmp_path, latency=(0.0, 0.0), seed=1) as departments,
            open_payments(Settings(mode="development", data_dir=tmp_path)) as opened,
        ):
            references.add((await opened.instruct(paying)).bank_reference)
            assert len(departments.ledger()) == 1
    assert len(references) == 1


async def test_the_bank_takes_an_id_for_one_payment_only(
    payments: Payments, departments: Departments
) -> None:
    first = payment()
    await payments.instruct(first)
    with pytest.raises(PaymentUnknown):
        await payments.instruct(payment(payment_id=first.payment_id, amount_fen=701))
    assert len(departments.ledger()) == 1


async def test_a_charge_takes_from_the_person_and_a_payout_gives(
    payments: Payments, departments: Departments
) -> None:
    receipt = await payments.instruct(parked())
    assert (receipt.status, receipt.kind, receipt.amount_fen) == ("success", Kind.CHARGE, 700)
    assert holds(departments) == (-700, 700)
    await payments.instruct(payment(amount_fen=200))
    assert holds(departments, "housing-fund") == (-500, -200)


async def test_who_has_too_little_is_not_charged(
    payments: Payments, departments: Departments
) -> None:
    paying = parked(OPENING_FEN + 1)
    receipt = await payments.instruct(paying)
    assert (receipt.status, receipt.code) == ("failed", "insufficient-funds")
    assert holds(departments) == (0, 0)
    assert (await payments.instruct(parked(OPENING_FEN))).status == "success"
    await payments.instruct(payment(amount_fen=OPENING_FEN + 1))
    again = await payments.instruct(paying)  # an answer stays what it was
    assert (again.status, again.code) == ("failed", "insufficient-funds")


async def test_a_charge_is_given_back_in_parts_and_never_more_than_all(
    payments: Payments, departments: Departments
) -> None:
    paid = parked(700)
    await payments.instruct(paid)
    for amount_fen in (200, 300):
        receipt = await payments.instruct(back(paid, amount_fen))
        assert (receipt.status, receipt.kind) == ("success", Kind.REFUND)
    assert holds(departments) == (-200, 200)
    refused = await payments.instruct(back(paid, 201))
    assert (refused.status, refused.code) == ("failed", "exceeds-payment")
    found = await payments.statement(paid.payment_id)
    assert found is not None
    assert (found.amount_fen, found.refunded_fen) == (700, 500)
    await payments.instruct(back(paid, 200))
    assert holds(departments) == (0, 0)


@pytest.mark.parametrize("mode", ["ok", "double", "pay-then-error"])
async def test_money_comes_back_once_for_an_id(
    payments: Payments, departments: Departments, mode: str
) -> None:
    paid = parked()
    await payments.instruct(paid)
    returning = back(paid, 300)
    await departments.fault("bank-payments", mode)
    for _ in range(2):
        try:
            await payments.instruct(returning)
        except PaymentUnknown:
            await departments.fault("bank-payments", "ok")
            await payments.instruct(returning)
    assert holds(departments) == (-400, 400)
    with pytest.raises(PaymentUnknown):
        await payments.instruct(back(paid, 400, refund_id=returning.payment_id))
    assert holds(departments) == (-400, 400)


async def test_what_was_not_paid_is_not_given_back(
    payments: Payments, departments: Departments
) -> None:
    unknown = parked()
    failed = parked(OPENING_FEN + 1)
    await payments.instruct(failed)
    for paid in (unknown, failed):
        receipt = await payments.instruct(back(paid, 100))
        assert (receipt.status, receipt.code) == ("failed", "no-such-payment")
    paid = parked()
    await payments.instruct(paid)
    returned = back(paid, 100)
    await payments.instruct(returned)
    of_a_refund = await payments.instruct(back(returned, 100))
    assert of_a_refund.code == "no-such-payment"
    assert holds(departments) == (-600, 600)


async def test_a_payout_comes_back_as_far_as_the_money_is_there(
    payments: Payments, departments: Departments
) -> None:
    paid = payment(amount_fen=700)
    await payments.instruct(paid)
    await payments.instruct(parked(OPENING_FEN + 500))
    spent = await payments.instruct(back(paid, 300))
    assert (spent.status, spent.code) == ("failed", "insufficient-funds")
    assert (await payments.instruct(back(paid, 200))).status == "success"
    assert departments.book.paid_from_fund(NUMBER).amount_fen == 500


async def test_an_id_is_of_one_kind(payments: Payments, departments: Departments) -> None:
    paid = parked()
    await payments.instruct(paid)
    with pytest.raises(PaymentUnknown):
        await payments.instruct(payment(payment_id=paid.payment_id))
    assert len(departments.ledger()) == 1


async def test_the_book_of_before_is_read(tmp_path: Path) -> None:
    """Lines of a bank that knew payouts only."""
    paid = payment()
    line = {
        "amount_fen": 700,
        "from_account": "housing-fund",
        "payee_id_number": NUMBER,
        "application_id": "application-1",
        "payment_id": str(paid.payment_id),
        "status": "success",
        "code": None,
        "bank_reference": "B000000001",
        "settled_at": 1_772_000_000,
    }
    (tmp_path / "departments").mkdir()
    (tmp_path / "departments" / "bank.jsonl").write_bytes(orjson.dumps(line) + b"\n")
    async with (
        open_departments(tmp_path, latency=(0.0, 0.0), seed=1) as departments,
        open_payments(Settings(mode="development", data_dir=tmp_path)) as opened,
    ):
        assert (await opened.instruct(paid)).bank_reference == "B000000001"
        await opened.instruct(back(paid, 300))
        assert holds(departments, "housing-fund") == (400, -400)
    async with open_departments(tmp_path, latency=(0.0, 0.0), seed=1) as departments:
        assert holds(departments, "housing-fund") == (400, -400)
        assert departments.book.refunded_fen(str(paid.payment_id)) == 300


amounts = st.integers(1, 900)
doings = st.one_of(
    st.tuples(st.just("payout"), amounts),
    st.tuples(st.just("charge"), amounts),
    st.tuples(st.just("refund"), st.integers(0, 30), amounts),
    st.tuples(st.just("again"), st.integers(0, 30)),
)


@examples(25, SHARED_FIXTURE)
@given(doings=st.lists(doings, min_size=5, max_size=30))
async def test_no_history_makes_money_or_gives_back_more_than_was_paid(
    payments: Payments, departments: Departments, doings: list[tuple[str, int, int]]
) -> None:
    before = holds(departments)
    told: list[Instruction] = []
    gained, refunded = 0, defaultdict[UUID, int](int)
    for kind, *details in doings:
        if kind == "again":
            if told:
                await payments.instruct(told[details[0] % len(told)])
            continue
        if kind == "refund":
            paid = [each for each in told if each.kind is not Kind.REFUND]
            if not paid:
                continue
            origin = paid[details[0] % len(paid)]
            instruction = back(origin, details[1], left_fen=details[1])  # who asks does not know
            fits = refunded[origin.payment_id] + details[1] <= origin.amount_fen
            way = 1 if origin.kind is Kind.CHARGE else -1
            refunded[origin.payment_id] += details[1] * fits
        else:
            instruction = payout_or_charge(kind, details[0])
            fits, way = True, 1 if kind == "payout" else -1
        receipt = await payments.instruct(instruction)
        assert (receipt.status == "success") == fits
        gained += way * instruction.amount_fen * fits
        told.append(instruction)
    after = holds(departments)
    assert after[0] - before[0] == gained
    assert after[1] - before[1] == -gained
    for paid_id, amount_fen in refunded.items():
        found = await payments.statement(paid_id)
        assert found is not None
        assert found.refunded_fen == amount_fen


def payout_or_charge(kind: str, amount_fen: int) -> Instruction:
    if kind == "charge":
        return parked(amount_fen)
    return payout(
        uuid4(),
        reference="parking-1",
        amount_fen=amount_fen,
        from_account="parking",
        payee_id_number=NUMBER,
        authorised=allowed("parking-1", amount_fen),
    )

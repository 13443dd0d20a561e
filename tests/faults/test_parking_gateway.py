"""The gateway answers twice, falls silent after capturing, is down for an hour, and errs.

It runs in a process of its own. However it ends, its ledger says what ours does, to the fen;
nobody is charged twice, and nobody is told twice.
"""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from citybrain.domain.parking.claim import ClaimStatus
from citybrain.domain.parking.judging import Status
from citybrain.payments import bank, patience
from citybrain.settings import Settings
from commands.parking.claim import correct_claim
from commands.processes import alarms
from tests.given.parking.claims import DECISION
from tests.given.parking.collecting import context
from tests.given.parking.real_gateway import Driver, Town, town
from tests.given.waiting import eventually, holds

CAR, BERTH = "豫A12345", "Z1-001"
STAY = ("09:00", "10:40")  # 600 fen
DEBIT_FAILED = "debit-failed"

pytestmark = pytest.mark.fault


@pytest.fixture(scope="module")
def template(prepared: str) -> str:
    """Read models that are there from the start."""
    return prepared


@pytest.fixture(autouse=True)
def nobody_waits_long(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is silent is asked again soon, and the test's clock is looked at often."""
    monkeypatch.setattr(bank, "ANSWER_SECONDS", 0.3)
    monkeypatch.setattr(patience, "FIRST_PAUSE_SECONDS", 0.05)
    monkeypatch.setattr(patience, "LONGEST_PAUSE_SECONDS", 0.1)
    monkeypatch.setattr(alarms, "CLOCK_SECONDS", 0.05)


@pytest.fixture
async def city(settings: Settings) -> AsyncIterator[Town]:
    async with town(settings) as opened:
        yield opened


async def asked(city: Town, more_than: int) -> None:
    """The gateway was asked more often than that."""

    async def reached() -> bool:
        return await city.requests() > more_than

    await eventually(reached)


async def moved(city: Town, payments: int) -> None:
    """The gateway's book has so many payments."""

    async def booked() -> bool:
        return len(await city.ledger()) == payments

    await eventually(booked)


async def paid_once(city: Town, session: str, *drivers: Driver, fen: int = 600) -> None:
    """It is settled by one payment and one receipt; nobody paid more, and the books agree."""
    claim = await city.settled(session)
    assert (claim.status, claim.paid_fen) == (ClaimStatus.SETTLED, fen)
    assert (await city.session(session)).status == Status.SETTLED
    assert sum([await city.spent(driver) for driver in drivers]) == fen
    topics = await city.topics(claim.id)
    assert topics["parking.claim_settled"] == 1
    assert (await city.topics(session))["parking.settled"] == 1
    await city.equals_the_gateways_book()


async def not_debited(city: Town, plate: str = CAR) -> tuple[Driver, str]:
    """The gateway refuses a debit: it is paid later. Who owes it, and the session."""
    driver = await city.driver(plate)
    await city.fault("refuse")
    session = await city.parks(plate, BERTH, *STAY)
    await city.until(session, "parking.deferred")
    await city.fault("ok")
    return driver, session


async def test_p34_the_gateway_answers_twice(city: Town) -> None:
    driver = await city.driver(CAR)
    await city.fault("double")
    await city.gateway("hold")
    session = await city.parks(CAR, BERTH, *STAY)
    await city.settled(session)
    await city.gateway("release", times=2)
    await holds(lambda: city.door.taken == 2)
    await paid_once(city, session, driver)
    assert (await city.topics((await city.claim(session)).id))["parking.payment_captured"] == 1


@pytest.mark.parametrize("tells", [True, False])
async def test_p34_the_gateway_times_out_after_capturing(city: Town, tells: bool) -> None:
    driver = await city.driver(CAR)
    await city.fault("pay-then-hang")
    if not tells:
        await city.gateway("hold")
    before = await city.requests()
    session = await city.parks(CAR, BERTH, *STAY)
    await moved(city, 1)
    if not tells:
        await asked(city, before + 3)  # again and again, under one id
        assert (await city.claim(session)).paid_fen == 0
        await city.fault("ok")
    await paid_once(city, session, driver)
    assert len(await city.ledger()) == 1


@pytest.mark.parametrize("mode", ["down", "hang", "slow"])
async def test_p34_the_gateway_is_away_for_an_hour(city: Town, mode: str) -> None:
    drivers = [await city.driver(f"豫A1234{number}") for number in range(3)]
    late = await city.driver("豫A77Q01")
    await city.fault("refuse")
    kiosk = await city.parks(late.plate, "Z1-009", *STAY)
    await city.until(kiosk, "parking.deferred")
    await city.fault("ok")
    await city.gateway("hold")  # what was paid just before is not told
    order = await city.order((await city.claim(kiosk)).id, late)
    assert (await city.pay(order, late))["status"] == "success"
    await city.fault(mode, seconds=60)
    sessions = [
        await city.parks(driver.plate, f"Z1-00{number}", *STAY)
        for number, driver in enumerate(drivers, 1)
    ]
    for minutes in (20, 40):
        await city.later(minutes=minutes)
        await city.until((await city.claim(kiosk)).id, "parking.order_lapsed")
    for session in [*sessions, kiosk]:
        assert (await city.claim(session)).paid_fen == 0
        assert not (await city.session(session)).overdue
    assert len(await city.ledger()) == 2  # what was refused, and what was paid before
    await city.fault("ok")
    for session in [*sessions, kiosk]:
        await city.settled(session)
    for session, driver in zip([*sessions, kiosk], [*drivers, late], strict=True):
        await paid_once(city, session, driver)
    await city.later(days=30)
    assert [city.told(driver) for driver in [*drivers, late]] == [0] * 4


async def test_p34_failed_then_captured_nobody_is_told_again(city: Town) -> None:
    driver, session = await not_debited(city)
    await city.later(days=1, hours=1)
    assert city.told(driver) == 1
    (failed,) = await city.ledger()
    await city.gateway("try_again", payment_id=failed["payment_id"])
    await paid_once(city, session, driver)
    await city.later(days=30)
    await paid_once(city, session, driver)
    assert city.told(driver) == 1
    assert (await city.session(session)).status == Status.SETTLED


async def test_p34_failed_then_paid_in_the_app_then_captured(city: Town) -> None:
    driver, session = await not_debited(city)
    (failed,) = await city.ledger()
    claim = await city.claim(session)
    assert (await city.pay(await city.order(claim.id, driver), driver))["status"] == "success"
    await city.until(session, "parking.settled")
    await city.gateway("try_again", payment_id=failed["payment_id"])
    await city.until(claim.id, "parking.refunded")
    await paid_once(city, session, driver)
    assert len([each for each in await city.ledger() if each["kind"] == "refund"]) == 1


async def test_p34_captured_then_failed(city: Town) -> None:
    driver = await city.driver(CAR)
    session = await city.parks(CAR, BERTH, *STAY)
    await city.settled(session)
    (made,) = await city.ledger()
    for _ in range(2):
        await city.gateway("say", payment_id=made["payment_id"], status="failed")
    claim = await city.claim(session)
    await city.until(claim.id, "parking.failure_noted")
    await city.later(days=30)
    await paid_once(city, session, driver)
    assert (await city.topics(claim.id))["parking.failure_noted"] == 1
    assert city.told(driver) == 0


async def test_p35_yuan_for_fen_nobody_is_dunned_meanwhile(city: Town) -> None:
    driver, session = await not_debited(city)
    claim = await city.claim(session)
    await city.order(claim.id, driver)
    payment_id = list((await city.claim(session)).payments)[-1]
    await city.gateway("say", payment_id=payment_id, status="captured", amount=6)
    await city.until(claim.id, "parking.payment_mismatched")
    assert (await city.claim(session)).paid_fen == 0
    await city.later(days=2)
    assert city.told(driver) == 0
    order = await city.order(claim.id, driver)  # the one before has lapsed
    assert (await city.pay(order, driver))["status"] == "success"
    await paid_once(city, session, driver)
    await city.later(days=30)
    assert city.told(driver) == 0


async def test_p37_a_chargeback_after_a_refund_is_a_loss(city: Town) -> None:
    driver = await city.driver(CAR)
    session = await city.parks(CAR, BERTH, *STAY)
    claim = await city.settled(session)
    await correct_claim(
        claim.id,
        context(),
        city.api.runtime.services,
        to_fen=0,
        reason="permit",
        decision_sha256=DECISION,
    )
    await city.until(claim.id, "parking.refunded")
    charge = next(each for each in await city.ledger() if each["kind"] == "charge")
    await city.gateway("charge_back", payment_id=charge["payment_id"])
    await city.until(claim.id, "parking.charged_back")
    claim = await city.claim_of(claim.id)
    assert (claim.status, claim.loss_fen, claim.open_fen) == (ClaimStatus.ENDED, 600, 0)
    assert await city.spent(driver) == -600
    assert [each["kind"] for each in await city.ledger()] == ["charge", "refund", "chargeback"]
    await city.equals_the_gateways_book()


async def test_p37_a_chargeback_told_twice_counts_once(city: Town) -> None:
    driver = await city.driver(CAR)
    session = await city.parks(CAR, BERTH, *STAY)
    claim = await city.settled(session)
    (charge,) = await city.ledger()
    await city.gateway("hold")
    await city.gateway("charge_back", payment_id=charge["payment_id"])
    before = city.door.taken
    await city.gateway("release", times=2)
    await holds(lambda: city.door.taken == before + 2)
    await city.until(session, "parking.reopened")
    claim = await city.claim(session)
    assert (claim.status, claim.open_fen) == (ClaimStatus.CHARGED_BACK, 600)
    assert not (await city.session(session)).overdue
    assert (await city.topics(claim.id))["parking.charged_back"] == 1
    assert (await city.topics(session))["parking.reopened"] == 1
    assert await city.spent(driver) == 0
    await city.equals_the_gateways_book()


@pytest.mark.parametrize("told", ["debit-first", "app-first"])
async def test_p38_app_and_debit_at_once(city: Town, told: str) -> None:
    driver = await city.driver(CAR)
    await city.gateway("hold")
    await city.fault("hang")
    session = await city.parks(CAR, BERTH, *STAY)
    claim = await city.claim(session)
    await city.until(claim.id, "parking.payment_requested")
    order = await city.order(claim.id, driver)
    before = await city.requests()
    await asked(city, before)  # the debit is in flight
    await city.fault("pay-then-hang")
    await moved(city, 1)
    assert (await city.pay(order, driver))["status"] == "success"
    assert len(await city.ledger()) == 2
    await city.gateway("release", order=[0, 1] if told == "debit-first" else [1, 0])
    await city.fault("ok")
    await city.until(claim.id, "parking.refunded")
    await paid_once(city, session, driver)
    refunds = [each for each in await city.ledger() if each["kind"] == "refund"]
    assert [each["amount_fen"] for each in refunds] == [600]


async def test_p38_where_only_the_app_captured_the_debit_is_cancelled(
    city: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    driver, paused, again = await city.driver(CAR), asyncio.Event(), asyncio.Event()

    async def pause(*_: Any) -> None:
        paused.set()
        await again.wait()

    monkeypatch.setattr(city.api.runtime.services.payments, "pause", pause)
    await city.fault("down")
    session = await city.parks(CAR, BERTH, *STAY)
    claim = await city.claim(session)
    await city.until(claim.id, "parking.payment_requested")
    order = await city.order(claim.id, driver)
    await paused.wait()
    await city.fault("ok")
    assert (await city.pay(order, driver))["status"] == "success"
    await city.until(session, "parking.settled")
    again.set()
    await city.until(claim.id, "parking.payment_cancelled")
    await paid_once(city, session, driver)
    assert [each["status"] for each in await city.ledger()] == ["success", "failed"]

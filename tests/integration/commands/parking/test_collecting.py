"""Claims collected from a gateway that fails, delays, answers twice and keeps a book of its own."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from citybrain.city_day import city_day
from citybrain.domain.actor import Actor, Role
from citybrain.domain.money import AmountInvalid
from citybrain.domain.parking.allocation import DebtUnknown
from citybrain.domain.parking.claim import Claim, ClaimStatus
from citybrain.domain.parking.claim_events import Channel, PaymentState
from citybrain.domain.parking.payment import MoreThanOwed
from citybrain.payments.reconciling import Comparison
from citybrain.settings import Settings
from commands.parking.claim import correct_claim, raise_claim, resume_claim, suspend_claim
from commands.parking.payment import pay_debts
from commands.parking.processes.collecting import Collecting
from commands.parking.processes.orders import OrderTimes
from commands.parking.reductions import RefundAgain, refund_again
from commands.services import Services
from commands.treasury.reconciling import reconcile
from tests.given import waiting
from tests.given.driving import set_ahead
from tests.given.parking.claims import DECISION, OFFICIAL
from tests.given.parking.collecting import SUBJECT, Street, collecting, context

BANK = "bank-payments"


@pytest.fixture
async def street(settings: Settings) -> AsyncIterator[Street]:
    async with collecting(settings) as opened:
        yield opened


async def debited(street: Street, amount_fen: int = 600) -> tuple[str, str, str]:
    """A claim that was paid by a debit: it, its payment and the payer's number."""
    citizen, number = await street.citizen()
    claim_id = await street.owes(amount_fen, citizen)
    asked = await street.ask(claim_id, Channel.DEBIT)
    claim = await street.drive(claim_id)
    assert claim.status is ClaimStatus.SETTLED
    return claim_id, asked.payment_id, number


async def paid(street: Street, amount_fen: int = 600, number: int = 1) -> tuple[str, str]:
    """A claim that was paid at a kiosk, and its payment."""
    claim_id = await street.owes(amount_fen, number=number)
    asked = await street.ask(claim_id, Channel.KIOSK)
    assert (await street.pay(asked))[0] == 200
    await street.deliver()
    return claim_id, asked.payment_id


async def corrected(street: Street, claim_id: str, to_fen: int = 0) -> Claim:
    await correct_claim(
        claim_id,
        context(),
        street.services,
        to_fen=to_fen,
        reason="permit",
        decision_sha256=DECISION,
    )
    return await street.drive(claim_id)


async def compared(street: Street) -> Comparison:
    return await reconcile(city_day(datetime.now(UTC)), context(), street.services)


@pytest.mark.parametrize("mode", ["ok", "double", "slow"])
async def test_a_debit_takes_the_money_once(street: Street, mode: str) -> None:
    await street.departments.fault(BANK, mode)
    claim_id, payment_id, number = await debited(street)
    assert await street.topics(claim_id) == [
        "parking.claim_raised",
        "parking.payment_requested",
        "parking.payment_captured",
        "parking.claim_settled",
    ]
    await street.deliver()  # the gateway tells it as well
    assert len(await street.topics(claim_id)) == 4
    assert len(street.lines(payment_id)) == 1
    assert (street.spent(number), street.earned()) == (600, 600)


@pytest.mark.parametrize("mode", ["pay-then-error", "error", "down", "garbage", "wrong-signature"])
async def test_a_gateway_that_says_nothing_is_asked_until_it_does(
    street: Street, mode: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits: list[int] = []

    async def pause(tries: int, most_seconds: float | None = None) -> None:
        waits.append(tries)
        if tries == 2:
            await street.departments.fault(BANK, "ok")

    monkeypatch.setattr(street.services.payments, "pause", pause)
    citizen, number = await street.citizen()
    claim_id = await street.owes(payer=citizen)
    asked = await street.ask(claim_id, Channel.DEBIT)
    await street.departments.fault(BANK, mode)
    assert (await street.drive(claim_id)).status is ClaimStatus.SETTLED
    assert waits == [1, 2]
    assert len(street.lines(asked.payment_id)) == 1
    assert (street.spent(number), street.earned()) == (600, 600)


async def test_a_gateway_that_captures_and_falls_silent_takes_the_money_once(
    street: Street, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("citybrain.payments.bank.ANSWER_SECONDS", 0.2)
    citizen, number = await street.citizen()
    claim_id = await street.owes(payer=citizen)
    asked = await street.ask(claim_id, Channel.DEBIT)
    await street.departments.fault(BANK, "pay-then-hang")
    driving = asyncio.create_task(street.drive(claim_id))
    await waiting.holds(lambda: street.lines(asked.payment_id))
    await street.deliver()  # which says it meanwhile
    assert (await street.claim(claim_id)).status is ClaimStatus.SETTLED
    await street.departments.fault(BANK, "ok")
    await driving
    assert (await street.topics(claim_id)).count("parking.payment_captured") == 1
    assert street.spent(number) == 600


async def test_a_debit_that_is_refused_says_why(street: Street) -> None:
    citizen, number = await street.citizen()
    claim_id = await street.owes(payer=citizen)
    await street.departments.fault(BANK, "refuse-in-words")
    asked = await street.ask(claim_id, Channel.DEBIT)
    claim = await street.drive(claim_id)
    assert (claim.status, claim.may_be_collected) == (ClaimStatus.OPEN, True)
    assert claim.payments[asked.payment_id]["state"] == PaymentState.FAILED
    failed = (await street.services.store.read(claim_id))[-1]
    assert failed.data["reason"] == "bank-refused"
    assert "王五" not in str(failed.data)
    assert street.spent(number) == 0


async def test_p34_failed_then_paid_at_the_gateway(street: Street) -> None:
    citizen, number = await street.citizen()
    claim_id = await street.owes(payer=citizen)
    await street.departments.fault(BANK, "refuse")
    first = await street.ask(claim_id, Channel.DEBIT)
    await street.drive(claim_id)
    await street.departments.fault(BANK, "ok")
    second = await street.ask(claim_id, Channel.DEBIT)
    street.departments.gateway.try_again(first.payment_id)
    await street.deliver([1, 0])
    claim = await street.drive(claim_id)
    assert claim.status is ClaimStatus.SETTLED
    assert claim.payments[second.payment_id]["state"] == PaymentState.CANCELLED
    assert (street.spent(number), street.earned()) == (600, 600)
    assert (await compared(street)).differences == ()


async def test_p34_a_late_failure_changes_nothing(street: Street) -> None:
    claim_id, payment_id, number = await debited(street)
    for _ in range(2):
        street.departments.gateway.say(payment_id, "failed")
    await street.deliver()
    assert (await street.claim(claim_id)).status is ClaimStatus.SETTLED
    assert (await street.topics(claim_id)).count("parking.failure_noted") == 1
    assert street.spent(number) == 600


@pytest.mark.parametrize(
    "said",
    [
        {"amount": 6},
        {"amount": 600.0},
        {"amount": "600"},
        {"amount": None},
        {"amount": True},
        {"currency": "USD"},
        {"currency": None},
        {"reference": "parking_claim-" + "0" * 32},
        {"reference": None},
    ],
)
async def test_p35_yuan_for_fen_at_the_gateway(street: Street, said: dict[str, object]) -> None:
    claim_id = await street.owes()
    asked = await street.ask(claim_id, Channel.KIOSK)
    right = {"amount": 600, "currency": "CNY", "reference": claim_id}
    street.departments.gateway.say(asked.payment_id, "captured", **right | said)
    await street.deliver()
    claim = await street.claim(claim_id)
    assert (claim.status, claim.held, claim.paid_fen) == (ClaimStatus.OPEN, True, 0)
    mismatched = (await street.services.store.read(claim_id))[-1]
    assert mismatched.topic == "parking.payment_mismatched"
    assert mismatched.data["amount_fen"] == 600
    await street.pay(asked)
    await street.deliver()
    claim = await street.claim(claim_id)
    assert (claim.status, claim.held) == (ClaimStatus.SETTLED, False)


async def test_p37_a_chargeback_after_a_refund(street: Street) -> None:
    claim_id, payment_id = await paid(street)
    await corrected(street, claim_id)
    street.departments.gateway.charge_back(payment_id)
    await street.deliver()
    claim = await street.claim(claim_id)
    assert (claim.status, claim.loss_fen, claim.open_fen) == (ClaimStatus.ENDED, 600, 0)
    assert (street.earned(), len(street.departments.ledger())) == (-600, 3)
    assert (await compared(street)).differences == ()


async def test_p37_a_chargeback_without_a_refund_told_twice(street: Street) -> None:
    claim_id, payment_id = await paid(street)
    street.departments.gateway.charge_back(payment_id)
    (message,) = street.departments.gateway.callbacks.waiting.values()
    await street.deliver()
    street.departments.gateway.callbacks.waiting[message["id"]] = message
    await street.deliver()
    claim = await street.claim(claim_id)
    assert (claim.status, claim.open_fen) == (ClaimStatus.CHARGED_BACK, 600)
    assert (await street.topics(claim_id)).count("parking.charged_back") == 1
    assert claim.due_at > datetime.now(UTC) - timedelta(hours=1)


async def test_a_chargeback_of_more_than_was_paid_is_no_chargeback(street: Street) -> None:
    claim_id, payment_id = await paid(street)
    street.departments.gateway.charge_back(payment_id, 601)
    await street.deliver()
    assert (await street.topics(claim_id))[-1] == "parking.payment_mismatched"


async def test_p38_kiosk_and_debit_at_once(street: Street) -> None:
    citizen, number = await street.citizen()
    claim_id = await street.owes(payer=citizen)
    await street.ask(claim_id, Channel.DEBIT)
    kiosk = await street.ask(claim_id, Channel.KIOSK)
    await street.pay(kiosk)
    await street.departments.fault(BANK, "pay-then-error")
    driving = asyncio.create_task(street.drive(claim_id))
    await waiting.holds(lambda: len(street.departments.ledger()) == 2)
    await street.deliver()
    await street.departments.fault(BANK, "ok")
    await driving
    claim = await street.drive(claim_id)
    assert claim.status is ClaimStatus.SETTLED
    assert sum(refund["amount_fen"] for refund in claim.refunds.values()) == 600
    assert (street.spent(number) + street.spent(), street.earned()) == (600, 600)
    assert (await street.topics(claim_id)).count("parking.claim_settled") == 1
    assert (await compared(street)).differences == ()


async def test_p38_where_only_the_kiosk_captured_the_debit_is_cancelled(street: Street) -> None:
    citizen, number = await street.citizen()
    claim_id = await street.owes(payer=citizen)
    debit = await street.ask(claim_id, Channel.DEBIT)
    await street.pay(await street.ask(claim_id, Channel.KIOSK))
    await street.deliver()
    claim = await street.drive(claim_id)
    assert claim.payments[debit.payment_id]["state"] == PaymentState.CANCELLED
    assert claim.refunds == {}
    assert (street.spent(number), street.earned()) == (0, 600)
    assert (await compared(street)).differences == ()


async def test_an_order_that_was_cancelled_cannot_be_paid(street: Street) -> None:
    citizen, _ = await street.citizen()
    claim_id = await street.owes(payer=citizen)
    kiosk = await street.ask(claim_id, Channel.KIOSK)
    await street.ask(claim_id, Channel.DEBIT)
    await street.drive(claim_id)
    status, said = await street.pay(kiosk)
    assert (status, said) == (200, {"status": "failed", "code": "payment-cancelled"})
    assert street.spent() == 0


async def test_an_order_is_what_we_signed_for_some_minutes(street: Street) -> None:
    claim_id = await street.owes()
    asked = await street.ask(claim_id, Channel.APP)
    assert asked.order is not None
    assert (await street.pay(asked.order[:-8] + "AAAAAAAA"))[0] == 400
    street.services.clock = lambda: datetime.now(UTC) - timedelta(hours=1)
    late = await street.ask(claim_id, Channel.APP)
    assert (await street.pay(late))[0] == 409
    assert street.departments.ledger() == []


async def lapsed(street: Street, claim_id: str) -> Claim:
    """The claim, once its order's time is over and the gateway was asked."""
    set_ahead(street.services, timedelta(minutes=17))
    orders = OrderTimes()
    await orders.react_all(await street.services.store.read(claim_id), street.services)
    await orders.ring_due(street.services)
    return await street.drive(claim_id)


async def test_an_order_that_nobody_paid_lapses_and_is_cancelled(street: Street) -> None:
    claim_id = await street.owes()
    asked = await street.ask(claim_id, Channel.KIOSK)
    claim = await lapsed(street, claim_id)
    assert claim.payments[asked.payment_id]["state"] == PaymentState.CANCELLED
    cancelled = (await street.services.store.read(claim_id))[-1]
    assert cancelled.data["reason"] == "order-lapsed"
    assert street.lines(asked.payment_id)[0]["code"] == "payment-cancelled"
    assert (await compared(street)).differences == ()


async def test_a_payment_that_was_never_told_comes_to_light(street: Street) -> None:
    claim_id = await street.owes()
    await street.pay(await street.ask(claim_id, Channel.KIOSK))
    street.departments.gateway.callbacks.waiting.clear()
    assert (await lapsed(street, claim_id)).status is ClaimStatus.SETTLED
    assert street.earned() == 600
    assert (await compared(street)).differences == ()


async def test_nobody_is_debited_who_does_not_want_it_any_more(street: Street) -> None:
    citizen, number = await street.citizen()
    claim_id = await street.owes(payer=citizen)
    debit = await street.ask(claim_id, Channel.DEBIT)

    async def consent_ended(_: Claim, __: Services) -> str | None:
        return "consent-ended"

    claim = await street.drive(claim_id, Collecting(consent_ended))
    assert claim.payments[debit.payment_id]["state"] == PaymentState.CANCELLED
    cancelled = (await street.services.store.read(claim_id))[-1]
    assert cancelled.data["reason"] == "consent-ended"
    assert street.spent(number) == 0


async def test_p40_a_debit_that_the_gateway_has_taken_stands(street: Street) -> None:
    citizen, number = await street.citizen()
    claim_id = await street.owes(payer=citizen)
    debit = await street.ask(claim_id, Channel.DEBIT)
    reasons: list[str | None] = [None]

    async def consent(_: Claim, __: Services) -> str | None:
        return reasons[-1]

    await street.departments.fault(BANK, "pay-then-error")
    driving = asyncio.create_task(street.drive(claim_id, Collecting(consent)))
    await waiting.holds(lambda: street.lines(debit.payment_id))
    reasons.append("consent-ended")
    await street.departments.fault(BANK, "ok")
    assert (await driving).status is ClaimStatus.SETTLED
    assert street.spent(number) == 600


async def test_whoever_is_forgotten_is_not_debited(street: Street) -> None:
    citizen, _ = await street.citizen()
    claim_id = await street.owes(payer=citizen)
    debit = await street.ask(claim_id, Channel.DEBIT)
    await street.services.vault.erase(citizen)
    claim = await street.drive(claim_id)
    assert claim.payments[debit.payment_id]["state"] == PaymentState.CANCELLED
    assert street.departments.ledger()[0]["code"] == "payment-cancelled"


async def test_a_dispute_stops_a_debit_and_lets_it_go_on_after(street: Street) -> None:
    citizen, number = await street.citizen()
    claim_id = await street.owes(payer=citizen)
    await street.ask(claim_id, Channel.DEBIT)
    await suspend_claim(claim_id, context(), street.services, reason="disputed")
    await street.drive(claim_id)
    assert street.spent(number) == 0
    await resume_claim(claim_id, context(), street.services)
    await street.ask(claim_id, Channel.DEBIT)
    assert (await street.drive(claim_id)).status is ClaimStatus.SETTLED
    assert street.spent(number) == 600


@pytest.mark.parametrize("mode", ["ok", "double", "pay-then-error"])
async def test_what_is_too_much_goes_back_once(street: Street, mode: str) -> None:
    claim_id, payment_id, number = await debited(street)
    await street.departments.fault(BANK, mode)
    driving = asyncio.create_task(corrected(street, claim_id, 400))
    await waiting.holds(lambda: street.departments.book.refunded_fen(payment_id))
    await street.departments.fault(BANK, "ok")
    claim = await driving
    assert (claim.status, claim.paid_fen) == (ClaimStatus.SETTLED, 400)
    await street.deliver()
    assert (street.spent(number), street.earned()) == (400, 400)
    assert (await street.topics(claim_id)).count("parking.refunded") == 1
    assert (await compared(street)).differences == ()


async def test_a_refund_that_the_gateway_cannot_make_is_tried_again_by_an_officer(
    street: Street,
) -> None:
    claim_id, _, number = await debited(street)
    await street.departments.fault(BANK, "refuse")
    claim = await corrected(street, claim_id)
    assert (claim.undelivered_fen, street.spent(number)) == (600, 600)
    await street.departments.fault(BANK, "ok")
    (refund_id,) = claim.refunds
    again = RefundAgain(refund_id=refund_id)
    await refund_again(claim_id, again, context(OFFICIAL), street.services)
    claim = await street.drive(claim_id)
    assert (claim.undelivered_fen, street.spent(number), street.earned()) == (0, 0, 0)
    assert (await compared(street)).differences == ()


async def test_p44_one_payment_over_several_debts(street: Street) -> None:
    now = street.services.clock()
    d1 = await street.owes(400, number=1, due_at=now - timedelta(days=19))
    d2 = await street.owes(600, number=2, due_at=now - timedelta(days=15))
    d3 = await street.owes(800, number=3, due_at=now - timedelta(days=10))
    await suspend_claim(d2, context(), street.services, reason="disputed")
    request_id = uuid4()

    async def ask(amount_fen: int, *chosen: str) -> list[tuple[str, int]]:
        asked = await pay_debts(
            [d1, d2, d3],
            context(),
            street.services,
            request_id=request_id,
            channel=Channel.KIOSK,
            amount_fen=amount_fen,
            chosen=chosen,
        )
        if not chosen:
            for order in asked:
                await street.pay(order)
        return [(each.claim_id, each.amount_fen) for each in asked]

    for refused, amount_fen, chosen in (
        (MoreThanOwed, 1201, ()),
        (DebtUnknown, 100, ("x",)),
        (AmountInvalid, 0, ()),
    ):
        with pytest.raises(refused):
            await ask(amount_fen, *chosen)
    assert await ask(1000) == [(d1, 400), (d3, 600)]
    assert await ask(1000) == [(d1, 400), (d3, 600)]  # asked again, it is the same payment
    await street.deliver()
    open_fen = [(await street.claim(each)).open_fen for each in (d1, d2, d3)]
    assert open_fen == [0, 600, 200]
    requested = (await street.services.store.read(d3))[1]
    assert requested.data["parts"] == [
        {"claim_id": d1, "amount_fen": 400},
        {"claim_id": d3, "amount_fen": 600},
    ]
    assert (await street.claim(d2)).suspended_for == "disputed"
    assert street.earned() == 1000


async def test_a_claim_is_raised_once_and_of_nothing_never(street: Street) -> None:
    first, again = await street.owes(600), await street.owes(600)
    assert first == again
    assert len(await street.topics(first)) == 1
    with pytest.raises(AmountInvalid):
        await street.owes(0, number=2)
    other = await raise_claim(
        context(Actor("system:x", frozenset({Role.SYSTEM}))),
        street.services,
        subject=SUBJECT,
        number=2,
        citizen_id=None,
        amount_fen=200,
        due_at=street.services.clock(),
        decision_sha256=DECISION,
    )
    assert other != first


async def test_a_day_of_everything_agrees_with_the_gateways_book_to_the_fen(street: Street) -> None:
    claim_id, _, _ = await debited(street, 1000)
    await corrected(street, claim_id, 300)
    _, charged = await paid(street, 500, number=2)
    street.departments.gateway.charge_back(charged)
    await street.departments.fault(BANK, "refuse")
    citizen, _ = await street.citizen()
    refused = await street.owes(700, citizen, number=3)
    await street.ask(refused, Channel.DEBIT)
    await street.drive(refused)
    await street.departments.fault(BANK, "ok")
    await street.deliver()
    found = await compared(street)
    assert (found.differences, found.difference_fen) == ((), 0)
    made = [line for line in street.departments.ledger() if line["status"] == "success"]
    assert (found.ours.payments, found.ours.fen) == (4, 2700)
    assert found.bank.fen == sum(line["amount_fen"] for line in made)
    assert street.earned() == 300

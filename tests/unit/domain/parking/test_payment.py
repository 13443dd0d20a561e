"""What the gateway says of payments, in any order: scenarios P34, P35, P37 and P38."""

from datetime import timedelta
from uuid import UUID

import pytest

from citybrain.domain.money import AmountInvalid
from citybrain.domain.parking import payment
from citybrain.domain.parking.claim import ClaimStatus, claim_id, claim_of
from citybrain.domain.parking.claim_events import EVENTS, Channel, PaymentState
from citybrain.domain.parking.payment import (
    CollectionStandsStill,
    MoreThanOwed,
    Next,
    NobodyToDebit,
    NothingOwed,
    PaymentNotFound,
    Step,
)
from citybrain.domain.parking.reductions import correct, suspend
from tests.given.parking.claims import (
    DECISION,
    NOW,
    SAID,
    asked,
    at,
    captured,
    charged_back,
    claim,
    failed,
    misfit,
    paid,
    refunded,
)
from tests.given.streams import events_of, replayed, topics


def test_p34_failed_then_paid() -> None:
    owed = claim(600)
    first = asked(owed)
    failed(owed, first)
    assert owed.status is ClaimStatus.OPEN
    captured(owed, first)
    assert (owed.status, owed.paid_fen, owed.settled) == (ClaimStatus.SETTLED, 600, True)


def test_p34_paid_then_failed() -> None:
    owed, first = paid(600)
    failed(owed, first)
    assert (owed.status, owed.paid_fen) == (ClaimStatus.SETTLED, 600)
    assert owed.payments[first]["state"] == PaymentState.CAPTURED
    assert topics(owed)[-1] == "parking.failure_noted"
    failed(owed, first)
    assert topics(owed).count("parking.failure_noted") == 1


def test_p34_a_second_attempt_after_the_first_failed_is_cancelled() -> None:
    owed = claim(600)
    first = asked(owed, Channel.DEBIT)
    failed(owed, first)
    second = asked(owed, Channel.DEBIT)
    captured(owed, first)
    assert payment.next_step(owed) == Next(Step.CANCEL, second, "paid-otherwise")
    payment.cancelled(
        owed, NOW, payment_id=second, reason="paid-otherwise", booked_at=NOW, evidence=SAID
    )
    assert owed.payments[second]["state"] == PaymentState.CANCELLED
    assert payment.next_step(owed) is None


def test_p34_a_second_attempt_that_was_captured_goes_back_in_full() -> None:
    owed = claim(600)
    first = asked(owed)
    failed(owed, first)
    second = asked(owed)
    captured(owed, first, at(14, 1))
    captured(owed, second, at(14, 2))
    (refund,) = owed.refunds.values()
    assert (refund["refund_of"], refund["amount_fen"]) == (second, 600)
    assert (owed.paid_fen, owed.open_fen) == (600, 0)


@pytest.mark.parametrize(
    "said",
    [
        {"said_amount": "6"},
        {"said_amount": "600.0"},
        {"said_currency": '"USD"'},
        {"reference_fits": False},
    ],
)
def test_p35_yuan_for_fen(said: dict[str, object]) -> None:
    owed = claim(600)
    first = asked(owed)
    assert misfit(owed, first, **said)
    assert (owed.status, owed.paid_fen) == (ClaimStatus.OPEN, 0)
    assert owed.held
    assert not owed.may_be_collected
    event = events_of(owed)[-1]
    assert (event.amount_fen, event.said_amount) == (600, said.get("said_amount", "6"))
    with pytest.raises(CollectionStandsStill):
        asked(owed, Channel.DEBIT)
    captured(owed, first)
    assert owed.status is ClaimStatus.SETTLED
    assert not owed.held


def test_p35_the_same_message_again_is_kept_once() -> None:
    owed = claim(600)
    first = asked(owed)
    assert [misfit(owed, first), misfit(owed, first)] == [True, False]
    assert misfit(owed, first, message_id="message-2")


def test_p37_a_chargeback_after_a_refund_is_a_loss() -> None:
    owed, first = paid(600)
    correct(owed, at(12), to_fen=0, reason="plate-corrected", decision_sha256=DECISION)
    refunded(owed)
    charged_back(owed, first, at(20))
    assert (owed.loss_fen, owed.open_fen, owed.status) == (600, 0, ClaimStatus.ENDED)
    assert events_of(owed)[-1].loss_fen == 600
    assert payment.next_step(owed) is None
    assert len(owed.refunds) == 1
    charged_back(owed, first, at(21))
    assert owed.loss_fen == 600


def test_p37_the_loss_is_the_same_where_the_refund_is_told_last() -> None:
    owed, first = paid(600)
    correct(owed, at(12), to_fen=0, reason="plate-corrected", decision_sha256=DECISION)
    charged_back(owed, first, at(20))
    assert owed.loss_fen == 0
    refunded(owed)
    assert owed.loss_fen == 600
    assert events_of(owed)[-1].loss_fen == 600


def test_p37_a_chargeback_without_a_refund_reopens() -> None:
    owed, first = paid(600, due_at=at(1))
    charged_back(owed, first, at(20))
    assert (owed.status, owed.open_fen, owed.settled) == (ClaimStatus.CHARGED_BACK, 600, False)
    assert owed.due_at == at(20)
    assert topics(owed)[-2:] == ["parking.charged_back", "parking.claim_reopened"]
    count = len(events_of(owed))
    charged_back(owed, first, at(22))
    assert (len(events_of(owed)), owed.open_fen, owed.due_at) == (count, 600, at(20))
    with pytest.raises(CollectionStandsStill):
        asked(owed, Channel.DEBIT)
    captured(owed, asked(owed, Channel.APP))
    assert (owed.status, owed.settled) == (ClaimStatus.SETTLED, True)


def test_p37_a_chargeback_that_is_told_before_the_capture_ends_the_same() -> None:
    owed = claim(600, due_at=at(1))
    first = asked(owed)
    charged_back(owed, first, at(20))
    captured(owed, first, at(2))
    assert (owed.status, owed.open_fen, owed.settled) == (ClaimStatus.CHARGED_BACK, 600, False)
    assert owed.due_at == at(20)


def test_p37_after_a_partial_refund_the_rest_is_owed_and_the_part_is_lost() -> None:
    owed, first = paid(600)
    correct(owed, at(12), to_fen=400, reason="late-evidence", decision_sha256=DECISION)
    refunded(owed)
    charged_back(owed, first, at(20))
    assert (owed.loss_fen, owed.open_fen) == (200, 400)


@pytest.mark.parametrize("kiosk_first", [True, False])
def test_p38_kiosk_and_automatic_debit_at_once(kiosk_first: bool) -> None:
    owed = claim(600)
    debit, kiosk = asked(owed, Channel.DEBIT), asked(owed)
    said = [(kiosk, at(14, 11, 1)), (debit, at(14, 11, 2))]
    for payment_id, settled_at in said if kiosk_first else reversed(said):
        captured(owed, payment_id, settled_at)
    (refund,) = owed.refunds.values()
    assert (refund["refund_of"], refund["amount_fen"]) == (debit, 600)
    assert topics(owed).count("parking.claim_settled") == 1
    assert payment.next_step(owed) == Next(Step.REFUND, refund["payment_id"])
    refunded(owed)
    assert (owed.paid_fen, owed.open_fen, owed.loss_fen) == (600, 0, 0)
    assert payment.next_step(owed) is None


def test_p38_where_only_the_kiosk_captured_the_debit_is_cancelled() -> None:
    owed = claim(600)
    debit, kiosk = asked(owed, Channel.DEBIT), asked(owed)
    assert payment.next_step(owed) == Next(Step.CHARGE, debit)
    captured(owed, kiosk)
    assert payment.next_step(owed) == Next(Step.CANCEL, debit, "paid-otherwise")


def test_a_payment_that_was_cancelled_and_captured_all_the_same_goes_back() -> None:
    owed = claim(600)
    debit, kiosk = asked(owed, Channel.DEBIT), asked(owed)
    captured(owed, kiosk, at(14, 1))
    payment.cancelled(
        owed, NOW, payment_id=debit, reason="paid-otherwise", booked_at=NOW, evidence=SAID
    )
    captured(owed, debit, at(14, 2))
    assert [refund["refund_of"] for refund in owed.refunds.values()] == [debit]


def test_a_claim_is_paid_in_parts_and_what_is_too_much_goes_back() -> None:
    owed = claim(800)
    first, second = asked(owed, amount_fen=600), asked(owed, amount_fen=800)
    captured(owed, first, at(14, 1))
    assert (owed.status, owed.open_fen) == (ClaimStatus.PART_PAID, 200)
    assert payment.next_step(owed) == Next(Step.CANCEL, second, "less-owed")
    captured(owed, second, at(14, 2))
    (refund,) = owed.refunds.values()
    assert (refund["refund_of"], refund["amount_fen"], owed.open_fen) == (second, 600, 0)


def test_a_request_is_one_however_often_it_comes() -> None:
    owed = claim(600)
    assert asked(owed, request_id="r") == asked(owed, request_id="r")
    assert len(owed.payments) == 1


def test_nobody_is_debited_twice_at_once() -> None:
    owed = claim(600)
    asked(owed, Channel.DEBIT)
    with pytest.raises(CollectionStandsStill):
        asked(owed, Channel.DEBIT)


def test_what_may_not_be_asked_for_is_not() -> None:
    with pytest.raises(NobodyToDebit):
        asked(claim(payer=None), Channel.DEBIT)
    with pytest.raises(MoreThanOwed):
        asked(claim(600), amount_fen=601)
    with pytest.raises(AmountInvalid):
        asked(claim(600), amount_fen=0)
    settled, _ = paid(600)
    with pytest.raises(NothingOwed):
        asked(settled)
    with pytest.raises(PaymentNotFound):
        captured(claim(), "another")


def test_collection_stands_still_while_it_is_suspended() -> None:
    owed = claim(600)
    debit = asked(owed, Channel.DEBIT)
    suspend(owed, NOW, reason="disputed")
    assert payment.next_step(owed) == Next(Step.CANCEL, debit, "collection-stands-still")
    assert not owed.may_be_collected
    captured(owed, asked(owed))  # who wants to pay may
    assert owed.open_fen == 0


def test_an_order_that_nobody_paid_in_time_lapses() -> None:
    owed = claim(600)
    until = NOW + timedelta(minutes=15)
    order = payment.request(owed, NOW, request_id="r", channel=Channel.KIOSK, until=until)
    debit = payment.request(owed, NOW, request_id="s", channel=Channel.DEBIT, until=until)
    assert (payment.lapses_at(owed), debit["until"]) == (until, None)
    payment.lapse(owed, until - timedelta(seconds=1))
    assert payment.next_step(owed) == Next(Step.CHARGE, debit["payment_id"])
    for _ in range(2):
        payment.lapse(owed, until)
    assert topics(owed).count("parking.order_lapsed") == 1
    assert payment.lapses_at(owed) is None
    assert payment.next_step(owed) == Next(Step.CANCEL, order["payment_id"], "order-lapsed")
    captured(owed, order["payment_id"])  # it was paid after all
    assert owed.settled


def test_what_a_payment_is_allowed_by() -> None:
    owed, first = paid(600)
    allowed = payment.authorised(owed, owed.payments[first])
    assert (allowed.reference, allowed.amount_fen, allowed.decision_sha256) == (
        owed.id,
        600,
        DECISION,
    )
    captured_again = asked(claim(600))
    assert claim_of(UUID(captured_again)) == claim_of(UUID(first)) == owed.id


def test_payments_lead_to_their_claim() -> None:
    names = {claim_id("parking-0123", number) for number in range(50)}
    assert len(names) == 50
    assert all(name.startswith("parking_claim-") and name.endswith("0000") for name in names)


def test_refunds_that_fail_wait_for_the_desk_and_may_be_tried_again() -> None:
    owed, _ = paid(600)
    correct(owed, NOW, to_fen=0, reason="permit", decision_sha256=DECISION)
    (refund,) = owed.refunds.values()
    payment.fail_refund(
        owed, NOW, refund_id=refund["payment_id"], reason="x", booked_at=NOW, evidence=SAID
    )
    assert (owed.undelivered_fen, payment.next_step(owed)) == (600, None)
    payment.request_refund_again(owed, NOW, refund_id=refund["payment_id"])
    assert owed.undelivered_fen == 0
    refunded(owed)
    assert owed.loss_fen == 600  # the gateway did both after all, and a person has to see it


def test_a_refund_that_went_after_all_takes_the_place_of_its_successor() -> None:
    owed, _ = paid(600)
    correct(owed, NOW, to_fen=500, reason="permit", decision_sha256=DECISION)
    (first,) = owed.refunds.values()
    payment.fail_refund(
        owed, NOW, refund_id=first["payment_id"], reason="x", booked_at=NOW, evidence=SAID
    )
    payment.request_refund_again(owed, NOW, refund_id=first["payment_id"])
    again = list(owed.refunds)[-1]
    payment.refunded(owed, NOW, refund_id=first["payment_id"], settled_at=NOW, evidence=SAID)
    assert payment.next_step(owed) is None, "it would go twice"
    assert (owed.open_fen, owed.settled, owed.undelivered_fen) == (0, True, 0)
    payment.refunded(owed, NOW, refund_id=again, settled_at=NOW, evidence=SAID)
    assert (owed.open_fen, owed.settled) == (100, False), "the gateway had sent it already"


def test_a_claim_is_what_its_stored_events_say() -> None:
    owed, first = paid(600)
    misfit(owed, first)
    correct(owed, NOW, to_fen=200, reason="permit", decision_sha256=DECISION)
    charged_back(owed, first)
    again = replayed(events_of(owed))
    assert vars(again) == vars(replayed(events_of(owed)))
    assert (again.payments, again.refunds) == (owed.payments, owed.refunds)
    assert (again.status, again.open_fen, again.loss_fen) == (
        owed.status,
        owed.open_fen,
        owed.loss_fen,
    )
    assert len({event.TOPIC for event in EVENTS}) == len(EVENTS)

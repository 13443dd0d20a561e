"""Applications: each step from where it is allowed, each refusal told by its code."""

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from citybrain.domain.actor import Actor
from citybrain.domain.applications.application import Application, Channel, Step
from citybrain.domain.applications.application_events import ApplicationDecided
from citybrain.domain.applications.claiming import look_again, lose_claim
from citybrain.domain.applications.paying import authorised
from citybrain.domain.applications.refusals import (
    ApplicationEnded,
    NotReferred,
    NotYourApplication,
    NotYourDepartment,
    OutOfStep,
    TooLateToWithdraw,
    WrongChannel,
)
from citybrain.domain.applications.snapshots import DIGEST_OF_BEFORE
from citybrain.domain.applications.statuses import ENDED, WITHDRAWABLE, Status
from citybrain.domain.authorisation import NotAuthorised
from citybrain.domain.money import AmountAboveCeiling, AmountInvalid
from citybrain.domain.separation import NotApart
from citybrain.errors import Refused
from tests.given.applications import (
    ANNA,
    BORIS,
    CLERK,
    FUND,
    KIOSK,
    LIVES,
    NOW,
    OTHER_KIOSK,
    PAYMENT,
    POLICE,
    REQUESTS,
    answer,
    appeal,
    ask,
    at,
    collect,
    confirm,
    confirm_review,
    decide,
    fail,
    failure,
    identify,
    instruct,
    review,
    submitted,
)
from tests.given.payments import allowed
from tests.given.streams import topics


def test_a_paid_application_leaves_one_event_a_step() -> None:
    application = submitted()
    for step in LIVES[Status.PAID]:
        step(application)
    assert topics(application) == [
        "application.submitted",
        "application.identity_verified",
        "application.evidence_requested",
        "application.evidence_collected",
        "application.evidence_collected",
        "application.decided",
        "application.payout_instructed",
        "application.payout_confirmed",
    ]


@pytest.mark.parametrize(
    ("status", "step"),
    [
        (Status.SUBMITTED, Step.AWAIT_IDENTITY),
        (Status.IDENTIFIED, Step.REQUEST_EVIDENCE),
        (Status.COLLECTING, Step.COLLECT_EVIDENCE),
        (Status.COLLECTED, Step.DECIDE),
        (Status.APPROVED, Step.CLAIM_AND_INSTRUCT),
        (Status.PAYING, Step.PAY),
        (Status.PAID, Step.SETTLE),
        (Status.WITHDRAWN, Step.RELEASE),
        (Status.PAYOUT_FAILED, Step.NOTHING),
        (Status.REFERRED, Step.NOTHING),
        (Status.SENT_BACK, Step.NOTHING),
        (Status.AWAITING_SECOND, Step.NOTHING),
        (Status.REFUSED, Step.NOTHING),
        (Status.EXPIRED, Step.NOTHING),
    ],
)
def test_the_next_step_follows_from_the_status(status: Status, step: Step) -> None:
    assert at(status).next_step() is step


def test_a_failed_payout_is_compensated_first() -> None:
    application = at(Status.PAYING)
    fail(application)
    assert application.next_step() is Step.COMPENSATE
    with pytest.raises(NotReferred):
        review(application)


def test_an_item_that_pays_nothing_ends_with_its_approval() -> None:
    application = at(Status.APPROVED, pays=False)
    assert application.next_step() is Step.NOTHING


@pytest.mark.parametrize("status", list(Status))
@pytest.mark.parametrize("step", [identify, ask, collect, decide("approved"), instruct, confirm])
def test_a_step_is_taken_once_and_in_its_place(status: Status, step: Any) -> None:
    """Whatever a crash repeats is refused, or changes nothing."""
    application = at(status)
    own = {
        Status.SUBMITTED: identify,
        Status.IDENTIFIED: ask,
        Status.COLLECTING: collect,
        Status.APPROVED: instruct,
        Status.PAYING: confirm,
    }.get(status)
    if step is own or (
        status is Status.COLLECTED and step not in (identify, ask, collect, instruct, confirm)
    ):
        step(application)
        assert application.pending_events
    else:
        with pytest.raises(OutOfStep):
            step(application)


def test_answers_of_an_earlier_round_and_second_answers_change_nothing() -> None:
    application = at(Status.COLLECTING)
    application.collect(NOW, [answer("police"), answer("bank", round_="other")])
    application.collect(NOW, [answer("police")])
    assert topics(application) == ["application.evidence_collected"]
    assert application.missing == ["bank"]


def test_a_department_that_fails_ends_the_round_without_a_refusal() -> None:
    application = at(Status.COLLECTING)
    application.collect(NOW, [answer("police"), failure("bank")])
    assert application.status == Status.COLLECTED
    assert application.evidence == {"police": "ab" * 32, "bank": None}


@pytest.mark.parametrize("status", list(Status))
def test_it_can_be_withdrawn_while_no_money_is_on_its_way(status: Status) -> None:
    application = at(status)
    if status in WITHDRAWABLE:
        application.withdraw(ANNA, NOW)
        assert application.status == Status.WITHDRAWN
    else:
        with pytest.raises(TooLateToWithdraw):
            application.withdraw(ANNA, NOW)


def test_only_the_decision_in_force_is_paid() -> None:
    application = at(Status.REFERRED)
    with pytest.raises(OutOfStep):
        instruct(application)
    review(application)
    digest, decided = application.decision_sha256, application.version
    application.decision_sha256 = "cd" * 32
    with pytest.raises(NotAuthorised):
        instruct(application, decision_sha256=digest)
    application.decision_sha256 = None
    with pytest.raises(NotAuthorised):
        instruct(application, decision_sha256=None)
    application.decision_sha256 = digest
    instruct(application)
    fields = vars(application.pending_events[-1])
    assert (fields["decision_version"], fields["decision_sha256"]) == (decided, digest)
    assert authorised(application) == allowed(application.id, 100, digest or "")
    application.decision_sha256 = "cd" * 32
    with pytest.raises(NotAuthorised):
        authorised(application)


def test_an_instruction_of_before_is_paid_by_the_decision_in_force() -> None:
    application = at(Status.PAYING)
    application.instructed_sha256 = None
    assert authorised(application).decision_sha256 == application.decision_sha256


def test_a_refusal_and_a_lost_claim_leave_no_decision_to_pay_by() -> None:
    assert at(Status.REFUSED).decision_sha256 is None
    application = at(Status.APPROVED)
    assert application.decision_sha256 is not None
    lose_claim(application, NOW, reason="drawn-meanwhile", claim_id="entitlement-1")
    assert application.decision_sha256 is None


def test_what_a_failed_payout_had_claimed_is_released_where_it_is_withdrawn_at_once() -> None:
    application = at(Status.PAYING)
    fail(application)
    application.withdraw(ANNA, NOW)
    assert application.next_step() is Step.RELEASE


@pytest.mark.parametrize("actor", [BORIS, KIOSK, CLERK, FUND])
def test_only_the_applicant_withdraws(actor: Actor) -> None:
    with pytest.raises(NotYourApplication):
        at(Status.REFERRED).withdraw(actor, NOW)


def test_a_kiosk_acts_on_what_it_holds_and_another_does_not() -> None:
    application = at(Status.SUBMITTED, actor=KIOSK, channel=Channel.KIOSK)
    with pytest.raises(NotYourApplication):
        application.withdraw(OTHER_KIOSK, NOW)
    application.take_over(OTHER_KIOSK, NOW, channel=Channel.KIOSK)
    with pytest.raises(NotYourApplication):
        application.withdraw(KIOSK, NOW)
    application.withdraw(OTHER_KIOSK, NOW)


@pytest.mark.parametrize(
    ("actor", "channel"),
    [
        (ANNA, Channel.COUNTER),
        (ANNA, Channel.KIOSK),
        (KIOSK, Channel.APP),
        (CLERK, Channel.WEB),
        (FUND, Channel.COUNTER),
    ],
)
def test_each_role_has_its_channels(actor: Actor, channel: Channel) -> None:
    with pytest.raises(WrongChannel):
        submitted(actor, channel)
    with pytest.raises(WrongChannel):
        at(Status.REFERRED).take_over(actor, NOW, channel=channel)


def test_nobody_applies_for_another_or_takes_over_anothers() -> None:
    with pytest.raises(NotYourApplication):
        submitted(BORIS)
    with pytest.raises(NotYourApplication):
        at(Status.REFERRED).take_over(BORIS, NOW, channel=Channel.WEB)


@pytest.mark.parametrize("status", list(Status))
def test_it_is_taken_over_until_it_has_ended(status: Status) -> None:
    application = at(status)
    if status in ENDED:
        with pytest.raises(ApplicationEnded):
            application.take_over(CLERK, NOW, channel=Channel.COUNTER)
    else:
        application.take_over(CLERK, NOW, channel=Channel.COUNTER)
        assert application.channels == ["app", "counter"]
        application.take_over(CLERK, NOW, channel=Channel.COUNTER)
        assert topics(application) == ["application.taken_over"]


def test_an_officer_of_the_department_decides_what_was_referred() -> None:
    application = at(Status.REFERRED)
    with pytest.raises(NotYourDepartment):
        review(application, POLICE)
    with pytest.raises(NotYourDepartment):
        review(application, ANNA)
    review(application)
    assert application.next_step() is Step.CLAIM_AND_INSTRUCT
    assert application.amount_fen == 100


@pytest.mark.parametrize("amount_fen", [None, 0, -500, 0.5, 500.0, True, "500"])
def test_no_approval_pays_what_is_no_money(amount_fen: Any) -> None:
    with pytest.raises(AmountInvalid):
        review(at(Status.REFERRED), amount_fen=amount_fen)
    application = at(Status.COLLECTED)
    with pytest.raises(AmountInvalid):
        decide("approved", amount_fen=amount_fen)(application)
    assert application.status == Status.COLLECTED
    application = at(Status.APPROVED)
    application.amount_fen = amount_fen
    with pytest.raises(AmountInvalid):
        instruct(application)


def test_nobody_approves_more_than_the_ceiling() -> None:
    referred = at(Status.REFERRED)
    with pytest.raises(AmountAboveCeiling) as refused:
        review(referred, ceiling_fen=99)
    assert refused.value.details == {"ceiling_fen": 99}
    with pytest.raises(AmountAboveCeiling):
        review(referred, amount_fen=10**12 + 1, ceiling_fen=None)
    with pytest.raises(AmountAboveCeiling):
        decide("approved", ceiling_fen=99)(at(Status.COLLECTED))
    with pytest.raises(AmountAboveCeiling):
        instruct(at(Status.APPROVED), ceiling_fen=99)
    review(referred, ceiling_fen=100)
    assert referred.amount_fen == 100


def test_nothing_but_an_approval_that_pays_has_an_amount() -> None:
    with pytest.raises(AmountInvalid):
        review(at(Status.REFERRED), outcome="refused", reasons=["x"])
    with pytest.raises(AmountInvalid):
        decide("refused", amount_fen=100)(at(Status.COLLECTED))


def test_what_was_approved_before_amounts_were_checked_is_read_and_not_paid() -> None:
    """An old stream replays whatever its events say."""
    approved = at(Status.COLLECTED)
    fields: dict[str, Any] = {
        "originator_id": approved.id,
        "originator_version": approved.version + 1,
        "timestamp": NOW,
        "outcome": "approved",
        "amount_fen": 0.5,
        "reasons": [],
        "claim_id": "entitlement-" + "e" * 32,
        **dict.fromkeys(("item_version", "decided_on", "steps_sealed"), "x"),
        "parameters": {},
        "inputs": [],
        "findings": {},
    }
    event = ApplicationDecided(**fields)
    event.mutate(approved)
    assert (approved.status, approved.amount_fen) == (Status.APPROVED, 0.5)
    with pytest.raises(AmountInvalid):
        instruct(approved)


@pytest.mark.parametrize("status", sorted(set(Status) - {Status.REFERRED, Status.PAYOUT_FAILED}))
def test_nothing_else_is_reviewed(status: Status) -> None:
    with pytest.raises(NotReferred):
        review(at(status))


def test_an_officer_asks_again_and_the_new_round_forgets_the_old() -> None:
    application = at(Status.REFERRED)
    again = [
        {"material": "bank", "department": "bank", "record": "bank", "request_id": "second-bank"}
    ]
    application.request_evidence_again(FUND, NOW, requests=again, due_at=NOW)
    assert (application.missing, application.rounds) == (["bank"], 2)
    application.collect(NOW, [answer("bank", round_="second")])
    assert application.status == Status.COLLECTED


def test_a_delay_is_said_once_and_another_payments_receipt_is_not_taken() -> None:
    application = at(Status.PAYING)
    application.delay_payout(NOW, payment_id=PAYMENT)
    application.delay_payout(NOW, payment_id=PAYMENT)
    assert topics(application) == ["application.payout_delayed"]
    with pytest.raises(OutOfStep):
        application.fail_payout(NOW, payment_id="other", reason="x", receipt_sha256="")


def test_it_expires_when_nobody_was_identified_in_time() -> None:
    application = at(Status.SUBMITTED)
    application.expire(NOW)
    assert application.status == Status.SUBMITTED
    application.expire(application.identity_due_at)
    assert application.status == Status.EXPIRED


ACTIONS: list[Any] = [
    identify,
    ask,
    collect,
    decide("approved"),
    decide("refused"),
    decide("referred"),
    instruct,
    confirm,
    fail,
    lambda a: a.collect(NOW, [answer("police"), failure("bank")]),
    lambda a: a.compensate(NOW),
    lambda a: a.withdraw(ANNA, NOW),
    review,
    lambda a: review(a, amount_fen=101),
    lambda a: confirm_review(a, amount_fen=101),
    confirm_review,
    lambda a: lose_claim(a, NOW, reason="paid-before", claim_id="entitlement-1"),
    lambda a: look_again(a, NOW, requests=REQUESTS, due_at=NOW),
    appeal,
    lambda a: a.take_over(CLERK, NOW, channel=Channel.COUNTER),
    lambda a: a.delay_payout(NOW, payment_id=PAYMENT),
]


@given(st.lists(st.sampled_from(ACTIONS), max_size=40))
def test_whatever_comes_money_moves_once_and_only_after_an_approval(actions: list[Any]) -> None:
    application = submitted()
    for action in actions:
        before = application.status
        try:
            action(application)
        except (Refused, NotApart, NotYourApplication):
            assert application.status == before
    happened = topics(application)
    assert happened.count("application.payout_confirmed") <= 1
    if "application.payout_confirmed" in happened:
        assert application.status == Status.PAID
        assert "application.withdrawn" not in happened
    instructed = [n for n, topic in enumerate(happened) if topic == "application.payout_instructed"]
    for first, second in pairwise(instructed):
        assert "application.compensated" in happened[first:second]


def test_a_snapshot_of_before_digests_is_paid_by_the_decision_that_it_holds() -> None:
    application = at(Status.APPROVED)
    state = {"outcome": application.outcome}
    Application.upcast_v3_v4(state)
    vars(application).update(state)
    instruct(application)
    assert authorised(application).decision_sha256 == DIGEST_OF_BEFORE

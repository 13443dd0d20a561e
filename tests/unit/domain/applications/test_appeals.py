"""Appeals: of what, by whom, and until when."""

from collections.abc import Callable
from datetime import timedelta
from itertools import cycle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from citybrain.domain.actor import Actor, Role
from citybrain.domain.applications import appeals
from citybrain.domain.applications.appeals import APPEAL_WITHIN
from citybrain.domain.applications.application import Application, Step
from citybrain.domain.applications.application_events import (
    ApplicationClaimLost,
    ApplicationPayoutConfirmed,
)
from citybrain.domain.applications.claiming import ask_as_corrected, look_again
from citybrain.domain.applications.correction_events import ApplicationResubmitted
from citybrain.domain.applications.entitlement import RecordsOutdated
from citybrain.domain.applications.going_on import close
from citybrain.domain.applications.paying import authorised
from citybrain.domain.applications.refusals import (
    BelowWhatWasPaid,
    NothingToAppeal,
    NotReferred,
    NotYourApplication,
    OutOfStep,
    SameReviewer,
    TooLateToWithdraw,
)
from citybrain.domain.applications.statuses import Status
from citybrain.domain.money import AmountAboveCeiling
from commands.applications.processes.claiming import MOST_ROUNDS, looks_again
from tests.given.applications import (
    ANNA,
    BORIS,
    FUND,
    NOW,
    OTHER_FUND,
    REQUESTS,
    THIRD_FUND,
    add,
    appeal,
    ask,
    at,
    collect,
    confirm,
    confirm_review,
    decide,
    fail,
    instruct,
    refuse,
    resubmit,
    review,
    send_back,
)
from tests.given.streams import events_of

FOURTH_FUND = Actor("official-fund-4", frozenset({Role.OFFICIAL}), "housing-fund")
AUDITOR = Actor("auditor-1", frozenset({Role.AUDITOR}))


def test_an_appeal_comes_in_time() -> None:
    late = NOW + APPEAL_WITHIN + timedelta(seconds=1)
    with pytest.raises(NothingToAppeal):
        appeals.appeal(at(Status.REFUSED), ANNA, late, grounds_sealed="sealed")
    with pytest.raises(NotYourApplication):
        appeal(at(Status.REFUSED), BORIS)


def test_a_look_or_whatever_else_is_no_decision_does_not_restart_the_time() -> None:
    application = at(Status.REFUSED)
    near_the_end = NOW + APPEAL_WITHIN - timedelta(days=1)
    application.open_sealed(AUDITOR, near_the_end, what="explanation", purpose="audit")
    with pytest.raises(NothingToAppeal):
        appeals.appeal(application, ANNA, near_the_end + timedelta(days=2), grounds_sealed="s")
    appeals.appeal(application, ANNA, near_the_end, grounds_sealed="sealed")


def test_each_decision_is_appealed_once_and_goes_to_other_officers() -> None:
    application, before = at(Status.REFUSED), None
    for officer in (FUND, OTHER_FUND, THIRD_FUND, FUND):
        appeal(application)
        with pytest.raises(NothingToAppeal):
            appeal(application)
        if before is not None:
            with pytest.raises(SameReviewer):
                review(application, before)
        refuse(application, officer)
        before = officer


def test_the_time_counts_from_the_decision_that_is_appealed() -> None:
    application = at(Status.REFUSED)
    appeal(application)
    later = NOW + timedelta(days=50)
    refuse(application, FUND, later)
    appeals.appeal(application, ANNA, later + APPEAL_WITHIN, grounds_sealed="sealed")
    assert application.status == Status.REFERRED


def test_a_claim_that_refused_before_claims_only_referred_is_a_decision_too() -> None:
    application = at(Status.APPROVED)
    application.note(ApplicationClaimLost, NOW, reason="drawn-meanwhile", claim_id="e-1")
    appeal(application)
    review(application)
    assert application.status == Status.AWAITING_SECOND


def test_a_payout_that_failed_is_appealed_once_what_it_claimed_is_free() -> None:
    application = at(Status.PAYING)
    fail(application)
    with pytest.raises(OutOfStep):
        appeal(application)
    application.compensate(NOW)
    appeal(application)
    assert application.status == Status.REFERRED
    review(application)
    assert application.status == Status.APPROVED


def test_whoever_refused_does_not_decide_after_the_rules_did_in_between() -> None:
    application = at(Status.REFERRED)
    refuse(application, FUND)
    appeal(application)
    application.request_evidence_again(OTHER_FUND, NOW, requests=REQUESTS, due_at=NOW)
    collect(application)
    decide("refused")(application)
    with pytest.raises(SameReviewer):
        review(application, FUND)
    review(application, THIRD_FUND)


def test_whoever_decided_what_could_not_be_paid_does_not_decide_the_appeal() -> None:
    application = at(Status.REFERRED)
    review(application, FUND)
    instruct(application)
    fail(application)
    application.compensate(NOW)
    appeal(application)
    with pytest.raises(SameReviewer):
        review(application, FUND)


OPEN = {Status.REFUSED, Status.PAYOUT_FAILED, Status.PAID}


@pytest.mark.parametrize("status", sorted(set(Status) - OPEN))
def test_what_is_not_decided_is_not_appealed(status: Status) -> None:
    with pytest.raises(NothingToAppeal):
        appeal(at(status))


def test_a_snapshot_of_before_keeps_a_refusal_open_to_appeal() -> None:
    state = {"status": "refused", "appealed": False, "decided_at": NOW}
    Application.upcast_v7_v8(state)
    assert state["appealable_since"] == NOW


def corrected(total_fen: int) -> Application:
    """Paid 100, appealed, and approved anew in all."""
    application = at(Status.PAID)
    appeal(application)
    review(application, FUND, amount_fen=total_fen)
    if application.status == Status.AWAITING_SECOND:
        confirm_review(application, OTHER_FUND, total_fen)
    return application


def test_an_amount_that_is_too_low_is_appealed_and_the_rest_is_paid() -> None:
    application = corrected(150)
    assert (application.status, application.amount_fen) == (Status.APPROVED, 150)
    instruct(application)
    assert vars(events_of(application)[-1])["amount_fen"] == 50
    assert authorised(application).amount_fen == 50
    confirm(application, amount_fen=50)
    assert (application.status, application.paid_fen) == (Status.PAID, 150)


def test_what_was_paid_stays_paid_where_nobody_can_decide_its_appeal() -> None:
    application = at(Status.PAID)
    appeal(application)
    close(application, NOW, reason="person-deceased")
    assert (application.status, application.paid_fen) == (Status.PAID, 100)
    assert application.next_step() is Step.SETTLE


def test_what_was_approved_and_never_paid_is_no_amount_of_what_was_paid() -> None:
    application = at(Status.PAID)
    appeal(application)
    review(application, FUND, amount_fen=150)
    confirm_review(application, OTHER_FUND, 150)
    instruct(application)
    fail(application)
    application.compensate(NOW)
    close(application, NOW, reason="person-deceased")
    assert (application.status, application.amount_fen) == (Status.PAID, 100)


def test_more_than_was_paid_takes_two_as_more_than_was_computed_does() -> None:
    application = at(Status.PAID)
    appeal(application)
    review(application, FUND, amount_fen=150)
    assert application.status == Status.AWAITING_SECOND


def test_the_ceiling_is_of_the_total() -> None:
    application = at(Status.PAID)
    appeal(application)
    with pytest.raises(AmountAboveCeiling):
        review(application, FUND, amount_fen=150, ceiling_fen=149)
    review(application, FUND, amount_fen=150, ceiling_fen=150)
    confirm_review(application, OTHER_FUND, 150, ceiling_fen=150)
    with pytest.raises(AmountAboveCeiling):
        instruct(application, ceiling_fen=149)


def test_where_the_amount_stands_one_officer_says_so_and_nothing_is_paid() -> None:
    application = corrected(100)
    assert (application.status, application.amount_fen) == (Status.PAID, 100)
    assert application.next_step() is Step.SETTLE


@pytest.mark.parametrize("amount_fen", [1, 99, None])
def test_a_review_takes_back_nothing_that_was_paid(amount_fen: int | None) -> None:
    application = at(Status.PAID)
    appeal(application)
    with pytest.raises(BelowWhatWasPaid):
        review(application, FUND, amount_fen=amount_fen)
    with pytest.raises(BelowWhatWasPaid):
        refuse(application, FUND)


def test_what_was_paid_is_not_withdrawn_nor_decided_by_rules_anew() -> None:
    application = at(Status.PAID)
    appeal(application)
    with pytest.raises(TooLateToWithdraw):
        application.withdraw(ANNA, NOW)
    with pytest.raises(NotReferred):
        application.request_evidence_again(FUND, NOW, requests=REQUESTS, due_at=NOW)
    with pytest.raises(NotReferred):
        send_back()(application)


def test_a_rest_that_could_not_be_paid_is_decided_again() -> None:
    application = corrected(150)
    instruct(application)
    fail(application)
    application.compensate(NOW)
    with pytest.raises(TooLateToWithdraw):
        application.withdraw(ANNA, NOW)
    review(application, THIRD_FUND, amount_fen=100, reasons=["x"])
    assert application.status == Status.PAID


AMOUNTS = st.integers(1, 1200)


@given(st.lists(AMOUNTS, max_size=8))
def test_however_often_it_is_appealed_no_more_than_the_last_total_is_paid(
    totals: list[int],
) -> None:
    application, officers = at(Status.PAID), cycle((FUND, OTHER_FUND, THIRD_FUND, FOURTH_FUND))
    for total in totals:
        appeal(application)
        try:
            review(application, next(officers), amount_fen=total, reasons=["x"])
        except (BelowWhatWasPaid, AmountAboveCeiling):
            review(application, next(officers), amount_fen=application.paid_fen, reasons=["x"])
        if application.status == Status.AWAITING_SECOND:
            confirm_review(application, next(officers), total)
        if application.status == Status.APPROVED:
            instruct(application)
            confirm(application, amount_fen=int(application.payable_fen))
        assert application.status == Status.PAID
        assert application.paid_fen == application.amount_fen
    paid = [e for e in events_of(application) if isinstance(e, ApplicationPayoutConfirmed)]
    assert 100 + sum(event.amount_fen for event in paid) == application.amount_fen
    assert application.paid_fen <= 1000


def test_while_another_is_under_way_the_time_does_not_run() -> None:
    application, late = at(Status.REFUSED), NOW + 3 * APPEAL_WITHIN
    other = at(Status.REFERRED, application_id="application-" + "b" * 32)
    held_up_until = appeals.held_up(application, other, late)
    assert held_up_until == late  # it is still under way
    refuse(other, FUND, NOW + 2 * APPEAL_WITHIN)
    held_up_until = appeals.held_up(application, other, late)
    assert held_up_until == NOW + 2 * APPEAL_WITHIN
    with pytest.raises(NothingToAppeal):
        appeals.check_appeal(application, ANNA, late)
    appeals.check_appeal(application, ANNA, late, held_up_until)
    with pytest.raises(NothingToAppeal):
        appeals.check_appeal(application, ANNA, late + timedelta(seconds=1), held_up_until)


def test_who_applies_anew_once_the_time_is_over_gets_it_back_by_nothing() -> None:
    application = at(Status.REFUSED)
    application.appealable_since = NOW - APPEAL_WITHIN - timedelta(seconds=1)
    other = at(Status.REFUSED, application_id="application-" + "b" * 32)
    assert appeals.held_up(application, other, NOW) is None
    assert appeals.held_up(application, application, NOW) is None
    assert appeals.held_up(application, None, NOW) is None


def asked_again(application: Application) -> None:
    """An officer asks the departments once more, and they answer."""
    application.request_evidence_again(OTHER_FUND, NOW, requests=REQUESTS, due_at=NOW)
    collect(application)


def corrected_by_applicant(application: Application) -> None:
    """An officer sends it back, and it is submitted again."""
    send_back()(application)
    add()(application)
    resubmit(application)
    ask(application)
    collect(application)


@pytest.mark.parametrize("again", [asked_again, corrected_by_applicant])
def test_no_rule_answers_an_appeal_by_a_refusal(again: Callable[[Application], None]) -> None:
    application = at(Status.REFERRED)
    refuse(application, FUND)
    appeal(application)
    again(application)
    decide("refused", computed_fen=70)(application)
    assert (application.status, application.reasons) == (Status.REFERRED, ["rule"])
    assert (application.computed_fen, application.ruled_out) == (70, True)
    with pytest.raises(NothingToAppeal):
        appeal(application)  # it is open still
    with pytest.raises(SameReviewer):
        review(application, FUND)
    review(application, OTHER_FUND, amount_fen=70)
    assert application.status == Status.AWAITING_SECOND  # against the rules
    confirm_review(application, THIRD_FUND, 70)
    assert application.status == Status.APPROVED


def test_what_the_rules_approve_of_an_appeal_is_paid() -> None:
    application = at(Status.REFUSED)
    appeal(application)
    asked_again(application)
    decide("approved")(application)
    assert (application.status, application.ruled_out) == (Status.APPROVED, False)


def test_once_a_person_has_answered_the_rules_may_refuse_again() -> None:
    application = at(Status.REFUSED)
    appeal(application)
    review(application)
    confirm_review(application)
    instruct(application)
    fail(application)
    application.compensate(NOW)
    asked_again(application)
    decide("refused")(application)
    assert application.status == Status.REFUSED


def test_an_answer_that_does_not_stand_leaves_the_appeal_to_a_person() -> None:
    application = at(Status.REFUSED)
    appeal(application)
    review(application)
    confirm_review(application)
    ask_as_corrected(application, NOW, requests=REQUESTS, due_at=NOW)
    collect(application)
    decide("refused")(application)
    assert application.status == Status.REFERRED


def test_an_appeal_keeps_its_days_where_it_is_sent_back() -> None:
    application = at(Status.REFUSED)
    appeal(application)
    corrected_by_applicant(application)
    (again,) = [e for e in events_of(application) if isinstance(e, ApplicationResubmitted)]
    assert again.legal_due_on is None


def test_a_snapshot_of_before_keeps_an_appeal_open() -> None:
    for status, open_still in (("referred", True), ("collected", True), ("refused", False)):
        state = {"status": status, "appealed": True, "rounds": 3, "by_officer": True}
        Application.upcast_v9_v10(state)
        assert (state["appeal_open"], state["reviewed_in_round"]) == (open_still, 3)
        assert state["payee_sealed"] is None


def test_what_an_officer_grants_has_rounds_of_its_own() -> None:
    application = at(Status.PAID)
    application.rounds = MOST_ROUNDS
    outdated = RecordsOutdated("its own payment was made since")
    assert not looks_again(application, outdated)
    appeal(application)
    review(application, FUND, amount_fen=150)
    confirm_review(application, OTHER_FUND, 150)
    assert looks_again(application, outdated)
    for _ in range(MOST_ROUNDS):
        look_again(application, NOW, requests=REQUESTS, due_at=NOW)
    assert not looks_again(application, outdated)

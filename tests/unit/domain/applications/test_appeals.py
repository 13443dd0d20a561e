"""Appeals: of what, by whom, and until when."""

from datetime import timedelta

import pytest

from citybrain.domain.actor import Actor, Role
from citybrain.domain.applications import appeals
from citybrain.domain.applications.appeals import APPEAL_WITHIN
from citybrain.domain.applications.application import Application
from citybrain.domain.applications.application_events import ApplicationClaimLost
from citybrain.domain.applications.refusals import (
    NothingToAppeal,
    NotYourApplication,
    OutOfStep,
    SameReviewer,
)
from citybrain.domain.applications.statuses import Status
from tests.given.applications import (
    ANNA,
    BORIS,
    FUND,
    NOW,
    OTHER_FUND,
    THIRD_FUND,
    appeal,
    at,
    fail,
    instruct,
    refuse,
    review,
)

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


def test_whoever_decided_what_could_not_be_paid_does_not_decide_the_appeal() -> None:
    application = at(Status.REFERRED)
    review(application, FUND)
    instruct(application)
    fail(application)
    application.compensate(NOW)
    appeal(application)
    with pytest.raises(SameReviewer):
        review(application, FUND)


OPEN = {Status.REFUSED, Status.PAYOUT_FAILED}


@pytest.mark.parametrize("status", sorted(set(Status) - OPEN))
def test_what_is_not_decided_is_not_appealed(status: Status) -> None:
    with pytest.raises(NothingToAppeal):
        appeal(at(status))


def test_a_snapshot_of_before_keeps_a_refusal_open_to_appeal() -> None:
    state = {"status": "refused", "appealed": False, "decided_at": NOW}
    Application.upcast_v7_v8(state)
    assert state["appealable_since"] == NOW

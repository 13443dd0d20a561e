"""At every moment somebody has an application, until a time at which they are woken."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from citybrain.domain.applications.application import Application
from citybrain.domain.applications.application_events import TOPICS
from citybrain.domain.applications.claiming import lose_claim
from citybrain.domain.applications.going_on import close, refer, wake
from citybrain.domain.applications.refusals import OutOfStep
from citybrain.domain.applications.statuses import Status
from citybrain.domain.applications.waiting import (
    BANK_LOOKED_AFTER,
    DUE,
    MOVES_WITHIN,
    Waits,
    due_after,
    waits_for,
)
from citybrain.errors import Refused
from tests.given.applications import (
    ANNA,
    FUND,
    LIVES,
    NOW,
    PAYMENT,
    REQUESTS,
    add,
    answer,
    appeal,
    ask,
    at,
    confirm,
    confirm_review,
    decide,
    fail,
    failure,
    identify,
    instruct,
    refuse,
    resubmit,
    review,
    send_back,
    submitted,
)
from tests.given.streams import events_of, replayed, topics

WAITS_IN = {
    Status.SUBMITTED: Waits.PERSON,
    Status.IDENTIFIED: Waits.MOVING,
    Status.COLLECTING: Waits.MOVING,
    Status.COLLECTED: Waits.MOVING,
    Status.REFERRED: Waits.OFFICER,
    Status.SENT_BACK: Waits.PERSON,
    Status.AWAITING_SECOND: Waits.OFFICER,
    Status.APPROVED: Waits.MOVING,
    Status.REFUSED: Waits.ENDED,
    Status.PAYING: Waits.BANK,
    Status.PAID: Waits.ENDED,
    Status.PAYOUT_FAILED: Waits.OFFICER,
    Status.WITHDRAWN: Waits.ENDED,
    Status.EXPIRED: Waits.ENDED,
}
MOVING = [status for status, waits in WAITS_IN.items() if waits is Waits.MOVING]
WOKEN = (Waits.MOVING, Waits.PERSON, Waits.BANK)


STEPS: dict[str, Callable[[Application], None]] = {
    "identify": identify,
    "ask": ask,
    "again": lambda it: it.request_evidence_again(FUND, NOW, requests=REQUESTS, due_at=NOW),
    "one": lambda it: it.collect(NOW, [failure("police")]),
    "other": lambda it: it.collect(NOW, [answer("bank")]),
    "approve": decide("approved"),
    "refuse": decide("refused"),
    "leave": decide("referred"),
    "refer": lambda it: refer(it, NOW, reason="step-failed"),
    "close": lambda it: close(it, NOW, reason="person-erased"),
    "wake": lambda it: wake(it, it.due_at or NOW),
    "send-back": send_back(),
    "send-back-for-good": send_back(Status.EXPIRED),
    "add": add(),
    "resubmit": resubmit,
    "officer": review,
    "officer-proposes": lambda it: review(it, amount_fen=101),
    "second": lambda it: confirm_review(it, amount_fen=101),
    "officer-refuses": refuse,
    "lose": lambda it: lose_claim(it, NOW, reason="drawn-meanwhile", claim_id="e-1"),
    "instruct": instruct,
    "confirm": confirm,
    "fail": fail,
    "compensate": lambda it: it.compensate(NOW),
    "withdraw": lambda it: it.withdraw(ANNA, NOW),
    "appeal": appeal,
}


@given(st.lists(st.sampled_from(sorted(STEPS)), max_size=14))
def test_whatever_happens_somebody_has_it_or_it_has_ended(names: list[str]) -> None:
    application = submitted()
    for name in names:
        try:
            STEPS[name](application)
        except Refused:
            continue
        waits = application.waits_for()
        assert waits is not Waits.NOBODY
        assert (application.due_at is not None) == (waits in WOKEN), (name, waits)
    assert folded(application) == (application.waits_for(), application.due_at)


def folded(application: Application) -> tuple[Waits, object]:
    """What a read model makes of the events."""
    waits, due_at, events = None, None, events_of(application)
    for number, event in enumerate(events, start=1):
        until: Waits = replayed(events[:number]).waits_for()
        due_at = due_after(event.TOPIC, vars(event), waits, until, due_at)
        waits = until
    assert waits is not None
    return waits, due_at


@pytest.mark.parametrize("status", list(Status))
def test_every_status_is_somebodys(status: Status) -> None:
    assert at(status).waits_for() is WAITS_IN[status]
    assert waits_for(status, pays=False, compensated=True) is not Waits.NOBODY


def test_a_status_that_is_added_without_saying_whose_it_is_is_nobodys() -> None:
    assert waits_for("on-hold", pays=True, compensated=True) is Waits.NOBODY


def test_an_approval_without_money_has_ended_and_a_failed_payout_moves_until_it_is_free() -> None:
    assert at(Status.APPROVED, pays=False).waits_for() is Waits.ENDED
    application = at(Status.PAYING)
    fail(application)
    assert application.waits_for() is Waits.MOVING
    application.compensate(NOW)
    assert application.waits_for() is Waits.OFFICER


@pytest.mark.parametrize("status", MOVING)
def test_what_stands_still_is_taken_up_again_once_and_then_an_officers(status: Status) -> None:
    application = at(status)
    assert application.due_at is not None
    wake(application, application.due_at - timedelta(seconds=1))
    assert not application.pending_events
    wake(application, application.due_at)
    assert topics(application) == ["application.resumed"]
    assert application.status == status
    wake(application, application.due_at)
    assert topics(application) == ["application.resumed", "application.referred"]
    assert (application.waits_for(), application.reasons) == (Waits.OFFICER, ["step-overdue"])


def test_a_step_that_moves_after_all_has_a_second_chance_at_the_next() -> None:
    application = at(Status.COLLECTED)
    wake(application, application.due_at or NOW)
    decide("approved")(application)
    wake(application, application.due_at or NOW)
    assert application.resumed_in == Status.APPROVED
    assert application.status == Status.APPROVED


def test_a_late_bank_is_said_once_and_looked_after_each_day_never_paid_again() -> None:
    application = at(Status.PAYING)
    for _ in range(4):
        before = application.due_at
        wake(application, before or NOW)
        assert application.due_at is not None
        assert before is not None
        assert application.due_at - before == BANK_LOOKED_AFTER
    assert topics(application) == ["application.payout_delayed", *["application.resumed"] * 3]
    assert application.payment_id == PAYMENT


@pytest.mark.parametrize("status", list(Status))
def test_only_what_moves_is_referred(status: Status) -> None:
    application = at(status)
    if WAITS_IN[status] is Waits.MOVING:
        refer(application, NOW, reason="step-failed")
        assert (application.status, application.reasons) == (Status.REFERRED, ["step-failed"])
    else:
        with pytest.raises(OutOfStep):
            refer(application, NOW, reason="step-failed")


@pytest.mark.parametrize("status", list(Status))
def test_only_what_is_under_way_without_money_is_closed(status: Status) -> None:
    application = at(status)
    if WAITS_IN[status] in (Waits.MOVING, Waits.PERSON, Waits.OFFICER):
        close(application, NOW, reason="person-erased")
        assert application.status == Status.EXPIRED
    else:
        with pytest.raises(OutOfStep):
            close(application, NOW, reason="person-erased")


def test_deadlines_count_from_events_that_there_are() -> None:
    assert set(DUE) <= TOPICS
    assert timedelta(0) < MOVES_WITHIN
    assert set(LIVES) == set(WAITS_IN)

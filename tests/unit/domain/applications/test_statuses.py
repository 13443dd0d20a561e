"""Statuses have one home: events fold to what the aggregate says, and each is led to."""

from datetime import timedelta

import pytest

from citybrain.domain.applications import corrections
from citybrain.domain.applications.application import Application
from citybrain.domain.applications.application_events import (
    EVENTS,
    LEADS_TO,
    awaited_after,
    status_after,
    verdict_of,
)
from citybrain.domain.applications.claiming import look_again, lose_claim
from citybrain.domain.applications.statuses import (
    BEFORE_MONEY,
    ENDED,
    FINAL,
    FOR_A_SECOND,
    FOR_AN_OFFICER,
    Status,
    ended_well,
    has_ended,
    waits_for_officer,
)
from tests.given.applications import (
    FUND,
    LIVES,
    NOW,
    PAYMENT,
    REQUESTS,
    add,
    answer,
    appeal,
    ask,
    failure,
    identify,
    resubmit,
    review,
    send_back,
    submitted,
)
from tests.given.streams import events_of

OUTCOMES = {Status.APPROVED, Status.REFUSED, Status.REFERRED}
WHILE_COLLECTING = {Status.COLLECTING, Status.COLLECTED}


def lived(status: Status) -> Application:
    """One that has come this far, with all its events pending."""
    application = submitted()
    for step in LIVES[status]:
        step(application)
    return application


def half_answered() -> Application:
    application = submitted()
    identify(application)
    ask(application)
    application.collect(NOW, [failure("bank")])
    return application


def asked_again() -> Application:
    application = lived(Status.REFERRED)
    application.request_evidence_again(FUND, NOW, requests=REQUESTS, due_at=NOW)
    application.collect(NOW, [answer("police")])
    return application


def asked_for_nothing() -> Application:
    application = submitted()
    identify(application)
    application.request_evidence(NOW, requests=[], due_at=NOW)
    return application


def second() -> Application:
    application = lived(Status.APPROVED)
    lose_claim(application, NOW, reason="drawn-meanwhile", claim_id="entitlement-1")
    return application


def looked_at_again() -> Application:
    """An officer has approved, and a department has not said yet what is drawn on."""
    application = lived(Status.REFERRED)
    review(application, amount_fen=100)
    look_again(application, NOW, requests=REQUESTS, due_at=NOW)
    application.collect(NOW, [answer("police")])
    return application


def appealed() -> Application:
    application = lived(Status.REFUSED)
    appeal(application)
    application.open_sealed(FUND, NOW, what="explanation", purpose="review")
    return application


def corrected() -> Application:
    application = lived(Status.SENT_BACK)
    add()(application)
    resubmit(application)
    return application


def lapsed() -> Application:
    application = lived(Status.SENT_BACK)
    corrections.lapse(application, NOW + timedelta(days=20))
    return application


def never_corrected() -> Application:
    application = lived(Status.REFERRED)
    send_back(Status.EXPIRED)(application)
    corrections.lapse(application, NOW + timedelta(days=20))
    return application


def delayed() -> Application:
    application = lived(Status.PAYING)
    application.delay_payout(NOW, payment_id=PAYMENT)
    return application


@pytest.mark.parametrize(
    "application",
    [
        *(lived(status) for status in Status),
        half_answered(),
        asked_again(),
        asked_for_nothing(),
        second(),
        looked_at_again(),
        appealed(),
        corrected(),
        lapsed(),
        never_corrected(),
        delayed(),
    ],
)
def test_events_fold_to_what_the_aggregate_says(application: Application) -> None:
    status, verdict = None, None
    awaited: list[str] = []
    for event in events_of(application):
        topic, fields = event.TOPIC, vars(event)
        awaited = awaited_after(topic, fields, awaited)
        status = status_after(topic, fields, awaited, status) or status
        verdict = verdict_of(topic, fields) or verdict
    assert status == application.status
    assert awaited == application.missing
    found = (application.outcome, application.reasons, application.amount_fen)
    assert found == ((verdict.outcome, verdict.reasons, verdict.amount_fen) if verdict else found)
    assert (verdict is None) == (application.outcome is None)


def test_every_status_is_led_to_by_an_event() -> None:
    assert {*LEADS_TO.values(), *OUTCOMES, *WHILE_COLLECTING} == set(Status)
    assert set(LEADS_TO) <= {event.TOPIC for event in EVENTS}


def test_what_has_ended_is_in_nobodys_hands() -> None:
    assert FINAL < ENDED
    assert not ENDED & (FOR_AN_OFFICER | FOR_A_SECOND | BEFORE_MONEY)


@pytest.mark.parametrize("status", list(Status))
def test_an_approval_ends_where_nothing_is_paid(status: Status) -> None:
    assert has_ended(status, pays=True) == (status in ENDED)
    assert has_ended(status, pays=False) == (status in ENDED | {Status.APPROVED})
    assert ended_well(status, pays=True) == (status is Status.PAID)
    assert ended_well(status, pays=False) == (status in {Status.PAID, Status.APPROVED})


@pytest.mark.parametrize("status", list(Status))
def test_an_officer_sees_what_is_theirs_and_what_the_bank_is_late_with(status: Status) -> None:
    assert waits_for_officer(status, payout_delayed=True)
    assert waits_for_officer(status, payout_delayed=False) == (
        status in FOR_AN_OFFICER | FOR_A_SECOND
    )

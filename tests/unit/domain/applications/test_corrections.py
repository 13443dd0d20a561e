"""Sent back for correction: what is named changes, and then everything is decided anew."""

from datetime import timedelta

import pytest

from citybrain.domain.actor import Actor
from citybrain.domain.applications.appeals import appeal
from citybrain.domain.applications.application import Application, Channel, Step
from citybrain.domain.applications.corrections import lapse, resubmit, send_back
from citybrain.domain.applications.refusals import (
    CorrectionNotAsked,
    DocumentsMissing,
    NotReferred,
    NotSentBack,
    NotYourApplication,
    NotYourDepartment,
    TaskTaken,
)
from citybrain.domain.applications.statuses import Status
from citybrain.domain.applications.tasks import claim_task
from tests.given import applications as given
from tests.given.applications import ANNA, BORIS, FUND, KIOSK, NOW, OTHER_FUND, POLICE, at
from tests.given.streams import topics

DUE = NOW + timedelta(days=20)


def again(application: Application, actor: Actor = ANNA, *, fields: tuple[str, ...] = ()) -> None:
    resubmit(
        application, actor, NOW, fields=list(fields), form_sealed="new", legal_due_on="2026-04-01"
    )


@pytest.mark.parametrize("status", list(Status))
def test_an_officer_sends_back_what_was_referred_and_nothing_else(status: Status) -> None:
    application = at(status)
    if status is Status.REFERRED:
        given.send_back()(application)
        assert application.status == Status.SENT_BACK
        assert topics(application) == ["application.sent_back"]
        assert application.due_at == DUE
        assert application.next_step() is Step.NOTHING
    else:
        with pytest.raises(NotReferred):
            given.send_back()(application)


@pytest.mark.parametrize("actor", [POLICE, ANNA, KIOSK])
def test_nobody_but_the_department_sends_it_back(actor: Actor) -> None:
    with pytest.raises(NotYourDepartment):
        send_back(
            at(Status.REFERRED),
            actor,
            NOW,
            fields=[],
            documents=[],
            message_sealed="sealed",
            due_at=DUE,
            then=Status.REFERRED,
        )


def test_what_a_colleague_sees_to_is_not_sent_back() -> None:
    application = at(Status.REFERRED)
    claim_task(application, OTHER_FUND, NOW, until=NOW + timedelta(hours=2))
    with pytest.raises(TaskTaken):
        given.send_back()(application)


def test_it_is_submitted_again_and_decided_from_the_beginning() -> None:
    application = at(Status.SENT_BACK)
    given.add()(application)
    again(application, fields=("amount",))
    assert application.status == Status.IDENTIFIED
    assert application.next_step() is Step.REQUEST_EVIDENCE
    assert (application.form_sealed, application.resubmitters) == ("new", [ANNA.subject])
    given.ask(application)
    assert application.rounds == 2
    assert application.evidence == {}


def test_documents_that_were_asked_for_come_first() -> None:
    application = at(Status.REFERRED)
    given.add("loan-contract")(application)  # from before: another is wanted
    given.send_back()(application)
    with pytest.raises(DocumentsMissing) as refused:
        again(application)
    assert refused.value.details == {"missing": ["loan-contract"]}
    given.add("loan-contract", sha256="ef" * 32)(application)
    again(application)


def test_only_the_answers_that_were_named_are_corrected() -> None:
    application = at(Status.SENT_BACK)
    given.add()(application)
    with pytest.raises(CorrectionNotAsked) as refused:
        again(application, fields=("amount", "account"))
    assert refused.value.details == {"asked": ["amount"]}


@pytest.mark.parametrize("actor", [BORIS, FUND, KIOSK])
def test_only_the_applicant_submits_it_again(actor: Actor) -> None:
    with pytest.raises(NotYourApplication):
        again(at(Status.SENT_BACK), actor)


def test_a_kiosk_submits_again_what_it_holds() -> None:
    application = given.submitted(KIOSK, Channel.KIOSK)
    for step in given.LIVES[Status.SENT_BACK]:
        step(application)
    given.add(actor=KIOSK)(application)
    again(application, KIOSK)
    assert application.resubmitters == [KIOSK.subject]


@pytest.mark.parametrize("status", [status for status in Status if status != Status.SENT_BACK])
def test_nothing_else_is_submitted_again_or_lapses(status: Status) -> None:
    with pytest.raises(NotSentBack):
        again(at(status))
    with pytest.raises(NotSentBack):
        lapse(at(status), DUE)


@pytest.mark.parametrize(
    ("then", "topic"),
    [(Status.REFERRED, "application.correction_lapsed"), (Status.EXPIRED, "application.expired")],
)
def test_what_is_not_corrected_goes_on_as_was_said(then: Status, topic: str) -> None:
    application = at(Status.REFERRED)
    given.send_back(then)(application)
    application.collect_events()
    lapse(application, DUE - timedelta(seconds=1))
    assert not application.pending_events
    lapse(application, DUE)
    assert (topics(application), application.status) == ([topic], then)
    assert application.due_at is None


def test_an_appeal_never_ends_by_silence() -> None:
    application = at(Status.REFUSED)
    appeal(application, ANNA, NOW, grounds_sealed="sealed")
    given.send_back(Status.EXPIRED)(application)
    lapse(application, DUE)
    assert application.status == Status.REFERRED


def test_it_can_be_withdrawn_and_taken_elsewhere_meanwhile() -> None:
    application = at(Status.SENT_BACK)
    application.take_over(ANNA, NOW, channel=Channel.WEB)
    application.withdraw(ANNA, NOW)
    assert application.status == Status.WITHDRAWN

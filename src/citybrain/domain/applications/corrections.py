"""Sent back for correction and submitted again; or not, and then it goes on without.

What is to be corrected is named: answers of the form, documents by kind. Only that changes, and
after it everything is decided anew, on fresh records.
"""

from collections.abc import Collection
from datetime import datetime

from citybrain.domain.actor import Actor
from citybrain.domain.applications.application import Application
from citybrain.domain.applications.application_events import NOT_CORRECTED, ApplicationExpired
from citybrain.domain.applications.correction_events import (
    ApplicationCorrectionLapsed,
    ApplicationResubmitted,
    ApplicationSentBack,
    Correction,
)
from citybrain.domain.applications.refusals import (
    CorrectionNotAsked,
    DocumentsMissing,
    NotReferred,
    NotSentBack,
)
from citybrain.domain.applications.statuses import Status


def send_back(
    application: Application,
    actor: Actor,
    now: datetime,
    *,
    fields: list[str],
    documents: list[str],
    message_sealed: str,
    due_at: datetime,
    then: Status,
) -> None:
    """An officer of the department says what is wrong; the applicant has until `due_at`.

    An appeal never ends by silence: it goes back to the officer whatever the item says.
    """
    application.check_before_officer(actor, now)
    application.check_unpaid()
    if application.status != Status.REFERRED:
        raise NotReferred("what the bank could not pay is not corrected by the applicant")
    application.note(
        ApplicationSentBack,
        now,
        officer=actor.subject,
        fields=fields,
        documents=documents,
        message_sealed=message_sealed,
        due_at=due_at,
        then=(Status.REFERRED if application.appealed else then).value,
    )


def check_correction(
    application: Application, actor: Actor, answered: Collection[str]
) -> Correction:
    """What is to be corrected, for the applicant; raises where other answers are."""
    application.check_applicant(actor)
    if application.status != Status.SENT_BACK or application.correction is None:
        raise NotSentBack("nothing has to be corrected now")
    unasked = sorted(set(answered) - set(application.correction["fields"]))
    if unasked:
        raise CorrectionNotAsked(
            "only what the officer named is corrected", asked=application.correction["fields"]
        )
    return application.correction


def resubmit(
    application: Application,
    actor: Actor,
    now: datetime,
    *,
    fields: list[str],
    form_sealed: str,
    legal_due_on: str | None,
) -> None:
    """The applicant has corrected what was named; it is decided anew, an appeal in its days."""
    correction = check_correction(application, actor, fields)
    missing = sorted(set(correction["documents"]) - set(correction["received"]))
    if missing:
        raise DocumentsMissing("documents are missing", missing=missing)
    application.note(
        ApplicationResubmitted,
        now,
        by=actor.subject,
        fields=fields,
        form_sealed=form_sealed,
        legal_due_on=None if application.appeal_open else legal_due_on,
    )


def lapse(application: Application, now: datetime) -> None:
    """Nothing was corrected in time: it goes back to the officer, or ends, as was said."""
    correction = application.correction
    if application.status != Status.SENT_BACK or correction is None:
        raise NotSentBack("nothing has to be corrected now")
    if now < correction["due_at"]:
        return
    if correction["then"] == Status.EXPIRED:
        application.note(ApplicationExpired, now, reason=NOT_CORRECTED)
    else:
        application.note(ApplicationCorrectionLapsed, now)

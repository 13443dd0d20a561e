"""What an approval draws on cannot be had as things stand: it is looked at again, or by an officer.

A claim pays or refers; it never refuses.
"""

from datetime import datetime

from citybrain.domain.applications.application import Application
from citybrain.domain.applications.application_events import (
    ApplicationClaimLost,
    ApplicationEvidenceRequested,
)
from citybrain.domain.applications.refusals import OutOfStep
from citybrain.domain.applications.statuses import Status


def look_again(
    application: Application, now: datetime, *, requests: list[dict[str, str]], due_at: datetime
) -> None:
    """Departments are asked once more: the rules decide anew, an officer's approval stands."""
    _expect_approved(application)
    application.note(
        ApplicationEvidenceRequested,
        now,
        requests=requests,
        due_at=due_at,
        for_claim=application.by_officer,
    )


def ask_as_corrected(
    application: Application, now: datetime, *, requests: list[dict[str, str]], due_at: datetime
) -> None:
    """Who applies was corrected: departments are asked by that, and the rules decide anew.

    No approval of before stands, whoever gave it; of what was paid an officer decides.
    """
    application.check_unpaid()
    if application.status not in (Status.COLLECTING, Status.COLLECTED, Status.APPROVED):
        raise OutOfStep(f"the application is {application.status}")
    application.note(ApplicationEvidenceRequested, now, requests=requests, due_at=due_at)


def lose_claim(application: Application, now: datetime, *, reason: str, claim_id: str = "") -> None:
    """It cannot be had: an officer sees to it."""
    _expect_approved(application)
    application.note(
        ApplicationClaimLost, now, reason=reason, claim_id=claim_id, outcome=Status.REFERRED.value
    )


def _expect_approved(application: Application) -> None:
    if application.status != Status.APPROVED:
        raise OutOfStep(f"the application is {application.status}")

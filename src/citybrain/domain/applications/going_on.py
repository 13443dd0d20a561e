"""Where an application cannot go on by itself: taken up again, given to an officer, or closed."""

from datetime import datetime

from citybrain.domain.applications.application import Application
from citybrain.domain.applications.application_events import (
    ApplicationExpired,
    ApplicationReferred,
    ApplicationResumed,
)
from citybrain.domain.applications.corrections import lapse
from citybrain.domain.applications.refusals import OutOfStep
from citybrain.domain.applications.statuses import Status
from citybrain.domain.applications.waiting import Waits
from citybrain.errors import CitybrainError


class StepFailed(CitybrainError):
    """A step failed by a fault of ours; nothing of it was recorded."""

    code = "step-failed"


class StepOverdue(CitybrainError):
    """An application did not move within its time, not even when it was taken up again."""

    code = "step-overdue"


def refer(application: Application, now: datetime, *, reason: str) -> None:
    """Nothing leads further by itself: an officer of the department sees to it."""
    _expect_moving(application)
    application.note(ApplicationReferred, now, reason=reason)


def close(application: Application, now: datetime, *, reason: str) -> None:
    """It cannot be decided by anybody: the applicant was erased, or has died."""
    if application.waits_for() not in (Waits.MOVING, Waits.PERSON, Waits.OFFICER):
        raise OutOfStep(f"the application is {application.status}")
    application.note(ApplicationExpired, now, reason=reason, paid_fen=application.paid_fen)


def wake(application: Application, now: datetime) -> None:
    """Its time is over: a late payment is said, what stands still is taken up again, once.

    What stands still after that goes to an officer. A bank is asked on for as long as it takes.
    """
    if application.due_at is None or now < application.due_at:
        return
    waits = application.waits_for()
    if waits is Waits.BANK and not application.payout_delayed:
        application.delay_payout(now, payment_id=application.payment_id or "")
    elif waits is Waits.BANK or (
        waits is Waits.MOVING and application.resumed_in != application.status
    ):
        application.note(ApplicationResumed, now, status=application.status)
    elif waits is Waits.MOVING:
        refer(application, now, reason=StepOverdue.code)
    elif application.status == Status.SENT_BACK:
        lapse(application, now)
    elif application.status == Status.SUBMITTED:
        application.expire(now)


def _expect_moving(application: Application) -> None:
    if application.waits_for() is not Waits.MOVING:
        raise OutOfStep(f"the application is {application.status}")

"""What whoever reported a case may do with it, and who else wants to be told of it."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from citybrain.domain.actor import Actor, Role
from citybrain.domain.inspection import case_events, daily_events
from citybrain.domain.inspection.case import InspectionCase, Step, require_role
from citybrain.domain.inspection.deadlines import Deadline
from citybrain.domain.inspection.refusals import AlreadyRated, TooLate, TooManySubscribers
from citybrain.domain.inspection.statuses import CaseStatus

REOPENED_WITHIN = timedelta(days=15)
"""So long after its closing its reporter may say that it is not solved; assumed."""
MOST_SUBSCRIBERS = 1000
REOPEN = Step("reopened", (Role.CITIZEN,), (CaseStatus.CLOSED,))
RATE = Step("rated", (Role.CITIZEN,), (CaseStatus.CLOSED,))
BY_REPORTER = "its reporter says that it is not solved"


def reopen(
    case: InspectionCase, actor: Actor, now: datetime, *, begun: Sequence[Deadline] = ()
) -> None:
    """Its reporter says that it is not solved; raises `TooLate`. Their words are a comment."""
    case.check(REOPEN, actor)
    if now > case.last_occurred_at + REOPENED_WITHIN:
        raise TooLate("it was closed too long ago: report it anew")
    case.step(
        actor, case_events.CaseReopened, now, None, begun, reason=BY_REPORTER, detection_id=None
    )


def rate(case: InspectionCase, actor: Actor, now: datetime, *, stars: int) -> None:
    """Say how well it was solved, once for each closing; raises `AlreadyRated`."""
    case.check(RATE, actor)
    if case.rated_closing == case.times_reopened:
        raise AlreadyRated("this closing has been rated")
    case.note(daily_events.CaseRated, now, stars=stars, closing=case.times_reopened)


def subscribe(case: InspectionCase, actor: Actor, now: datetime, *, wanted: bool) -> None:
    """Be told what becomes of it, or no more; raises `TooManySubscribers`."""
    require_role(actor, "followed", (Role.CITIZEN,))
    if (actor.subject in case.subscribers) == wanted:
        return
    if wanted and len(case.subscribers) >= MOST_SUBSCRIBERS:
        raise TooManySubscribers("too many are told of this case already")
    case.note(daily_events.CaseSubscribed, now, subscriber=actor.subject, wanted=wanted)

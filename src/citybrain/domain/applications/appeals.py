"""Appeals: the applicant wants a person to look at a decision, each decision once, in its time.

The time counts from the decision itself: nobody's look, and nothing else that happens, restarts it.
While another application for the same item is under way, which holds up an appeal, it does not run:
it counts from what was decided on that one.
"""

from datetime import datetime, timedelta

from citybrain.domain.actor import Actor
from citybrain.domain.applications.application import Application, Step
from citybrain.domain.applications.application_events import ApplicationAppealed
from citybrain.domain.applications.refusals import NothingToAppeal, OutOfStep
from citybrain.domain.applications.statuses import Status, has_ended

APPEAL_WITHIN = timedelta(days=60)  # administrative reconsideration law, art. 20 of 2024
APPEALED = {Status.REFUSED, Status.PAYOUT_FAILED, Status.PAID}


def appeal(
    application: Application,
    actor: Actor,
    now: datetime,
    *,
    grounds_sealed: str,
    held_up_until: datetime | None = None,
) -> None:
    """Ask for a person to look at a refusal, a payout that failed, or an amount that was paid."""
    check_appeal(application, actor, now, held_up_until)
    application.note(
        ApplicationAppealed, now, grounds_sealed=grounds_sealed, appealed_by=actor.subject
    )


def held_up(application: Application, other: Application | None, now: datetime) -> datetime | None:
    """Until when the last application for the same item has held up an appeal; None where not."""
    since = application.appealable_since
    if other is None or since is None or other.id == application.id:
        return None
    if _is_late(since, other.created_on):
        return None
    return other.appealable_since if has_ended(other.status, pays=other.pays) else now


def check_appeal(
    application: Application, actor: Actor, now: datetime, held_up_until: datetime | None = None
) -> None:
    """Raise unless the applicant has a decision to appeal, and is in time."""
    application.check_applicant(actor)
    decided_at = application.appealable_since
    if decided_at is not None and held_up_until is not None:
        decided_at = max(decided_at, held_up_until)
    if application.status not in APPEALED or decided_at is None or _is_late(decided_at, now):
        raise NothingToAppeal(f"a decision can be appealed once, within {APPEAL_WITHIN.days} days")
    if application.status == Status.PAYOUT_FAILED and application.next_step() is not Step.NOTHING:
        raise OutOfStep("what the payment had claimed is being released")


def _is_late(decided_at: datetime, now: datetime) -> bool:
    return now - decided_at > APPEAL_WITHIN

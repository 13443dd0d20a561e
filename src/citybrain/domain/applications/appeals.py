"""Appeals: the applicant wants a person to look at a decision."""

from datetime import datetime, timedelta

from citybrain.domain.actor import Actor
from citybrain.domain.applications.application import Application
from citybrain.domain.applications.application_events import ApplicationAppealed
from citybrain.domain.applications.refusals import NothingToAppeal
from citybrain.domain.applications.statuses import Status

APPEAL_WITHIN = timedelta(days=60)  # administrative reconsideration law, art. 20 of 2024


def appeal(application: Application, actor: Actor, now: datetime, *, grounds_sealed: str) -> None:
    """Ask for a person to look at a refusal: once, within its time."""
    application.check_applicant(actor)
    lately = now - application.modified_on <= APPEAL_WITHIN
    if application.appealed or application.status != Status.REFUSED or not lately:
        raise NothingToAppeal(f"a refusal can be appealed once, within {APPEAL_WITHIN.days} days")
    application.note(
        ApplicationAppealed, now, grounds_sealed=grounds_sealed, appealed_by=actor.subject
    )

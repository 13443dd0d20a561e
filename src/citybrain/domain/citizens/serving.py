"""Whom a clerk serves: somebody whom this clerk has identified for this purpose, a moment ago.

Finding and registering come before it, and so do codes and pictures that identify. All else that a
clerk does on or for somebody is refused without. A face takes a second person as well.
"""

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from citybrain.domain.actor import Actor, Role
from citybrain.domain.citizens.assurance import RECORD_PURPOSE, Assurance
from citybrain.domain.citizens.citizen_events import FaceEnrolmentApproved
from citybrain.domain.citizens.refusals import (
    ConsentMissing,
    NotIdentifiedHere,
    NotYourOwn,
    SecondPersonNeeded,
)

if TYPE_CHECKING:  # which asks here whom a clerk serves
    from citybrain.domain.citizens.citizen import Citizen

SERVED_WITHIN = timedelta(minutes=10)
"""How long a clerk acts for whom they have identified, and an approval waits for the enrolment."""

FACE_PURPOSE, ENROL_PURPOSE = "face-recognition", "enrol"
FIXED_PURPOSES = frozenset({FACE_PURPOSE, RECORD_PURPOSE, ENROL_PURPOSE})
"""What somebody is identified for beside services: consent and face, their record, a challenge."""


def check_served(citizen: "Citizen", actor: Actor, now: datetime, purpose: str) -> None:
    """Raise `NotIdentifiedHere` where a clerk has not identified this person for this."""
    if is_own(citizen, actor) or not actor.has(Role.CLERK):
        return
    if actor.subject == citizen.id:
        raise NotYourOwn("nobody serves themselves at a counter")
    since, by = now - SERVED_WITHIN, actor.subject
    if citizen.identification(purpose, since, Assurance.HIGH, by) is None:
        raise NotIdentifiedHere(
            "identify this person first, for this purpose, at your counter", purpose=purpose
        )


def approve_enrolment(citizen: "Citizen", actor: Actor, now: datetime, *, clerk: str) -> None:
    """A second person lets a clerk enrol the face of who stands there, once, within minutes."""
    if not actor.has(Role.CLERK, Role.SUPERVISOR):
        raise NotYourOwn("another clerk or a supervisor approves")
    if actor.subject in (clerk, citizen.id):
        raise SecondPersonNeeded("somebody else than who enrols, and is enrolled, approves")
    check_served(citizen, actor, now, FACE_PURPOSE)
    if citizen.consent_id is None:
        raise ConsentMissing("face recognition needs a separate consent first")
    citizen.note(FaceEnrolmentApproved, now, clerk=clerk, approved_by=actor.subject)


def approver_of(citizen: "Citizen", actor: Actor, now: datetime) -> str | None:
    """Who approved that a clerk enrols; None for one's own. Raises `SecondPersonNeeded`."""
    if is_own(citizen, actor) or not actor.has(Role.CLERK):
        return None
    approval = citizen.enrolment_approval
    if approval is not None:
        clerk, approved_by, at = approval
        if clerk == actor.subject and now - at <= SERVED_WITHIN:
            return str(approved_by)
    raise SecondPersonNeeded("another clerk or a supervisor approves the enrolment first")


def is_own(citizen: "Citizen", actor: Actor) -> bool:
    """Whether this is the person."""
    return actor.has(Role.CITIZEN) and actor.subject == citizen.id

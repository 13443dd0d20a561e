"""Who may read which applications, and what of them: pure functions of who asks and whose it is.

Whoever may not read one is not told whether it is there: what is absent belongs to nobody.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from citybrain.domain.actor import Actor, Role
from citybrain.domain.applications.refusals import NotYourApplication
from citybrain.domain.applications.review_events import (
    ApplicationReviewProposed,
    ApplicationReviewRefused,
)

if TYPE_CHECKING:  # which asks here whose it is
    from citybrain.domain.applications.application import Application

OFFICE = (Role.OFFICIAL, Role.AUDITOR)
"""Who reads explanations without personal values, lists, queues: a department's, or all."""

STATISTICS = (Role.OFFICIAL, Role.SUPERVISOR, Role.AUDITOR)
"""Who reads figures, in which there is nobody: of the services of one department, or of all."""

APPLICANTS_AND_OFFICE = (Role.CITIZEN, *OFFICE)
"""Who reads lists and explanations."""

READERS = (Role.CITIZEN, Role.KIOSK, Role.CLERK, *OFFICE)
"""Who reads one application with its steps."""


@dataclass(frozen=True, slots=True)
class Whose:
    """Whose an application is: nobody's, where it is absent."""

    citizen_id: str | None = None
    held_by: str | None = None
    department: str | None = None
    guardian: str | None = None

    @classmethod
    def of(cls, application: "Application") -> "Whose":
        """Whose this one is."""
        return cls(
            application.citizen_id,
            application.held_by,
            application.department,
            application.guardian,
        )


NOBODYS = Whose()

ATTEMPTS, PROPOSAL = ApplicationReviewRefused.TOPIC, ApplicationReviewProposed.TOPIC
OFFICERS = ("reviewer", "second_reviewer", "officer", "sender", "adder", "who")
"""What names an officer in a step. Who only read is among the accesses, and so in the step."""
OFFICERS_ROLES = {Role.OFFICIAL.value, Role.SUPERVISOR.value}


def may_read(actor: Actor, whose: Whose) -> bool:
    """An application with its steps: citizens read their own, kiosks and clerks what they hold."""
    if may_read_explanation(actor, whose):
        return True
    return actor.has(Role.KIOSK, Role.CLERK) and actor.subject == whose.held_by


def may_read_explanation(actor: Actor, whose: Whose) -> bool:
    """Why it was decided so, and the receipt: the applicant's or their guardian's, and the
    department's."""
    if actor.has(Role.AUDITOR) or is_own(actor, whose.citizen_id, whose.guardian):
        return True
    return actor.has(Role.OFFICIAL) and actor.department == whose.department


def sees_personal_values(actor: Actor, whose: Whose) -> bool:
    """What an explanation opens without a command: to the applicant, and who applied for them."""
    return is_own(actor, whose.citizen_id, whose.guardian)


def sees_officers(actor: Actor, whose: Whose) -> bool:
    """Who decided, by name. To the applicant a department decides, not a person to be sought."""
    return may_read_explanation(actor, whose) and not sees_personal_values(actor, whose)


def step_shown(actor: Actor, whose: Whose, step: Mapping[str, Any]) -> dict[str, Any] | None:
    """A step as this reader sees it; None where they do not.

    Refused attempts are for auditors. What an officer proposes is no amount for the applicant until
    a second one has agreed.
    """
    if step["topic"] == ATTEMPTS and not actor.has(Role.AUDITOR):
        return None
    if sees_officers(actor, whose):
        return dict(step)
    hidden = {*OFFICERS, *(["amount_fen"] if step["topic"] == PROPOSAL else [])}
    details = {name: value for name, value in step["details"].items() if name not in hidden}
    by_officer = OFFICERS_ROLES.intersection((step["role"] or "").split(","))
    return {**step, "actor": None if by_officer else step["actor"], "details": details}


def applicant_listed(actor: Actor, asked: str | None) -> str | None:
    """Whose applications a list shows, all where None; raises `NotYourApplication`."""
    if actor.has(*OFFICE):
        return asked
    if asked not in (None, actor.subject):
        raise NotYourApplication("citizens read their own applications only")
    return actor.subject


def department_listed(actor: Actor, asked: str | None) -> str | None:
    """Of which department a list or queue is, of all where None; raises `NotYourApplication`."""
    if actor.has(Role.AUDITOR, Role.SUPERVISOR):
        return asked
    if actor.has(Role.OFFICIAL):
        if asked not in (None, actor.department):
            raise NotYourApplication("officials see the applications of their own department")
        return actor.department
    return asked  # of one citizen's


def service_counted(actor: Actor, asked: str | None, of_department: Collection[str]) -> str | None:
    """Whose figures are shown, all where None; raises `NotYourApplication`."""
    if not actor.has(Role.SUPERVISOR, Role.AUDITOR) and asked not in of_department:
        raise NotYourApplication("officials name a service of their own department")
    return asked


def is_own(actor: Actor, citizen_id: str | None, guardian: str | None = None) -> bool:
    """Whether documents and messages are the actor's own: the applicant's, or their guardian's."""
    return actor.has(Role.CITIZEN) and actor.subject in (citizen_id, guardian)

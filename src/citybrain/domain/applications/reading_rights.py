"""Who may read which applications, and what of them: pure functions of who asks and whose it is.

Whoever may not read one is not told whether it is there: what is absent belongs to nobody.
"""

from citybrain.domain.actor import Actor, Role
from citybrain.domain.applications.refusals import NotYourApplication

OFFICE = (Role.OFFICIAL, Role.OPERATOR, Role.AUDITOR)
"""Who reads all applications, their explanations without personal values, and statistics."""

APPLICANTS_AND_OFFICE = (Role.CITIZEN, *OFFICE)
"""Who reads lists and explanations."""

READERS = (Role.CITIZEN, Role.DEVICE, *OFFICE)
"""Who reads one application with its steps."""

ALL_DEPARTMENTS = (Role.OPERATOR, Role.AUDITOR)


def may_read(actor: Actor, citizen_id: str | None, held_by: str | None) -> bool:
    """An application with its steps: citizens read their own, kiosks what they hold."""
    if actor.has(*OFFICE) or _is_own(actor, citizen_id):
        return True
    return actor.has(Role.DEVICE) and actor.subject == held_by


def may_read_explanation(actor: Actor, citizen_id: str | None) -> bool:
    """Why it was decided so, and the receipt: the applicant's, and the office's."""
    return actor.has(*OFFICE) or _is_own(actor, citizen_id)


def sees_personal_values(actor: Actor, citizen_id: str) -> bool:
    """What an explanation opens without a note: the applicant's own values, to them alone."""
    return actor.subject == citizen_id


def applicant_listed(actor: Actor, asked: str | None) -> str | None:
    """Whose applications a list shows, all where None; raises `NotYourApplication`."""
    if actor.has(*OFFICE):
        return asked
    if asked not in (None, actor.subject):
        raise NotYourApplication("citizens read their own applications only")
    return actor.subject


def department_queued(actor: Actor, asked: str | None) -> str | None:
    """Whose queue is shown, every department's where None; raises `NotYourApplication`."""
    if actor.has(*ALL_DEPARTMENTS):
        return asked
    own = actor.department or ""
    if asked not in (None, own):
        raise NotYourApplication("officials see the queue of their own department")
    return own


def is_own(actor: Actor, citizen_id: str, guardian: str | None) -> bool:
    """Whether documents and messages are the actor's own: the applicant's, or their guardian's."""
    return actor.has(Role.CITIZEN) and actor.subject in (citizen_id, guardian)


def _is_own(actor: Actor, citizen_id: str | None) -> bool:
    return actor.has(Role.CITIZEN) and actor.subject == citizen_id

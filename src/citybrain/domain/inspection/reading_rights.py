"""Who may read what of inspection: a role first, then whose it is.

The roles below are asked at the door of each operation (403). Behind it, an official reads what
their department has, and whoever reported a case reads that one; the centre reads everything.
"""

from collections.abc import Collection

from citybrain.domain.actor import WATCHERS, Actor, Role
from citybrain.errors import Forbidden

EVERYTHING = (Role.OPERATOR, Role.SUPERVISOR, Role.AUDITOR)
STAFF = (Role.OFFICIAL, *EVERYTHING)

ONE_CASE = (*STAFF, Role.CITIZEN, *WATCHERS)
DESK = STAFF
COMMENTS = STAFF
STATISTICS = STAFF
SCORE_CARDS = STAFF  # of any department: they are made to be compared
DETECTIONS = STAFF
CAMERAS = STAFF


def may_read_case(
    actor: Actor, *, departments: Collection[str] = (), reporter: str | None = None
) -> bool:
    """Whether a case of these departments, or reported by this subject, is theirs to read."""
    return may_read_comments(actor, departments) or actor.subject == reporter


def may_read_comments(actor: Actor, departments: Collection[str]) -> bool:
    """Whether what was said of a case of these departments is theirs to read."""
    if actor.has(*EVERYTHING):
        return True
    return actor.has(Role.OFFICIAL) and actor.department in departments


def may_read_merged_cases(actor: Actor) -> bool:
    """Whether they see the history of what was merged into a case: other people's reports."""
    return actor.has(*STAFF)


def department_to_read(actor: Actor, asked: str | None) -> str | None:
    """Whose cases a list shows, None for all; raises `Forbidden` for another department's."""
    if actor.has(*EVERYTHING):
        return asked
    if not actor.has(Role.OFFICIAL) or asked not in (None, actor.department):
        raise Forbidden("an official sees the cases of their own department")
    return actor.department

"""Who may see a plate: whoever decides on it, and whose it is. Everybody else sees a pseudonym.

`departments` are those of the city that look after parking (the definition `plate-reading`).
"""

from collections.abc import Collection

from citybrain.domain.actor import Actor, Role

IN_CLEAR = (Role.OFFICIAL, Role.SUPERVISOR)
"""Who sees plates, of a department that looks after parking; every look is recorded."""

OPENS = (*IN_CLEAR, Role.AUDITOR)
"""Who may open the plate of one session, saying what for."""


def may_see_plates(actor: Actor, departments: Collection[str]) -> bool:
    """Whether lists show them plates."""
    return actor.has(*IN_CLEAR) and actor.department in departments


def may_open_plate(actor: Actor, departments: Collection[str], holder: str | None = None) -> bool:
    """Whether they may see the plate of one session; `holder` is the citizen who has bound it."""
    if actor.has(Role.AUDITOR) or may_see_plates(actor, departments):
        return True
    return holder is not None and actor.has(Role.CITIZEN) and actor.subject == holder


DESK = (*IN_CLEAR, Role.OPERATOR, Role.AUDITOR)
"""Who looks at all reservations: parking's officers, who see plates, and those who see none."""


def may_read_reservations(actor: Actor, departments: Collection[str]) -> bool:
    """Whether they look after all reservations, or audit them; operators see what is in the way."""
    return actor.has(Role.AUDITOR, Role.OPERATOR) or may_see_plates(actor, departments)

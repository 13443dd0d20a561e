"""Who decides about a junction: officers of the department that looks after it."""

from typing import Final

from citybrain.domain.actor import Actor, Role, RoleNotAllowed

OFFICERS: Final = (Role.OFFICIAL, Role.SUPERVISOR)


def check_officer(actor: Actor, department: str) -> None:
    """Raise `RoleNotAllowed` for whoever is no officer of this department."""
    if not actor.has(*OFFICERS) or actor.department != department:
        raise RoleNotAllowed("this is decided by officers of the department of the junction")

"""Whether somebody looks after parking: the office has all of it, citizens have their own."""

from citybrain.domain.actor import Role, RoleNotAllowed
from citybrain.domain.parking.looking import DECIDERS
from citybrain.domain.parking.reading_rights import may_see_plates
from citybrain.http.routing import Call
from commands.parking.plates import PlateKeeper

READERS = (Role.CITIZEN, *DECIDERS, Role.AUDITOR)


def of_the_office(call: Call) -> bool:
    """Whether somebody looks after all of it; raises `RoleNotAllowed` for other departments."""
    actor, keeper = call.authenticated, PlateKeeper(call.runtime.services)
    if actor.has(Role.AUDITOR) or may_see_plates(actor, keeper.departments()):
        return True
    if not actor.has(Role.CITIZEN):
        raise RoleNotAllowed("this is for the department of parking")
    return False

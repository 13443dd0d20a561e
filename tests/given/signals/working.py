"""A junction that has worked: in service, held, refused something, given back."""

from contextlib import suppress
from datetime import timedelta

from citybrain.domain.actor import Actor, Role
from citybrain.domain.signals.officers import Reason
from citybrain.errors import Refused
from commands.services import Services
from commands.signals import office
from commands.signals.junction import PutJunctionInService, put_junction_in_service
from tests.given.services import context
from tests.given.signals.controlled import OFFICER, POLICE, RENMIN

COLLEAGUE = Actor("officer-2", frozenset({Role.OFFICIAL}), POLICE)


async def has_worked(services: Services) -> None:
    """All that happens to it is in its stream; the server goes on with it."""
    junction, until = RENMIN[0], services.clock() + timedelta(hours=1)
    command = PutJunctionInService(reason=Reason.NEW)
    await put_junction_in_service(junction, command, context(OFFICER), services)
    hand = office.TakeJunctionInHand(reason=Reason.EXERCISE, until=until)
    await office.take_in_hand(junction, hand, context(OFFICER), services)
    with suppress(Refused):  # and that is on record
        await office.take_in_hand(junction, hand, context(COLLEAGUE), services)
    await office.give_back(junction, office.GiveJunctionBack(), context(OFFICER), services)

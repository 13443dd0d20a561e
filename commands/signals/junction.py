"""Putting a junction in service: its controller was built, and its lamps come on."""

from typing import Any, ClassVar

from pydantic import Field

from citybrain.definitions.signals.junctions import SignalDefinitions
from citybrain.domain.signals.days import put_in_service
from citybrain.domain.signals.officers import Reason, check_officer
from citybrain.domain.signals.signal import Signal
from citybrain.errors import Refused
from commands.fields import Flag
from commands.handling import Command, CommandContext, CommandResult, create
from commands.services import Services
from commands.signals.streams import JunctionUnknown, newest_streams


class JunctionInService(Refused):
    """The junction is in service already."""

    code = "signal-junction-in-service"


class PutJunctionInService(Command):
    """Its controller was built and looked at; from now on it is controlled."""

    LATER: ClassVar[frozenset[str]] = frozenset({"simulated"})

    reason: Reason
    simulated: Flag | None = Field(None, description="it is made up; not, where left out")


async def put_junction_in_service(
    junction: str, command: PutJunctionInService, context: CommandContext, services: Services
) -> CommandResult:
    """Open its first day: flashing, all red, and its plan.

    Raises `JunctionUnknown`, `RoleNotAllowed`, `JunctionInService`.
    """
    now = services.clock()
    dated = services.definitions.of(SignalDefinitions).in_files(junction, now)
    if dated is None:
        raise JunctionUnknown("there is no definition of this junction")
    check_officer(context.actor, dated.department)

    async def prepare() -> None:
        if await newest_streams(services.store, [junction]):
            raise JunctionInService("the junction is in service already")

    def decide() -> Signal:
        return put_in_service(
            dated.junction,
            now,
            dated.first_stage,
            command.reason.value,
            simulated=bool(command.simulated),
        )

    return await create(command, context, services, decide, answer_of, prepare)


def answer_of(signal: Signal) -> dict[str, Any]:
    """What a command on a junction is answered with."""
    return {"junction": signal.junction, "day": signal.day, "stream_id": signal.id}

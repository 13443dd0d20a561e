"""The commands of a lamp: what is asked, and which decision it leads to.

A command is checked before it comes here; its limits and descriptions are the API's. A handler
holds no rule: those are in `citybrain.domain.lamps.lamp`.
"""

from typing import Annotated, Any

from pydantic import BaseModel, Field, StringConstraints

from citybrain.domain.lamps.lamp import Lamp, LampStatus
from commands.fields import Text
from commands.handling import Command, CommandContext, CommandResult, change, create
from commands.services import Services

Place = Annotated[Text, StringConstraints(min_length=1, max_length=200)]


class RegisterLamp(Command):
    """There is a lamp."""

    place: Place = Field(description="where it is; never whose")
    simulated: bool = Field(False, description="made up, and shown as such")


class ReportLamp(Command):
    """It is broken."""

    what: Text = Field(min_length=1, description="what was seen; nobody's name")


class MendLamp(Command):
    """It works again."""

    note: Text = Field("", description="what was done")


class LampAnswer(BaseModel):
    """A lamp as its events make it; what every command on it answers."""

    lamp_id: str
    version: int
    place: str
    status: LampStatus
    simulated: bool


def lamp_answer(lamp: Lamp) -> dict[str, Any]:
    """The answer, as it is stored with an idempotency key."""
    answer = LampAnswer(
        lamp_id=lamp.id,
        version=lamp.version,
        place=lamp.place,
        status=LampStatus(lamp.status),
        simulated=lamp.simulated,
    )
    return answer.model_dump(mode="json")


async def register_lamp(
    command: RegisterLamp, context: CommandContext, services: Services
) -> CommandResult:
    """Open the stream."""

    def decide() -> Lamp:
        return Lamp.register(context.actor, services.clock(), **command.model_dump())

    return await create(command, context, services, decide, lamp_answer)


async def report_lamp(
    lamp_id: str, command: ReportLamp, context: CommandContext, services: Services
) -> CommandResult:
    """Decide on a stream that is there; again where somebody was faster."""

    def decide(lamp: Lamp) -> None:
        lamp.report(context.actor, services.clock(), what=command.what)

    return await change(Lamp, lamp_id, command, context, services, decide, lamp_answer)


async def mend_lamp(
    lamp_id: str, command: MendLamp, context: CommandContext, services: Services
) -> CommandResult:
    """Decide on a stream that is there; again where somebody was faster."""

    def decide(lamp: Lamp) -> None:
        lamp.mend(context.actor, services.clock(), note=command.note)

    return await change(Lamp, lamp_id, command, context, services, decide, lamp_answer)

"""Buses of lines ask for priority, by the gateway of their company, each junction for itself.

What is asked and answered has the names of SAE J2735: a Signal Request Message, and the status of a
Signal Status Message. A bus is named by its company's number of the run, never by its plate.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field, StringConstraints, model_validator
from pydantic_core import PydanticCustomError

from citybrain.definitions.signals.junctions import DatedJunction
from citybrain.domain.actor import check_speaks_for
from citybrain.domain.signals import buses
from citybrain.domain.signals.signal import Signal
from citybrain.errors import CitybrainError
from commands.fields import Flag, Moment
from commands.handling import Command, CommandContext
from commands.services import Services
from commands.signals.office import Name, change_junction

MOST_REQUESTS = 500
CANCELLATION = "priorityCancellation"
Label = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,31}$")]
Line = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,31}$")]


class BusRequest(Command):
    """What a bus says of a junction on its way."""

    junction: Name
    line: Line
    request: Label = Field(description="one for each bus and junction; the same again is one")
    request_type: Literal["priorityRequest", "priorityRequestUpdate", "priorityCancellation"]
    arrives_at: Moment | None = Field(
        None, description="at the stop line (ETA); of a cancellation nothing"
    )
    late_s: int | None = Field(
        None,
        strict=True,
        ge=-7200,
        le=7200,
        description="behind its timetable (transitSchedule); below 0 before it; null: unknown",
    )
    passed: Flag = Field(False, description="of a cancellation: it has crossed the stop line")

    @model_validator(mode="after")
    def _fits(self) -> "BusRequest":
        if (self.arrives_at is None) is not (self.request_type == CANCELLATION):
            raise PydanticCustomError("arrives_at_of_request", "who asks says when it arrives")
        return self


@dataclass(frozen=True, slots=True)
class Told:
    """What a bus is told. `because`: `late` or `gap` where it is granted, else why not; None of a
    cancellation."""

    status: str | None = None
    because: str | None = None
    until: int | None = None


async def take_requests(
    requests: Sequence[BusRequest], context: CommandContext, services: Services
) -> list[Told | CitybrainError]:
    """What each is told, or why it is refused; what is wrong with one costs no other one."""
    return list(await asyncio.gather(*(_one(each, context, services) for each in requests)))


async def _one(
    request: BusRequest, context: CommandContext, services: Services
) -> Told | CitybrainError:
    told = Told()

    def decide(signal: Signal, dated: DatedJunction, now: datetime) -> None:
        nonlocal told
        told = _decided(request, signal, dated, now)

    try:
        check_speaks_for(context.actor, f"bus:{request.line}")
        await change_junction(request.junction, request, context, services, decide, {})
    except CitybrainError as error:
        return error
    return told


def _decided(request: BusRequest, signal: Signal, dated: DatedJunction, now: datetime) -> Told:
    if request.arrives_at is None:
        known = signal.priorities.get(request.request)
        if known is not None and known["line"] == request.line:
            reason = buses.PASSED if request.passed else buses.CANCELLED
            buses.end(signal, now, request.request, reason=reason)
        return Told()
    buses.ask(
        signal,
        dated.junction,
        now,
        request=request.request,
        line=request.line,
        arrives=request.arrives_at,
        late_ms=None if request.late_s is None else request.late_s * 1000,
    )
    said = signal.priorities[request.request]
    return Told(said["status"], said["because"], said["until"])

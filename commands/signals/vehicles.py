"""A route for an emergency vehicle: it asks for a stage at each junction on its way.

Each junction decides for itself: the vehicle has it now, waits behind another one, or is refused.
The same route asked for again changes nothing. A vehicle is named by its call sign, never by its
plate.
"""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints

from citybrain.definitions.signals.junctions import DatedJunction, SignalDefinitions
from citybrain.domain.signals import priority
from citybrain.domain.signals.officers import Reason, check_officer
from citybrain.domain.signals.signal import Signal
from citybrain.domain.signals.signal_events import moment
from citybrain.errors import CitybrainError, InvalidInput
from commands.fields import Moment
from commands.handling import Command, CommandContext, CommandResult
from commands.services import Services
from commands.signals.office import Name, on_junction

MOST_LEGS = 30
Label = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,31}$")]


class RouteTwice(InvalidInput):
    """A route names each junction once."""

    code = "signal-route-twice"


class RouteLeg(Command):
    """A junction on the way, and the stage that lets the vehicle through."""

    junction: Name
    stage: Name
    until: Moment = Field(description="within five minutes; then it ends by itself")


class GrantRoute(Command):
    """A vehicle on duty passes these junctions."""

    route: Label = Field(description="what it is called: asked for again, nothing changes")
    vehicle: Label = Field(description="its call sign")
    level: int = Field(strict=True, ge=1, le=9, description="the higher goes first")
    reason: Reason
    legs: list[RouteLeg] = Field(min_length=1, max_length=MOST_LEGS)


class EndPreemption(Command):
    """The vehicle has passed, or does not come."""

    reason: Literal["passed", "given-up"]


async def grant_route(
    command: GrantRoute, context: CommandContext, services: Services
) -> list[dict[str, Any]]:
    """What each junction says; raises `RouteTwice`, `RoleNotAllowed`."""
    if len({leg.junction for leg in command.legs}) < len(command.legs):
        raise RouteTwice("a route names each junction once")
    definitions, now = services.definitions.of(SignalDefinitions), services.clock()
    for leg in command.legs:
        dated = definitions.at(leg.junction, now)
        if dated is not None:
            check_officer(context.actor, dated.department)
    return [await _ask(command, leg, context, services) for leg in command.legs]


async def end_preemption(
    junction: str,
    preemption: str,
    command: EndPreemption,
    context: CommandContext,
    services: Services,
) -> CommandResult:
    """Ended before, nothing changes."""

    def decide(signal: Signal, dated: DatedJunction, now: datetime) -> None:
        priority.end_preemption(signal, dated.junction, now, preemption, reason=command.reason)

    return await on_junction(junction, command, context, services, "preemption", decide)


async def _ask(
    route: GrantRoute, leg: RouteLeg, context: CommandContext, services: Services
) -> dict[str, Any]:
    said: dict[str, Any] = {"junction": leg.junction, "outcome": "granted", "expected_at": None}

    def decide(signal: Signal, dated: DatedJunction, now: datetime) -> None:
        if route.route not in signal.preemptions:
            priority.ask(
                signal,
                dated.junction,
                now,
                preemption=route.route,
                stage=leg.stage,
                level=route.level,
                vehicle=route.vehicle,
                until=leg.until,
            )
        if signal.granted != route.route:
            at = priority.expected(signal, route.route)
            said.update(outcome="waits", expected_at=moment(at) if at else None)

    try:
        await on_junction(leg.junction, leg, context, services, "preemption", decide)
    except CitybrainError as error:
        return said | {"outcome": "refused", "code": error.code}
    return said | {"code": None}

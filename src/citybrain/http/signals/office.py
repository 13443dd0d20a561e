"""What officers do to junctions, over HTTP: the hand, plans, strategies, modes, vehicles, resets.

What a rule refuses is recorded on the junction's stream, and answered with the rule's number.
"""

from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web
from pydantic import AwareDatetime, BaseModel, Field

from citybrain.domain.signals.officers import OFFICERS
from citybrain.http.commanding import context, done, id_in_path
from citybrain.http.routing import Answer, Call, Route, json_response
from commands.handling import Command, CommandContext, CommandResult
from commands.services import Services
from commands.signals import junction, office, vehicles

BASE = "/v1/signals/junctions/{junction}"
Handler = Callable[[str, Any, CommandContext, Services], Awaitable[CommandResult]]
junction_of = id_in_path("junction", r"[a-z][a-z0-9_]{0,31}", "junction")
preemption_of = id_in_path("preemption", r"[A-Za-z0-9][A-Za-z0-9_-]{0,31}", "pre-emption")


class JunctionChanged(BaseModel):
    """It is done; the junction's state tells what became of it."""

    junction: str
    day: str = Field(description="whose stream has it")
    stream_id: str


class RouteOutcome(BaseModel):
    """What a junction on the way says."""

    junction: str
    outcome: str = Field(description="granted, waits (behind another vehicle or a person), refused")
    expected_at: AwareDatetime | None = Field(description="where it waits: its turn at the latest")
    code: str | None = Field(description="why it is refused: the code of a problem")


class RouteAnswer(BaseModel):
    """What the junctions say, in the order of the route."""

    route: str
    legs: list[RouteOutcome]


def _on(handler: Handler) -> Callable[[Call], Awaitable[web.Response]]:
    async def handle(call: Call) -> web.Response:
        services = call.runtime.services
        return _done(await handler(junction_of(call), call.body, context(call), services))

    return handle


def _done(result: CommandResult) -> web.Response:
    said = {name: result.answer[name] for name in JunctionChanged.model_fields}
    return done(result._replace(answer=said))


async def grant(call: Call) -> web.Response:
    """Ask for a stage at each junction on the way."""
    legs = await vehicles.grant_route(call.body, context(call), call.runtime.services)
    return json_response(
        RouteAnswer(route=call.body.route, legs=[RouteOutcome(**leg) for leg in legs])
    )


async def end_preemption(call: Call) -> web.Response:
    """A vehicle has passed."""
    said = call.body, context(call), call.runtime.services
    return _done(await vehicles.end_preemption(junction_of(call), preemption_of(call), *said))


STEPS: tuple[tuple[str, str, Handler, type[Command]], ...] = (
    (
        "service",
        "Put a junction in service: its lamps come on",
        junction.put_junction_in_service,
        junction.PutJunctionInService,
    ),
    ("hand", "Take it in hand", office.take_in_hand, office.TakeJunctionInHand),
    ("release", "Give it back", office.give_back, office.GiveJunctionBack),
    ("shown", "Show a stage, all red or flashing by hand", office.show_it, office.ShowByHand),
    ("plan", "Follow another plan", office.activate_plan, office.ActivatePlan),
    (
        "strategy",
        "Choose by what it is controlled, from now on or later",
        office.choose_a_strategy,
        office.ChooseStrategy,
    ),
    (
        "mode",
        "Let the centre take over, or the junction decide by itself",
        office.change_mode,
        office.ChangeMode,
    ),
    ("reset", "End the flashing, on site", office.reset, office.ResetJunction),
    (
        "commands",
        "A numbered command of a centre outside",
        office.command_junction,
        office.CommandJunction,
    ),
)
ANSWERS = {200: Answer("done", JunctionChanged)}

ROUTES = (
    *(
        Route(
            method="POST",
            path=f"{BASE}/{name}",
            tag="signals",
            summary=summary,
            handler=_on(handler),
            roles=OFFICERS,
            body=body,
            idempotent=True,
            answers=ANSWERS,
        )
        for name, summary, handler, body in STEPS
    ),
    Route(
        method="POST",
        path=f"{BASE}/preemptions/{{preemption}}/end",
        tag="signals",
        summary="A vehicle has passed, or does not come",
        handler=end_preemption,
        roles=OFFICERS,
        body=vehicles.EndPreemption,
        idempotent=True,
        answers=ANSWERS,
    ),
    Route(
        method="POST",
        path="/v1/signals/routes",
        tag="signals",
        summary="Let an emergency vehicle through: a stage at each junction on its way",
        handler=grant,
        roles=OFFICERS,
        body=vehicles.GrantRoute,
        answers={200: Answer("what each junction says", RouteAnswer)},
    ),
)

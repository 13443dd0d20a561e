"""Controllers over HTTP: they ask what is to be shown, and tell what they show.

A controller asks with the position of the last answer and waits as long as it likes; every answer
says when the centre last decided. What it does not hear for its watchdog's time is a silent centre.
"""

from typing import Annotated, Any

from aiohttp import web
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints

from citybrain.domain.actor import Role
from citybrain.http.batches import NotRecorded, parsed, refusal
from citybrain.http.commanding import context
from citybrain.http.routing import Answer, Call, Route, json_response
from commands.handling import Command
from commands.signals import controllers

BATCH_BYTES = 1024 * 1024
MOST_WAIT_SECONDS = 5  # less than a watchdog


class ControllerQuery(BaseModel):
    """Which junctions, and since when."""

    model_config = ConfigDict(extra="forbid")

    junction: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,31}$")] | None = Field(
        None, description="all that the token names where left out"
    )
    after: int = Field(0, ge=0, description="`position` of the answer before")
    wait: float = Field(0, ge=0, le=MOST_WAIT_SECONDS, description="seconds to wait for a change")


class ControllerCommand(BaseModel):
    """What a controller is to do at a junction. The newest one stands for all before it."""

    junction: str
    command: str | None = Field(description="its number; null before anything was decided")
    decides: str = Field(
        description="local: the controller by its plan; centre, preemption or hand: what follows; "
        "flashing, starting or dark"
    )
    groups: list[str] = Field(description="which are to be green")
    preempts: bool = Field(description="walks may be cut; clearances never")
    greens: dict[str, AwareDatetime] = Field(description="when those that come are green")
    sent_at: AwareDatetime
    expires_at: AwareDatetime = Field(description="what comes later is not followed any more")
    acknowledge: bool = Field(description="whether the controller has to say that it follows")
    plan: str
    offset_ms: int
    definition_version: str


class ControllerCommands(BaseModel):
    """The commands that changed, and signs of life."""

    at: AwareDatetime = Field(description="our clock")
    centre_at: AwareDatetime | None = Field(description="when the centre last decided")
    position: int = Field(description="send as `after` with the next question")
    commands: list[ControllerCommand]


class ControllerReports(Command):
    """What controllers say, each for itself."""

    reports: Annotated[list[Any], Field(min_length=1, max_length=controllers.MOST_REPORTS)] = Field(
        description="a `ControllerReport` each"
    )


class ReportsTaken(BaseModel):
    """What became of them."""

    taken: int
    refused: list[NotRecorded]
    at: AwareDatetime = Field(description="our clock")


async def ask(call: Call) -> web.Response:
    """What is to be shown."""
    query: ControllerQuery = call.query
    services = call.runtime.services
    named = [] if query.junction is None else [query.junction]
    junctions = controllers.owned(call.authenticated, services, named)
    position, found = await controllers.commands_for(
        junctions, services, after=query.after, wait_seconds=query.wait
    )
    return json_response(
        ControllerCommands(
            at=services.clock(),
            centre_at=await controllers.centre_decided(services, junctions),
            position=position,
            commands=[ControllerCommand(**each) for each in found],
        )
    )


async def tell(call: Call) -> web.Response:
    """Take in what they say."""
    services = call.runtime.services
    sound, refused = parsed(call, controllers.ControllerReport, call.body.reports)
    said = await controllers.tell([each for _, each in sound], context(call), services)
    for (index, _), error in zip(sound, said, strict=True):
        if error is not None:
            refused.append(refusal(index, error))
    refused.sort(key=lambda each: each.index)
    return json_response(ReportsTaken(taken=said.count(None), refused=refused, at=services.clock()))


BASE = "/v1/signals/controllers"
ROUTES = (
    Route(
        method="GET",
        path=f"{BASE}/commands",
        tag="signals",
        summary="What a controller is to show; waits for a change where asked to",
        handler=ask,
        roles=(Role.GATEWAY,),
        query=ControllerQuery,
        answers={200: Answer("what changed; none where nothing did", ControllerCommands)},
    ),
    Route(
        method="POST",
        path=f"{BASE}/acknowledgements",
        tag="signals",
        summary="What controllers show and follow, each for itself",
        handler=tell,
        roles=(Role.GATEWAY,),
        body=ControllerReports,
        body_limit_bytes=BATCH_BYTES,
        answers={200: Answer("what became of them", ReportsTaken)},
    ),
)

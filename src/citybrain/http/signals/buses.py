"""Buses of lines over HTTP: they ask for priority, and are told what becomes of it."""

from typing import Annotated, Any

from aiohttp import web
from pydantic import AwareDatetime, BaseModel, Field

from citybrain.domain.actor import Role
from citybrain.domain.signals.buses import Status
from citybrain.domain.signals.signal_events import moment
from citybrain.errors import CitybrainError
from citybrain.http.batches import NotRecorded, parsed, refusal
from citybrain.http.commanding import context
from citybrain.http.routing import Answer, Call, Route, json_response
from commands.handling import Command
from commands.signals import buses

BATCH_BYTES = 512 * 1024


class BusRequests(Command):
    """What buses say, each for itself."""

    requests: Annotated[list[Any], Field(min_length=1, max_length=buses.MOST_REQUESTS)] = Field(
        description="a `BusRequest` each"
    )


class BusStatus(BaseModel):
    """What a bus is told of a junction; the words of `PrioritizationResponseStatus` (SAE J2735)."""

    index: int = Field(description="its place in the batch, from 0")
    junction: str
    request: str
    status: Status | None = Field(description="null: it is cancelled, or has passed")
    because: str | None = Field(
        description="late, gap; on-time, close-behind, another-bus, another-bus-before, "
        "had-it-before; or who decides instead: hand, preemption, local …"
    )
    until: AwareDatetime | None = Field(description="then it ends by itself")


class BusStatuses(BaseModel):
    """What became of a batch."""

    told: list[BusStatus]
    refused: list[NotRecorded]
    at: AwareDatetime = Field(description="our clock")


async def ask(call: Call) -> web.Response:
    """Take in what buses ask."""
    services = call.runtime.services
    sound, refused = parsed(call, buses.BusRequest, call.body.requests)
    answers = await buses.take_requests([each for _, each in sound], context(call), services)
    told = []
    for (index, request), answer in zip(sound, answers, strict=True):
        if isinstance(answer, CitybrainError):
            refused.append(refusal(index, answer))
            continue
        told.append(
            BusStatus(
                index=index,
                junction=request.junction,
                request=request.request,
                status=None if answer.status is None else Status(answer.status),
                because=answer.because,
                until=None if answer.until is None else moment(answer.until),
            )
        )
    refused.sort(key=lambda each: each.index)
    return json_response(BusStatuses(told=told, refused=refused, at=services.clock()))


ROUTES = (
    Route(
        method="POST",
        path="/v1/signals/buses/requests",
        tag="signals",
        summary="Buses ask for priority at junctions, or say that they have passed",
        handler=ask,
        roles=(Role.GATEWAY,),
        body=BusRequests,
        body_limit_bytes=BATCH_BYTES,
        answers={200: Answer("what each is told", BusStatuses)},
    ),
)

"""Barriers of facilities over HTTP: what stands before one is told, and it is opened.

What is answered is about a stay: where one is known, that it was asked is on the record of whoever
had the vehicle. A plate is in the body of a POST, and in no answer.
"""

from typing import Literal

from aiohttp import web
from pydantic import BaseModel, Field

from citybrain.domain.actor import WATCHERS
from citybrain.domain.parking.barrier import OPEN, WhyOpen
from citybrain.http.accessing import opened
from citybrain.http.commanding import context
from citybrain.http.parking.session import OTHERS
from citybrain.http.parking.showing import on_whose_record
from citybrain.http.routing import Answer, Call, Opens, Route, json_response
from commands.parking.barriers import AskBarrier, ask_barrier


class BarrierAnswer(BaseModel):
    """What the barrier does."""

    detection_id: str
    known: bool = Field(description="it was told this before; the decision is that one")
    decision: Literal["open"]
    reason: WhyOpen = Field(description="why")


async def ask(call: Call) -> web.Response:
    """Take in what was read, and decide."""
    services = call.runtime.services
    decided = await ask_barrier(call.body, context(call), services, OTHERS)
    session = decided.session
    await opened(call, [] if session is None else [await on_whose_record(session, services)])
    return json_response(
        BarrierAnswer(
            detection_id=decided.detection_id,
            known=decided.known,
            decision=OPEN,
            reason=decided.reason,
        ),
        status=200 if decided.known else 201,
        headers={"X-Position": str(decided.position)},
    )


ROUTES = (
    Route(
        method="POST",
        path="/v1/parking/barriers/decisions",
        summary="A vehicle stands before a barrier: what is it told, and why",
        tag="parking",
        handler=ask,
        roles=WATCHERS,
        body=AskBarrier,
        answers={
            201: Answer("recorded, and decided", BarrierAnswer),
            200: Answer("known before", BarrierAnswer),
        },
        opens=Opens(what="parking-barrier", purpose="parking"),
    ),
)

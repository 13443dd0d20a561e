"""What devices say of places over HTTP: one by one, or by the thousand."""

from typing import Annotated, Any

from aiohttp import web
from pydantic import BaseModel, Field

from citybrain.domain.actor import WATCHERS
from citybrain.http.batches import BatchAnswer, answered, parsed
from citybrain.http.commanding import context
from citybrain.http.routing import Answer, Call, Route, json_response
from commands.handling import Command
from commands.parking import detection as commands

MOST = 1000
BATCH_BYTES = 2 * 1024 * 1024


class ParkingDetectionBatch(Command):
    """Many signs; each is checked for itself."""

    detections: Annotated[list[Any], Field(min_length=1, max_length=MOST)] = Field(
        description="bodies of `POST /v1/parking/detections`"
    )


class ParkingDetectionAnswer(BaseModel):
    """A sign that is durable."""

    detection_id: str
    known: bool = Field(description="it had been recorded before")


async def record(call: Call) -> web.Response:
    """Record one sign."""
    recorded = await commands.record_detection(call.body, context(call), call.runtime.services)
    return json_response(
        ParkingDetectionAnswer(detection_id=recorded.detection_id, known=recorded.known),
        status=200 if recorded.known else 201,
        headers={"X-Position": str(recorded.position)},
    )


async def record_batch(call: Call) -> web.Response:
    """Record many: each for itself."""
    sound, refused = parsed(commands.RecordParkingDetection, call.body.detections)
    found = await commands.record_detections(
        [command for _, command in sound], context(call), call.runtime.services
    )
    return answered([index for index, _ in sound], found, refused)


ROUTES = (
    Route(
        method="POST",
        path="/v1/parking/detections",
        summary="Record what a device saw of a place",
        tag="parking",
        handler=record,
        roles=WATCHERS,
        body=commands.RecordParkingDetection,
        answers={
            201: Answer("recorded", ParkingDetectionAnswer),
            200: Answer("known before", ParkingDetectionAnswer),
        },
    ),
    Route(
        method="POST",
        path="/v1/parking/detections/batch",
        summary=f"Record up to {MOST} signs, each for itself",
        tag="parking",
        handler=record_batch,
        roles=WATCHERS,
        body=ParkingDetectionBatch,
        body_limit_bytes=BATCH_BYTES,
        answers={200: Answer("what became of them", BatchAnswer)},
    ),
)

"""What devices say of places over HTTP, one by one or by the thousand, and officers of berths."""

from typing import Annotated, Any

from aiohttp import web
from pydantic import AwareDatetime, BaseModel, Field

from citybrain.domain.actor import WATCHERS
from citybrain.domain.parking.detection import ParkingDetection
from citybrain.domain.parking.looking import DECIDERS
from citybrain.http.accessing import opened
from citybrain.http.batches import BatchAnswer, answered, parsed
from citybrain.http.commanding import context, id_in_path, on
from citybrain.http.parking.office import of_the_office
from citybrain.http.parking.showing import with_plates
from citybrain.http.routing import Answer, Call, Opens, Route, json_response
from commands.handling import Command
from commands.parking import by_hand, trailers
from commands.parking import detection as commands
from commands.parking.detection import Recorded

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
    return _answer(await commands.record_detection(call.body, context(call), call.runtime.services))


class ShownDetection(BaseModel):
    """What a device or an officer said, with the plate where one was read."""

    detection_id: str
    device_id: str
    sign: str
    place_id: str | None
    occurred_at: AwareDatetime
    plate: str | None
    pseudonym: str | None
    confidence: int | None
    by_hand: bool
    said_by: str | None
    reason: str
    unmatched: str | None = Field(description="why it is of no session")
    candidates: list[str] = Field(description="sessions of who may have drawn the trailer")
    proposed: str | None = Field(description="the only one; null where there are several")
    session_id: str | None = Field(description="whose it is: by a known pair, or an officer")


class TrailerAnswer(BaseModel):
    """Whose exit it was."""

    detection_id: str
    session_id: str


detection_id_of = id_in_path("sign_id", r"parking_detection-[0-9a-f]{32}", "sign")


async def show(call: Call) -> web.Response:
    """One sign; on the record."""
    of_the_office(call)
    sign = await call.runtime.services.store.load(ParkingDetection, detection_id_of(call))
    members = vars(sign) | {"detection_id": sign.id, "of": None}
    await opened(call, [(sign.session_id or sign.id, None)])
    (row,) = await with_plates(call, [members], "of")
    said = {name: row[name] for name in ShownDetection.model_fields}
    return json_response(ShownDetection(**said))


async def correct(call: Call) -> web.Response:
    """An officer says what a berth was."""
    place_id, services = call.request.match_info["place_id"], call.runtime.services
    recorded = await by_hand.correct_berth(place_id, call.body, context(call), services)
    return _answer(recorded)


def _answer(recorded: Recorded) -> web.Response:
    return json_response(
        ParkingDetectionAnswer(detection_id=recorded.detection_id, known=recorded.known),
        status=200 if recorded.known else 201,
        headers={"X-Position": str(recorded.position)},
    )


async def record_batch(call: Call) -> web.Response:
    """Record many: each for itself."""
    sound, refused = parsed(call, commands.RecordParkingDetection, call.body.detections)
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
        path="/v1/parking/places/{place_id}/corrections",
        summary="Say that a berth was free or occupied, from when and how that is known",
        tag="parking",
        handler=correct,
        roles=DECIDERS,
        body=by_hand.CorrectBerth,
        idempotent=True,
        if_match=False,
        answers={
            201: Answer("recorded", ParkingDetectionAnswer),
            200: Answer("known before", ParkingDetectionAnswer),
        },
    ),
    Route(
        method="GET",
        path="/v1/parking/detections/{sign_id}",
        summary="A sign, and the vehicles that it may be of",
        tag="parking",
        handler=show,
        roles=DECIDERS,
        answers={200: Answer("the sign", ShownDetection)},
        opens=Opens(what="parking-detection", purpose="parking"),
    ),
    Route(
        method="POST",
        path="/v1/parking/detections/{sign_id}/trailer",
        summary="Say which vehicle draws the trailer that was read on leaving",
        tag="parking",
        handler=on(detection_id_of, trailers.match_trailer),
        roles=DECIDERS,
        body=trailers.MatchTrailer,
        idempotent=True,
        answers={200: Answer("done; remembered for later visits", TrailerAnswer)},
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

"""Detections and cameras over HTTP: one by one, by the thousand, and those that wait."""

import re
from operator import itemgetter
from typing import Annotated, Any

from aiohttp import web
from pydantic import AwareDatetime, BaseModel, Field, StringConstraints

from citybrain.domain.actor import WATCHERS, Role
from citybrain.domain.inspection import reading_rights as rights
from citybrain.domain.inspection.detection import Detection
from citybrain.http.batches import BatchAnswer, answered, parsed
from citybrain.http.commanding import context, id_in_path, on
from citybrain.http.paging import (
    CrsQuery,
    PagedQuery,
    decode_time_cursor,
    in_wgs84,
    page,
    page_by,
    wait_for_position,
)
from citybrain.http.problems import Malformed
from citybrain.http.routing import Answer, Call, Route, json_response
from commands.fields import Code
from commands.handling import Command
from commands.inspection import detection as commands
from projections.inspection import cameras, detections
from projections.inspection.cameras import CameraRow
from projections.inspection.detections import AwaitingRow

MOST = 1000
BATCH_BYTES = 2 * 1024 * 1024
CAMERA_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:-]{0,99}")

detection_id_of = id_in_path("detection_id", r"detection-[0-9a-f]{32}", "detection")


class DetectionBatch(Command):
    """Many detections; each is checked for itself."""

    detections: Annotated[list[Any], Field(min_length=1, max_length=MOST)] = Field(
        description="bodies of `POST /v1/detections`"
    )


class RecordedAnswer(BaseModel):
    """A detection that is durable."""

    detection_id: str
    status: str
    known: bool = Field(description="it had been recorded before")


class DetectionAnswer(BaseModel):
    """What a command on a detection answers."""

    detection_id: str
    status: str
    version: int


class DetectionState(BaseModel):
    """A detection as its events make it."""

    detection_id: str
    version: int
    status: str
    camera_id: str
    class_code: str
    confidence: int
    latitude: float
    longitude: float
    occurred_at: AwareDatetime
    evidence_sha256: list[str]
    simulated: bool


class Awaiting(BaseModel):
    """A page, longest waiting first."""

    detections: list[AwaitingRow]
    next: str | None


class AwaitingQuery(PagedQuery):
    """Which detections."""

    class_code: Code | None = Field(None, alias="class")


class Cameras(BaseModel):
    """A page of cameras, by id."""

    cameras: list[CameraRow]
    total: int
    offline: int
    next: str | None


class CameraQuery(PagedQuery):
    """Which cameras."""

    online: bool | None = None
    after: Annotated[str, StringConstraints(pattern=rf"^{CAMERA_ID.pattern}$")] | None = Field(
        None, description="`next` of the page before"
    )


class CameraAnswer(BaseModel):
    """What is known of a camera now."""

    camera_id: str
    online: bool
    version: int


async def record(call: Call) -> web.Response:
    """Record one detection."""
    body = in_wgs84(call.body, call.query.crs)
    recorded = await commands.record_detection(body, context(call), call.runtime.services)
    return json_response(
        RecordedAnswer(
            detection_id=recorded.detection_id, status=recorded.status, known=recorded.known
        ),
        status=200 if recorded.known else 201,
        headers={
            "Location": f"/v1/detections/{recorded.detection_id}",
            "X-Position": str(recorded.position),
        },
    )


async def record_batch(call: Call) -> web.Response:
    """Record many: each for itself."""
    sound, refused = parsed(call, commands.RecordDetection, call.body.detections)
    found = await commands.record_detections(
        [in_wgs84(command, call.query.crs) for _, command in sound],
        context(call),
        call.runtime.services,
    )
    return answered([index for index, _ in sound], found, refused)


async def awaiting(call: Call) -> web.Response:
    """Detections that wait for a person."""
    query: AwaitingQuery = call.query
    await wait_for_position(call.runtime, "detections", query.min_position)
    rows = await detections.awaiting(
        call.runtime.store.models,
        class_code=query.class_code,
        after=decode_time_cursor(query.after),
        limit=query.limit + 1,
    )
    shown, following = page(rows, query.limit, "occurred_at", "detection_id")
    found = [AwaitingRow(**row) for row in shown]
    return json_response(Awaiting(detections=found, next=following))


async def show(call: Call) -> web.Response:
    """A detection, from its stream."""
    detection = await call.runtime.store.load(Detection, detection_id_of(call))
    fields = {name: value for name, value in vars(detection).items() if not name.startswith("_")}
    state = DetectionState(detection_id=detection.id, version=detection.version, **fields)
    return json_response(state, headers={"ETag": f'"{detection.version}"'})


def camera_id_of(call: Call) -> str:
    """The camera that the path names; raises `Malformed` for what cannot be one."""
    camera_id = call.request.match_info["camera_id"]
    if not CAMERA_ID.fullmatch(camera_id):
        raise Malformed("a camera id is 1 to 100 letters, digits and _.:-")
    return camera_id


async def list_cameras(call: Call) -> web.Response:
    """Cameras by id."""
    query: CameraQuery = call.query
    await wait_for_position(call.runtime, "cameras", query.min_position)
    pool = call.runtime.store.models
    rows = await cameras.page(pool, online=query.online, after=query.after, limit=query.limit + 1)
    total, offline = await cameras.counts(pool)
    shown, following = page_by(rows, query.limit, itemgetter("camera_id"))
    found = [CameraRow(**row) for row in shown]
    return json_response(Cameras(cameras=found, total=total, offline=offline, next=following))


ROUTES = (
    Route(
        method="POST",
        path="/v1/detections",
        summary="Record what a camera saw",
        tag="detections",
        handler=record,
        roles=WATCHERS,
        body=commands.RecordDetection,
        query=CrsQuery,
        answers={
            201: Answer("recorded", RecordedAnswer),
            200: Answer("known before", RecordedAnswer),
        },
    ),
    Route(
        method="POST",
        path="/v1/detections/batch",
        summary=f"Record up to {MOST} detections, each for itself",
        tag="detections",
        handler=record_batch,
        roles=WATCHERS,
        body=DetectionBatch,
        query=CrsQuery,
        body_limit_bytes=BATCH_BYTES,
        answers={200: Answer("what became of them", BatchAnswer)},
    ),
    Route(
        method="GET",
        path="/v1/detections",
        tag="detections",
        handler=awaiting,
        summary="Detections that wait for a person, longest waiting first",
        roles=rights.DETECTIONS,
        query=AwaitingQuery,
        answers={200: Answer("a page", Awaiting)},
    ),
    Route(
        method="GET",
        path="/v1/detections/{detection_id}",
        tag="detections",
        handler=show,
        summary="A detection as its events make it",
        roles=rights.DETECTIONS,
        answers={200: Answer("the state; ETag is its version", DetectionState)},
    ),
    Route(
        method="POST",
        path="/v1/detections/{detection_id}/confirm",
        tag="detections",
        summary="A person saw that it is so",
        roles=(Role.OPERATOR,),
        handler=on(detection_id_of, commands.confirm_detection),
        body=commands.ConfirmDetection,
        idempotent=True,
        answers={200: Answer("confirmed", DetectionAnswer)},
    ),
    Route(
        method="POST",
        path="/v1/detections/{detection_id}/dismiss",
        tag="detections",
        summary="A person saw that it is not so",
        roles=(Role.OPERATOR,),
        handler=on(detection_id_of, commands.dismiss_detection),
        body=commands.DismissDetection,
        idempotent=True,
        answers={200: Answer("dismissed", DetectionAnswer)},
    ),
    Route(
        method="PUT",
        path="/v1/cameras/{camera_id}",
        summary="A camera works or does not",
        tag="detections",
        handler=on(camera_id_of, commands.report_camera),
        roles=(*WATCHERS, Role.OPERATOR),
        body=commands.ReportCamera,
        answers={200: Answer("known", CameraAnswer)},
    ),
    Route(
        method="GET",
        path="/v1/cameras",
        summary="Cameras, by id",
        tag="detections",
        handler=list_cameras,
        roles=rights.CAMERAS,
        query=CameraQuery,
        answers={200: Answer("a page", Cameras)},
    ),
)

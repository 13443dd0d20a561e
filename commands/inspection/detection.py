"""Detections and cameras: taken in one by one or by the thousand, confirmed by a person or not.

A detection's id follows from its camera and what the camera calls it, so that one which is sent
again is known and changes nothing.
"""

import asyncio
import hashlib
from dataclasses import dataclass
from datetime import UTC
from typing import Annotated, Any

from pydantic import Field, StringConstraints

from citybrain.definitions.inspection.cases import cases_at
from citybrain.definitions.platform import areas_at
from citybrain.domain.inspection.camera import Camera, check_may_report, stream_of
from citybrain.domain.inspection.detection import Detection
from citybrain.errors import CitybrainError, Refused
from citybrain.eventstore import NO_STREAM, NewEvent, StreamNotFound, WrongExpectedVersion
from citybrain.eventstore.codec import mapper
from commands.fields import Code, Flag, Latitude, Longitude, Moment, Percent, Sha256, Text
from commands.handling import Command, CommandContext, CommandResult, change
from commands.services import Services

HEARD = """
INSERT INTO camera_heartbeats (camera_id, heard_at) VALUES ($1, $2)
ON CONFLICT (camera_id) DO UPDATE SET heard_at = excluded.heard_at
"""

CameraId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.:-]{0,99}$")]


class DetectionRefReused(Refused):
    """The camera has used this reference for another detection."""

    code = "detection-ref-reused"


class RecordDetection(Command):
    """What a camera's recognition saw."""

    camera_id: CameraId
    ref: Annotated[Text, StringConstraints(min_length=1, max_length=120)] = Field(
        description="what the camera calls it, unique at this moment: sent again, it is known"
    )
    class_code: Code
    confidence: Percent = Field(description="percent")
    latitude: Latitude
    longitude: Longitude
    occurred_at: Moment
    evidence_sha256: list[Sha256] = Field(default_factory=list, max_length=20)
    simulated: Flag = False


class ConfirmDetection(Command):
    """A person saw that it is so."""

    note: Text = ""


class DismissDetection(Command):
    """A person saw that it is not so."""

    reason: Annotated[Text, StringConstraints(min_length=1)]


class ReportCamera(Command):
    """A camera works or does not. The place is needed once, when it is first reported."""

    online: Flag
    reason: Text = ""
    latitude: Latitude
    longitude: Longitude
    simulated: Flag = False


@dataclass(frozen=True, slots=True)
class Recorded:
    """What became of a detection: durable under its id, or known before."""

    detection_id: str
    status: str
    known: bool
    position: int


async def record_detection(
    command: RecordDetection, context: CommandContext, services: Services
) -> Recorded:
    """Take in a detection; it is durable when this returns.

    Raises `UnknownClass`, `ClassRetired`, `OutsideTheCity`, `TimeOutOfOrder`, `DetectionRefReused`
    or `RoleNotAllowed`.
    """
    now = services.clock()
    definitions = cases_at(services.definitions, now)
    sure = command.confidence >= definitions.reportable(command.class_code).confirm_below
    areas_at(services.definitions, now).require_inside(command.latitude, command.longitude)
    occurred_at = command.occurred_at.astimezone(UTC)
    digest = hashlib.sha256(f"{command.camera_id}\0{command.ref}".encode()).digest()
    milliseconds = max(int(occurred_at.timestamp() * 1000), 0)
    fields = command.model_dump(exclude={"ref"}) | {"occurred_at": occurred_at}
    detection = Detection.record(
        context.actor,
        now,
        detection_id=Detection.new_id(milliseconds, digest[:10]),
        sure=sure,
        definitions_version=definitions.version,
        **fields,
    )
    stored = mapper().to_stored_event(detection.pending_events[0])
    try:  # not kept in the cache of aggregates: hardly any is changed later
        appended = await services.store.append(
            detection.id,
            NO_STREAM,
            [NewEvent(stored.topic, stored.state)],
            metadata=context.metadata(),
        )
    except WrongExpectedVersion:
        return await _known(detection.id, fields, services)
    return Recorded(detection.id, str(detection.status), False, appended.position)


async def _known(detection_id: str, fields: dict[str, Any], services: Services) -> Recorded:
    """A detection that was taken in before; raises where it is not the same."""
    (first,) = await services.store.read(detection_id, limit=1)
    if any(first.data[name] != value for name, value in fields.items()):
        raise DetectionRefReused("the camera has used this reference for another detection")
    detection = await services.store.load(Detection, detection_id)
    return Recorded(detection_id, str(detection.status), True, first.position)


async def record_detections(
    commands: list[RecordDetection], context: CommandContext, services: Services
) -> list[Recorded | CitybrainError]:
    """Take in many at once: each is recorded or says why not, and costs the others nothing."""

    async def one(command: RecordDetection) -> Recorded | CitybrainError:
        try:
            return await record_detection(command, context, services)
        except CitybrainError as error:
            return error

    return await asyncio.gather(*(one(command) for command in commands))


async def confirm_detection(
    detection_id: str, command: ConfirmDetection, context: CommandContext, services: Services
) -> CommandResult:
    """Confirm a detection."""
    return await change(
        Detection,
        detection_id,
        command,
        context,
        services,
        lambda each: each.confirm(context.actor, services.clock(), note=command.note),
        _answer,
    )


async def dismiss_detection(
    detection_id: str, command: DismissDetection, context: CommandContext, services: Services
) -> CommandResult:
    """Dismiss a detection."""
    return await change(
        Detection,
        detection_id,
        command,
        context,
        services,
        lambda each: each.dismiss(context.actor, services.clock(), reason=command.reason),
        _answer,
    )


async def report_camera(
    camera_id: str, command: ReportCamera, context: CommandContext, services: Services
) -> CommandResult:
    """A camera works or does not; that it was heard of is kept, too."""
    stream_id, now = stream_of(camera_id), services.clock()
    check_may_report(context.actor, stream_id)
    if command.online:
        await services.store.pool.execute(HEARD, camera_id, now)
    try:
        return await change(
            Camera,
            stream_id,
            command,
            context,
            services,
            lambda each: each.report(
                context.actor, now, online=command.online, reason=command.reason
            ),
            _camera_answer,
        )
    except StreamNotFound:
        camera = Camera.register(
            context.actor,
            now,
            stream_id=stream_id,
            latitude=command.latitude,
            longitude=command.longitude,
            online=command.online,
            simulated=command.simulated,
        )
    try:
        saved = await services.store.save(camera, metadata=context.metadata())
    except WrongExpectedVersion:  # somebody else was first
        return await report_camera(camera_id, command, context, services)
    return CommandResult(stream_id, saved.version, saved.position, _camera_answer(camera))


def _answer(detection: Detection) -> dict[str, Any]:
    return {
        "detection_id": detection.id,
        "status": str(detection.status),
        "version": detection.version,
    }


def _camera_answer(camera: Camera) -> dict[str, Any]:
    camera_id = camera.id.removeprefix("camera-")
    return {"camera_id": camera_id, "online": camera.online, "version": camera.version}

"""Detections become evidence of cases, cases are merged with others, and all of it is undone again.

A merge is begun in the case that stays and finished in the other by the process manager
`case-merging`; undoing one begins in the case that leaves.
"""

from datetime import datetime, timedelta
from typing import Annotated, Any, cast
from uuid import NAMESPACE_URL, uuid5

from pydantic import Field, StringConstraints

from citybrain.domain.inspection import merging
from citybrain.domain.inspection.camera import Camera, stream_of
from citybrain.domain.inspection.case import InspectionCase, Reported
from citybrain.domain.inspection.case_events import CaseSource
from citybrain.domain.inspection.deadlines import Deadline, Stage
from citybrain.domain.inspection.detection import Detection
from citybrain.domain.inspection.merging_events import CaseDetection
from citybrain.domain.inspection.refusals import CannotMerge, NotMerged
from citybrain.domain.inspection.statuses import UNSOLVED
from citybrain.domain.times import moment
from citybrain.errors import InvalidInput
from citybrain.eventstore import StreamNotFound
from commands.fields import Text
from commands.handling import Command, CommandContext, CommandResult, create
from commands.inspection.case import REOPENED_STAGES, REWORK_STAGES, begun, case_answer, change_case
from commands.inspection.placing import place_of
from commands.services import Services

SILENT_AFTER = timedelta(minutes=10)
HEARD = "SELECT heard_at FROM camera_heartbeats WHERE camera_id = $1"

CaseId = Annotated[str, StringConstraints(pattern=r"^case-[0-9A-Za-z_.:-]{1,150}$")]
DetectionId = Annotated[str, StringConstraints(pattern=r"^detection-[0-9a-f]{32}$")]
Reason = Annotated[Text, StringConstraints(min_length=1)]


class MergeCase(Command):
    """The case is the same problem as another: it goes on there."""

    into_case_id: CaseId
    reason: Reason


class UnmergeCase(Command):
    """The merge was wrong."""

    reason: Reason


class SeparateDetection(Command):
    """A detection is another problem: it gets a case of its own."""

    detection_id: DetectionId
    reason: Reason


class TakeDetections(Command):
    """Detections that are evidence of a case; what the process manager sends."""

    detections: list[dict[str, Any]] = Field(min_length=1, description="`CaseDetection`s")
    class_code: str
    simulated: bool


async def merge_case(
    case_id: str, command: MergeCase, context: CommandContext, services: Services
) -> CommandResult:
    """Merge a case into another; the answer is the other's."""
    if command.into_case_id == case_id:
        raise InvalidInput("a case is merged into another")
    other = await services.store.load(InspectionCase, case_id)

    def decide(case: InspectionCase, now: datetime) -> None:
        merging.absorb(case, context.actor, now, other=other, reason=command.reason)

    return await change_case(command.into_case_id, command, context, services, decide)


async def unmerge_case(
    case_id: str, command: UnmergeCase, context: CommandContext, services: Services
) -> CommandResult:
    """Undo the merge of a case into another; of several merges in a row, the last one first."""
    case = await services.store.load(InspectionCase, case_id)
    if case.merged_into is not None:
        other = await services.store.load(InspectionCase, case.merged_into)
        if other.merged_into is not None:
            raise CannotMerge("undo the merge of that case first", merged_into=other.merged_into)

    def decide(case: InspectionCase, now: datetime) -> None:
        merging.unmerge(case, context.actor, now, reason=command.reason)

    return await change_case(case_id, command, context, services, decide)


async def separate_detection(
    case_id: str, command: SeparateDetection, context: CommandContext, services: Services
) -> CommandResult:
    """Give a detection a case of its own; what another case brought in goes with that case."""
    absorbing = await services.store.load(InspectionCase, case_id)
    for other in absorbing.absorbed:
        if (await services.store.load(InspectionCase, other)).has_detection(command.detection_id):
            raise CannotMerge("it came with a case that was merged: undo that first", case_id=other)
    found = await services.store.load(Detection, command.detection_id)

    def decide(case: InspectionCase, now: datetime) -> None:
        name = f"citybrain:separated:{command.detection_id}:{case_id}:{case.version}"
        new_case_id = f"case-{uuid5(NAMESPACE_URL, name).hex}"
        merging.separate_detection(
            case,
            context.actor,
            now,
            detection=as_evidence(found, new_case_id),
            new_case_id=new_case_id,
            reason=command.reason,
        )

    return await change_case(case_id, command, context, services, decide)


async def open_from_detections(
    case_id: str, command: TakeDetections, context: CommandContext, services: Services
) -> CommandResult:
    """A case for detections that belong to no other; the earliest one reports it."""

    def decide() -> InspectionCase:
        now, first = services.clock(), command.detections[0]
        reported = Reported(
            source=CaseSource.CAMERA,
            class_code=command.class_code,
            description="",
            latitude=first["latitude"],
            longitude=first["longitude"],
            address=None,
            confidence=first["confidence"],
            evidence_sha256=first["evidence_sha256"],
            simulated=command.simulated,
            external_ref=first["detection_id"],
            occurred_at=moment(first["occurred_at"]),
            place=place_of(services, now, first["latitude"], first["longitude"]),
            begun=begun(services, now, command.class_code, now, Stage.FILING),
        )
        case = InspectionCase.report(context.actor, now, reported, case_id=case_id)
        _take(case, command, context, services, now)
        return case

    return await create(command, context, services, decide, case_answer)


async def take_detections(
    case_id: str, command: TakeDetections, context: CommandContext, services: Services
) -> CommandResult:
    """More evidence of a case; what it has already is left out."""
    return await change_case(
        case_id,
        command,
        context,
        services,
        lambda case, now: _take(case, command, context, services, now),
    )


def _take(
    case: InspectionCase,
    command: TakeDetections,
    context: CommandContext,
    services: Services,
    now: datetime,
) -> None:
    rework: list[Deadline] = []
    reopened: list[Deadline] = []
    if case.status not in UNSOLVED:  # only then may it be handled anew
        rework = begun(services, now, case.class_code, now, *REWORK_STAGES)
        reopened = begun(services, now, case.class_code, now, *REOPENED_STAGES)
    for detection in command.detections:
        merging.merge_detection(
            case,
            context.actor,
            now,
            detection=cast("CaseDetection", detection),
            rework=rework,
            reopened=reopened,
        )


async def finish_merge(
    case_id: str, into_case_id: str, reason: str, context: CommandContext, services: Services
) -> CommandResult:
    """Tell a case that another has absorbed it; raises a refusal where it goes its own way."""
    if case_id in await merged_cases(into_case_id, services):
        raise CannotMerge("the other case goes on in this one")
    if case_id not in (await services.store.load(InspectionCase, into_case_id)).absorbed:
        raise NotMerged("the merge has been undone")
    command = MergeCase(into_case_id=into_case_id, reason=reason)

    def decide(case: InspectionCase, now: datetime) -> None:
        merging.merge(case, context.actor, now, into_case_id=into_case_id, reason=reason)

    return await change_case(case_id, command, context, services, decide)


async def merged_cases(case_id: str, services: Services) -> list[str]:
    """Where a case goes on, and where that goes on, to the end."""
    found: list[str] = []
    while True:
        case = await services.store.load(InspectionCase, case_id)
        if case.merged_into is None or case.merged_into in found:
            return found
        case_id = case.merged_into
        found.append(case_id)


async def hand_over(case_id: str, context: CommandContext, services: Services) -> None:
    """Give to where a case went what it took between its absorption and its merge."""
    case = await services.store.load(InspectionCase, case_id)
    way = [case_id, *await merged_cases(case_id, services)]
    if len(way) == 1:
        return
    through, last = way[-2:]
    other = await services.store.load(InspectionCase, last)
    later: list[dict[str, Any]] = []
    for detection_id, seen in case.detections.items():
        if not other.has_detection(detection_id):
            detection = await services.store.load(Detection, detection_id)
            evidence = as_evidence(detection, seen["case_id"])
            later.append({**evidence, "with_case_id": through})
    if later:
        command = TakeDetections(
            detections=later, class_code=case.class_code, simulated=case.simulated
        )
        await take_detections(last, command, context, services)


async def release_case(
    case_id: str, left_case_id: str, reason: str, context: CommandContext, services: Services
) -> CommandResult:
    """Tell a case that another is no longer part of it."""
    left = await services.store.load(InspectionCase, left_case_id)
    if left.merged_into == case_id:
        raise CannotMerge("it has been merged again")

    def decide(case: InspectionCase, now: datetime) -> None:
        merging.release(case, context.actor, now, case_id=left_case_id, reason=reason)

    return await change_case(case_id, UnmergeCase(reason=reason), context, services, decide)


async def recheck_case(case_id: str, context: CommandContext, services: Services) -> None:
    """Verify and close a handled case whose cameras have watched since and seen nothing.

    A camera that was off for a while, or that nobody has registered, shows nothing: then a person
    has to look.
    """
    case = await services.store.load(InspectionCase, case_id)
    if case.recheck_at is None or case.handled_at is None:
        return
    handled_at = case.handled_at
    cameras = sorted({seen["camera_id"] for seen in case.detections.values()})
    blind = [camera for camera in cameras if not await _watched(camera, handled_at, services)]

    def decide(case: InspectionCase, now: datetime) -> None:
        if case.recheck_at is None or moment(case.recheck_at) > now:
            return
        if blind:
            case.fail_recheck(
                context.actor, now, camera_ids=blind, reason="a camera has not watched all the time"
            )
            return
        case.verify(context.actor, now, note="the cameras have not seen it since")
        case.close(context.actor, now, resolution="verified by camera")

    await change_case(case_id, Command(), context, services, decide)


async def _watched(camera_id: str, since: datetime, services: Services) -> bool:
    """Whether a camera was on all the time, and has been heard of just now."""
    heard_at = await services.store.pool.fetchval(HEARD, camera_id)
    if heard_at is None or services.clock() - heard_at > SILENT_AFTER:
        return False
    try:
        camera = await services.store.load(Camera, stream_of(camera_id))
    except StreamNotFound:
        return False
    return camera.watched_since(since)


def as_evidence(detection: Detection, case_id: str) -> CaseDetection:
    """A detection as a case carries it."""
    return {
        "detection_id": detection.id,
        "camera_id": detection.camera_id,
        "case_id": case_id,
        "confidence": detection.confidence,
        "latitude": detection.latitude,
        "longitude": detection.longitude,
        "occurred_at": detection.occurred_at.isoformat(),
        "evidence_sha256": list(detection.evidence_sha256),
    }


def new_case_of(detection_id: str) -> str:
    """The case that a detection opens."""
    return "case-" + detection_id.removeprefix("detection-")

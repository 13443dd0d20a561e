"""Detections become evidence of a case, cases turn out to be one problem, and it is undone again.

Which cases a detection may belong to is not decided here.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import TypeVar

from citybrain.domain.actor import Actor, Role
from citybrain.domain.inspection import merging_events as events
from citybrain.domain.inspection.case import CENTRE, InspectionCase, Step, require_role
from citybrain.domain.inspection.case_events import CaseReopened, CaseReturned, CaseSource
from citybrain.domain.inspection.deadlines import Deadline
from citybrain.domain.inspection.merging_events import CaseDetection
from citybrain.domain.inspection.refusals import CannotMerge, NoSuchDetection, NotMerged
from citybrain.domain.inspection.statuses import BEING_CHECKED, OPEN, UNSOLVED, CaseStatus
from citybrain.domain.times import moment

C = TypeVar("C")

IN_ONE_EVENT = 500  # detections

DETECT = Step("detected", (Role.SYSTEM,), (*OPEN, CaseStatus.CLOSED))
SEPARATE = Step("separated", CENTRE, (*OPEN, CaseStatus.CLOSED))
ABSORB = Step("joined by another", CENTRE, OPEN)
MERGE = Step("merged", CENTRE, UNSOLVED)
UNMERGE = Step("unmerged", CENTRE, (CaseStatus.MERGED,))


def merge_detection(
    case: InspectionCase,
    actor: Actor,
    now: datetime,
    *,
    detection: CaseDetection,
    rework: Sequence[Deadline],
    reopened: Sequence[Deadline],
) -> None:
    """Take a detection as evidence; nothing happens where it is already.

    Seen again after the handling the case is returned, after the closing reopened: that is
    what the deadlines `rework` and `reopened` are for.
    """
    case.check(DETECT, actor, deferred=True)
    if case.has_detection(detection["detection_id"]):
        return
    solved_at = case.handled_at or case.last_occurred_at
    again = moment(detection["occurred_at"]) > solved_at
    case.note(events.CaseDetectionMerged, now, detection=dict(detection))
    if case.status == CaseStatus.CLOSED and again:
        case.step(
            actor,
            CaseReopened,
            now,
            None,
            reopened,
            reason="detected again",
            detection_id=detection["detection_id"],
        )
    elif case.status in BEING_CHECKED and again:
        case.step(actor, CaseReturned, now, None, rework, reason="detected again")


def separate_detection(
    case: InspectionCase,
    actor: Actor,
    now: datetime,
    *,
    detection: CaseDetection,
    new_case_id: str,
    reason: str,
) -> None:
    """A detection is another problem. Raises `NoSuchDetection`, `CannotMerge` for the last."""
    case.check(SEPARATE, actor, deferred=True)
    if not case.has_detection(detection["detection_id"]):
        raise NoSuchDetection("the detection does not belong to this case")
    if len(case.detections) == 1 and case.source == CaseSource.CAMERA:
        raise CannotMerge("it is the only detection of the case; void the case")
    case.note(
        events.CaseDetectionSeparated,
        now,
        detection=dict(detection),
        new_case_id=new_case_id,
        reason=reason,
    )


def absorb(
    case: InspectionCase, actor: Actor, now: datetime, *, other: InspectionCase, reason: str
) -> None:
    """Take in another case that is the same problem; it is told by `merge`."""
    case.check(ABSORB, actor, deferred=True)
    if other.id in case.absorbed:
        return
    if other.id == case.id or other.class_code != case.class_code:
        raise CannotMerge("two cases of one class are merged")
    if case.id in other.absorbed or case.detections.keys() & other.detections.keys():
        raise CannotMerge("the other case has taken in this one, or a part of it")
    if other.status not in MERGE.follows:
        raise CannotMerge(
            f"a case that is {other.status} is not merged into another", case_status=other.status
        )
    detections = [
        {"detection_id": detection_id, "camera_id": seen["camera_id"], "case_id": seen["case_id"]}
        for detection_id, seen in other.detections.items()
    ]
    for some in _chunks(detections):
        case.note(events.CaseAbsorbed, now, case_id=other.id, reason=reason, detections=some)


def merge(
    case: InspectionCase, actor: Actor, now: datetime, *, into_case_id: str, reason: str
) -> None:
    """Go on as part of another case, which has absorbed this one."""
    if case.merged_into == into_case_id:
        return
    case.check(MERGE, actor, deferred=True)
    if into_case_id in case.absorbed:
        raise CannotMerge("the other case has been merged into this one")
    case.note(events.CaseMerged, now, into_case_id=into_case_id, reason=reason)


def unmerge(case: InspectionCase, actor: Actor, now: datetime, *, reason: str) -> None:
    """Stand alone again; the other case is told by `release`. Raises `NotMerged`."""
    require_role(actor, UNMERGE.done, UNMERGE.roles)
    if case.merged_into is None:
        raise NotMerged("the case is not merged")
    case.note(
        events.CaseUnmerged,
        now,
        [each.copy() for each in case.deadlines_before_merge],
        from_case_id=case.merged_into,
        reason=reason,
    )


def release(
    case: InspectionCase, actor: Actor, now: datetime, *, case_id: str, reason: str
) -> None:
    """Let a case go that had been merged into this one, with what came with it."""
    require_role(actor, "left", CENTRE)
    if case_id not in case.absorbed:
        return
    ids = [
        detection_id
        for detection_id, seen in case.detections.items()
        if seen["with_case_id"] == case_id
    ]
    for some in _chunks(ids):
        case.note(events.CaseReleased, now, case_id=case_id, detection_ids=some, reason=reason)


def _chunks(many: list[C]) -> list[list[C]]:
    """What fits into one event each; of nothing, nothing once."""
    return [many[at : at + IN_ONE_EVENT] for at in range(0, len(many), IN_ONE_EVENT)] or [[]]

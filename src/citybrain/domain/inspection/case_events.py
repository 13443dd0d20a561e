"""The events of an inspection case, stream `case-<id>`.

The topics below are the storage format: never rename one. Coordinates are WGS-84 degrees; times in
nested values are RFC 3339 texts in UTC. Events written before a field existed lack it: such fields
have a default.
"""

from dataclasses import field
from datetime import datetime
from enum import StrEnum
from typing import Any, ClassVar, NotRequired, TypedDict

from citybrain.domain.inspection import deadlines
from citybrain.domain.inspection.deadlines import Deadline, Ended, MovedDeadline, Stage
from citybrain.domain.stream import StreamCreated, StreamEvent


class CaseStatus(StrEnum):
    """Where a case stands."""

    REPORTED = "reported"
    FILED = "filed"
    DISPATCHED = "dispatched"
    ACCEPTED = "accepted"
    HANDLED = "handled"
    RETURNED = "returned"
    REOPENED = "reopened"
    VERIFIED = "verified"
    CLOSED = "closed"
    VOIDED = "voided"
    MERGED = "merged"


class CaseSource(StrEnum):
    """Who noticed the problem."""

    CAMERA = "camera"
    CITIZEN = "citizen"
    OFFICIAL = "official"


class Change(StrEnum):
    """What is asked for and a supervisor approves (回退、作廢、延期、緩辦)."""

    HAND_BACK = "hand-back"
    VOID = "void"
    EXTENSION = "extension"
    DEFERRAL = "deferral"


class CasePlace(TypedDict):
    """The areas that a case lies in, by their codes, and the grid cell of 15 digits."""

    district: str | None
    street: str | None
    community: str | None
    cell: str | None
    version: str


class CaseDetection(TypedDict):
    """What a camera saw of the problem; `case_id` is the case that it first belonged to.

    `with_case_id` is the merged case that it came with, where it did not come by itself.
    """

    detection_id: str
    camera_id: str
    case_id: str
    confidence: int
    latitude: float
    longitude: float
    occurred_at: str
    evidence_sha256: list[str]
    with_case_id: NotRequired[str]


class KeptDetection(TypedDict):
    """What the state keeps of a detection."""

    camera_id: str
    case_id: str
    with_case_id: str | None


class Task(TypedDict):
    """What one department does in a joint decision."""

    department: str
    task: str


class CaseReported(StreamCreated):
    """Somebody or a camera noticed a problem."""

    TOPIC: ClassVar[str] = "case.reported"
    source: str
    class_code: str
    description: str
    latitude: float
    longitude: float
    address: str | None
    confidence: int | None
    evidence_sha256: list[str]
    simulated: bool
    external_ref: str | None
    occurred_at: datetime
    place: CasePlace | None = field(default=None, kw_only=True)
    attributes: dict[str, list[str]] | None = field(default=None, kw_only=True)
    begun: list[Deadline] | None = field(default=None, kw_only=True)


class CaseEvent(StreamEvent):
    """A later event of a case; `occurred_at` is the time in the world, UTC."""

    occurred_at: datetime
    begun: list[Deadline] | None = field(default=None, kw_only=True)
    ended: list[Ended] | None = field(default=None, kw_only=True)

    ends: ClassVar[tuple[Stage, ...]] = ()
    drops: ClassVar[tuple[Stage, ...]] = ()

    def apply(self, aggregate: Any) -> None:
        deadlines.end(aggregate.deadlines, self.ended or ())
        deadlines.begin(aggregate.deadlines, self.begun or ())


class CaseStep(CaseEvent):
    """An event that takes the case to another status."""

    status: ClassVar[CaseStatus]

    def apply(self, aggregate: Any) -> None:
        super().apply(aggregate)
        aggregate.status = self.status.value
        aggregate.last_occurred_at = self.occurred_at


class CaseFiled(CaseStep):
    """The report became a case."""

    TOPIC: ClassVar[str] = "case.filed"
    status = CaseStatus.FILED
    ends = (Stage.FILING,)
    definitions_version: str


class CaseDispatched(CaseStep):
    """The case went to its departments, one of which leads."""

    TOPIC: ClassVar[str] = "case.dispatched"
    status = CaseStatus.DISPATCHED
    ends = (Stage.DISPATCH,)
    departments: list[str]
    lead: str
    definitions_version: str

    def apply(self, aggregate: Any) -> None:
        super().apply(aggregate)
        aggregate.departments = list(self.departments)
        aggregate.lead = self.lead
        aggregate.accepted_by = []
        aggregate.tasks = []


class CaseAccepted(CaseEvent):
    """A department took the case on; the case is accepted when the lead has."""

    TOPIC: ClassVar[str] = "case.accepted"
    department: str

    def apply(self, aggregate: Any) -> None:
        super().apply(aggregate)
        aggregate.accepted_by.append(self.department)
        aggregate.last_occurred_at = self.occurred_at
        if self.department == aggregate.lead:
            aggregate.status = CaseStatus.ACCEPTED.value


class CaseDeclined(CaseEvent):
    """A department that does not lead has no part in the case; the lead and others go on."""

    TOPIC: ClassVar[str] = "case.declined"
    department: str
    reason: str

    def apply(self, aggregate: Any) -> None:
        super().apply(aggregate)
        aggregate.departments.remove(self.department)
        aggregate.accepted_by = [each for each in aggregate.accepted_by if each != self.department]
        aggregate.last_occurred_at = self.occurred_at


class CaseDecided(CaseEvent):
    """The joint decision: what the departments do, as the lead has settled it with them."""

    TOPIC: ClassVar[str] = "case.decided"
    department: str
    plan: str
    tasks: list[Task]

    def apply(self, aggregate: Any) -> None:
        super().apply(aggregate)
        aggregate.tasks = [{**task, "finished": False} for task in self.tasks]
        aggregate.last_occurred_at = self.occurred_at


class CaseTaskFinished(CaseEvent):
    """A department did its part of the joint decision."""

    TOPIC: ClassVar[str] = "case.task_finished"
    department: str
    note: str
    evidence_sha256: list[str]

    def apply(self, aggregate: Any) -> None:
        super().apply(aggregate)
        for task in aggregate.tasks:
            task["finished"] = task["finished"] or task["department"] == self.department
        aggregate.last_occurred_at = self.occurred_at


class CaseMilestoneReached(CaseEvent):
    """A deadline within the handling was met, as when a place was made safe."""

    TOPIC: ClassVar[str] = "case.milestone_reached"
    department: str
    milestone: str
    note: str
    evidence_sha256: list[str]

    def apply(self, aggregate: Any) -> None:
        super().apply(aggregate)
        aggregate.last_occurred_at = self.occurred_at


class CaseHandled(CaseStep):
    """The lead department solved the problem and shows the evidence.

    `recheck_at` is when the cameras that saw the problem may show that it is gone.
    """

    TOPIC: ClassVar[str] = "case.handled"
    status = CaseStatus.HANDLED
    ends = (Stage.HANDLING,)
    department: str
    note: str
    evidence_sha256: list[str]
    recheck_at: str | None = field(default=None, kw_only=True)

    def apply(self, aggregate: Any) -> None:
        super().apply(aggregate)
        aggregate.handled_at = self.occurred_at
        aggregate.recheck_at = self.recheck_at


class CaseReturned(CaseStep):
    """Verification found the problem unsolved, or a camera saw it again: rework."""

    TOPIC: ClassVar[str] = "case.returned"
    status = CaseStatus.RETURNED
    ends = (Stage.VERIFICATION,)
    reason: str

    def apply(self, aggregate: Any) -> None:
        super().apply(aggregate)
        aggregate.times_returned += 1
        aggregate.recheck_at = None


class CaseRecheckFailed(CaseEvent):
    """The cameras cannot show that the problem is gone: a person has to look."""

    TOPIC: ClassVar[str] = "case.recheck_failed"
    camera_ids: list[str]
    reason: str

    def apply(self, aggregate: Any) -> None:
        super().apply(aggregate)
        aggregate.recheck_at = None


class CaseVerified(CaseStep):
    """Verification found the problem solved."""

    TOPIC: ClassVar[str] = "case.verified"
    status = CaseStatus.VERIFIED
    ends = (Stage.VERIFICATION,)
    note: str

    def apply(self, aggregate: Any) -> None:
        super().apply(aggregate)
        aggregate.recheck_at = None


class CaseClosed(CaseStep):
    """The end of the case."""

    TOPIC: ClassVar[str] = "case.closed"
    status = CaseStatus.CLOSED
    ends = tuple(Stage)
    resolution: str


class CaseReopened(CaseStep):
    """The problem was seen again after the closing: the lead handles it again."""

    TOPIC: ClassVar[str] = "case.reopened"
    status = CaseStatus.REOPENED
    reason: str
    detection_id: str | None

    def apply(self, aggregate: Any) -> None:
        super().apply(aggregate)
        aggregate.times_reopened += 1


class CaseDetectionMerged(CaseEvent):
    """A camera's detection became evidence of the case."""

    TOPIC: ClassVar[str] = "case.detection_merged"
    detection: CaseDetection

    def apply(self, aggregate: Any) -> None:
        super().apply(aggregate)
        seen = self.detection
        aggregate.detections[seen["detection_id"]] = {
            "camera_id": seen["camera_id"],
            "case_id": seen["case_id"],
            "with_case_id": seen.get("with_case_id"),
        }


class CaseDetectionSeparated(CaseEvent):
    """A detection turned out to be another problem, which has a case of its own now."""

    TOPIC: ClassVar[str] = "case.detection_separated"
    detection: CaseDetection
    new_case_id: str
    reason: str

    def apply(self, aggregate: Any) -> None:
        super().apply(aggregate)
        aggregate.detections.pop(self.detection["detection_id"], None)


class CaseAbsorbed(CaseEvent):
    """Another case is the same problem: its detections count here.

    Where it has many, several events carry them.
    """

    TOPIC: ClassVar[str] = "case.absorbed"
    case_id: str
    detections: list[dict[str, str]]
    reason: str

    def apply(self, aggregate: Any) -> None:
        super().apply(aggregate)
        if self.case_id not in aggregate.absorbed:
            aggregate.absorbed.append(self.case_id)
        for each in self.detections:
            aggregate.detections[each["detection_id"]] = {
                "camera_id": each["camera_id"],
                "case_id": each["case_id"],
                "with_case_id": self.case_id,
            }


class CaseReleased(CaseEvent):
    """A case that was merged into this one stands alone again.

    Where it takes many detections with it, several events carry them.
    """

    TOPIC: ClassVar[str] = "case.released"
    case_id: str
    detection_ids: list[str]
    reason: str

    def apply(self, aggregate: Any) -> None:
        super().apply(aggregate)
        if self.case_id in aggregate.absorbed:
            aggregate.absorbed.remove(self.case_id)
        for each in self.detection_ids:
            aggregate.detections.pop(each, None)


class CaseMerged(CaseEvent):
    """This case is the same problem as another, and goes on there."""

    TOPIC: ClassVar[str] = "case.merged"
    into_case_id: str
    reason: str

    def apply(self, aggregate: Any) -> None:
        super().apply(aggregate)
        aggregate.status_before_merge = aggregate.status
        aggregate.status = CaseStatus.MERGED.value
        aggregate.merged_into = self.into_case_id


class CaseUnmerged(CaseEvent):
    """The merge was wrong: this case stands where it stood before."""

    TOPIC: ClassVar[str] = "case.unmerged"
    from_case_id: str
    reason: str

    def apply(self, aggregate: Any) -> None:
        super().apply(aggregate)
        aggregate.status = aggregate.status_before_merge
        aggregate.status_before_merge = aggregate.merged_into = None


class CaseChangeRequested(CaseEvent):
    """Somebody asks for a change that a supervisor has to approve.

    An extension names a deadline's code and how much more of its time; a deferral the time until
    which nothing is to be done.
    """

    TOPIC: ClassVar[str] = "case.change_requested"
    request_id: str
    change: str
    reason: str
    requested_by: str
    department: str | None
    deadline: str | None
    amount: float | None
    until: str | None

    def apply(self, aggregate: Any) -> None:
        super().apply(aggregate)
        aggregate.requests.append(
            {
                "request_id": self.request_id,
                "change": self.change,
                "reason": self.reason,
                "requested_by": self.requested_by,
                "department": self.department,
                "deadline": self.deadline,
                "amount": self.amount,
                "until": self.until,
            }
        )


class CaseChangeSettled(CaseEvent):
    """A supervisor answered a request."""

    request_id: str
    note: str

    def apply(self, aggregate: Any) -> None:
        super().apply(aggregate)
        aggregate.requests = [
            each for each in aggregate.requests if each["request_id"] != self.request_id
        ]


class CaseChangeDenied(CaseChangeSettled):
    """The supervisor does not approve."""

    TOPIC: ClassVar[str] = "case.change_denied"
    change: str


class CaseHandedBack(CaseChangeSettled):
    """It was sent to the wrong department: the centre dispatches it anew (回退)."""

    TOPIC: ClassVar[str] = "case.handed_back"
    drops = (Stage.HANDLING,)
    department: str
    reason: str

    def apply(self, aggregate: Any) -> None:
        super().apply(aggregate)
        aggregate.status = CaseStatus.FILED.value
        aggregate.departments, aggregate.lead = [], None
        aggregate.accepted_by, aggregate.tasks, aggregate.requests = [], [], []
        aggregate.last_occurred_at = self.occurred_at


class CaseVoided(CaseChangeSettled):
    """It is no case (作廢)."""

    TOPIC: ClassVar[str] = "case.voided"
    drops = tuple(Stage)
    reason: str

    def apply(self, aggregate: Any) -> None:
        super().apply(aggregate)
        aggregate.status = CaseStatus.VOIDED.value
        aggregate.requests = []
        aggregate.last_occurred_at = self.occurred_at


class CaseExtended(CaseChangeSettled):
    """A deadline was put off (延期)."""

    TOPIC: ClassVar[str] = "case.extended"
    reason: str
    moved: list[MovedDeadline]

    def apply(self, aggregate: Any) -> None:
        super().apply(aggregate)
        deadlines.move(aggregate.deadlines, self.moved)
        aggregate.times_extended += 1


class CaseDeferred(CaseChangeSettled):
    """Nothing can be done for now: the deadlines stand still (緩辦)."""

    TOPIC: ClassVar[str] = "case.deferred"
    reason: str
    until: str

    def apply(self, aggregate: Any) -> None:
        super().apply(aggregate)
        aggregate.deferred_at, aggregate.deferred_until = self.occurred_at, self.until


class CaseResumed(CaseEvent):
    """The deferral is over: the deadlines go on with what was left of them."""

    TOPIC: ClassVar[str] = "case.resumed"
    moved: list[MovedDeadline]

    def apply(self, aggregate: Any) -> None:
        super().apply(aggregate)
        deadlines.move(aggregate.deadlines, self.moved)
        aggregate.deferred_at = aggregate.deferred_until = None


class CaseDeadlineWarned(CaseEvent):
    """A deadline comes near; `responsible` is a department, or the centre."""

    TOPIC: ClassVar[str] = "case.deadline_warned"
    code: str
    stage: str
    due_at: str
    responsible: str

    def apply(self, aggregate: Any) -> None:
        super().apply(aggregate)
        _mark(aggregate, self.code, warned=True)


class CaseDeadlineMissed(CaseEvent):
    """A deadline has passed: the case is the supervisor's concern now."""

    TOPIC: ClassVar[str] = "case.deadline_missed"
    code: str
    stage: str
    due_at: str
    responsible: str

    def apply(self, aggregate: Any) -> None:
        super().apply(aggregate)
        _mark(aggregate, self.code, warned=True, missed=True)


class CaseCommented(CaseEvent):
    """Somebody outside said something of the case, which changes nothing.

    What they said is sealed in the vault under `comment_id`, for a time; `stated` is how the
    problem stands as they see it, in the words of the channel.
    """

    TOPIC: ClassVar[str] = "case.commented"
    author: str
    comment_id: str
    stated: str | None
    written_at: str


def _mark(aggregate: Any, code: str, **marks: bool) -> None:
    for each in aggregate.deadlines:
        if each["code"] == code:
            each.update(marks)


EVENTS = (
    CaseReported, CaseFiled, CaseDispatched, CaseAccepted, CaseDeclined, CaseDecided,
    CaseTaskFinished, CaseMilestoneReached, CaseHandled, CaseReturned, CaseRecheckFailed,
    CaseVerified, CaseClosed, CaseReopened, CaseDetectionMerged, CaseDetectionSeparated,
    CaseAbsorbed, CaseReleased, CaseMerged, CaseUnmerged, CaseChangeRequested, CaseChangeDenied,
    CaseHandedBack, CaseVoided, CaseExtended, CaseDeferred, CaseResumed, CaseDeadlineWarned,
    CaseDeadlineMissed, CaseCommented,
)  # fmt: skip

"""The events of a case on its way from report to closing, and of what is said of it.

Stream `case-<id>`; what cameras see and merges, requests and alarms have files of their own beside
this one. The topics below are the storage format: never rename one. Coordinates are WGS-84 degrees;
times in nested values are RFC 3339 texts in UTC. Events written before a field existed lack it:
such fields have a default.
"""

from dataclasses import field
from datetime import datetime
from enum import StrEnum
from typing import Any, ClassVar, TypedDict

from citybrain.domain.inspection.deadlines import Deadline, Ended, Stage
from citybrain.domain.inspection.standing import Data, Folded, Standing
from citybrain.domain.inspection.statuses import CaseStatus
from citybrain.domain.stream import StreamCreated, StreamEvent

IMPORT_CHANNEL = "import"
"""The channel of what another system's records tell: what happened there and then."""


class CaseSource(StrEnum):
    """Who noticed the problem."""

    CAMERA = "camera"
    CITIZEN = "citizen"
    OFFICIAL = "official"


class CasePlace(TypedDict):
    """The areas that a case lies in, by their codes, and the grid cell of 15 digits."""

    district: str | None
    street: str | None
    community: str | None
    cell: str | None
    version: str


class Task(TypedDict):
    """What one department does in a joint decision."""

    department: str
    task: str


class CaseReported(Folded, StreamCreated):
    """Somebody or a camera noticed a problem; without a degree it waits for a place."""

    TOPIC: ClassVar[str] = "case.reported"
    leads_to = CaseStatus.REPORTED
    source: str
    class_code: str
    description: str
    latitude: float | None
    longitude: float | None
    address: str | None
    confidence: int | None
    evidence_sha256: list[str]
    simulated: bool
    external_ref: str | None
    occurred_at: datetime
    place: CasePlace | None = field(default=None, kw_only=True)
    attributes: dict[str, list[str]] | None = field(default=None, kw_only=True)
    begun: list[Deadline] | None = field(default=None, kw_only=True)
    visibility: str | None = field(default=None, kw_only=True)
    description_sealed: str | None = field(default=None, kw_only=True)

    @classmethod
    def fold(cls, standing: Standing, data: Data) -> None:
        super().fold(standing, data)
        standing.visibility = data.get("visibility") or standing.visibility
        standing.description_sealed = data.get("description_sealed")

    def apply(self, aggregate: Any) -> None:
        # An older event lacks what was added later: its class says what holds then.
        vars(aggregate).update({name: getattr(self, name) for name in REPORT})
        aggregate.reported_at = aggregate.last_occurred_at = self.occurred_at
        self.fold(aggregate, vars(self))


FOLDED = ("TOPIC", "occurred_at", "begun", "visibility", "description_sealed")
REPORT = tuple(name for name in CaseReported.__annotations__ if name not in FOLDED)
"""What was reported of the problem itself: the state keeps it as it is."""


class CaseEvent(Folded, StreamEvent):
    """A later event of a case; `occurred_at` is the time in the world, UTC."""

    occurred_at: datetime
    begun: list[Deadline] | None = field(default=None, kw_only=True)
    ended: list[Ended] | None = field(default=None, kw_only=True)

    def apply(self, aggregate: Any) -> None:
        self.fold(aggregate, vars(self))


class CaseStep(CaseEvent):
    """Something that happened in the world, which the next step cannot lie before."""

    def apply(self, aggregate: Any) -> None:
        super().apply(aggregate)
        aggregate.last_occurred_at = self.occurred_at


class CaseFiled(CaseStep):
    """The report became a case."""

    TOPIC: ClassVar[str] = "case.filed"
    leads_to = CaseStatus.FILED
    ends = (Stage.FILING,)
    definitions_version: str


class CaseDispatched(CaseStep):
    """The case went to its departments, one of which leads."""

    TOPIC: ClassVar[str] = "case.dispatched"
    leads_to = CaseStatus.DISPATCHED
    ends = (Stage.DISPATCH,)
    departments: list[str]
    lead: str
    definitions_version: str

    @classmethod
    def fold(cls, standing: Standing, data: Data) -> None:
        super().fold(standing, data)
        standing.departments, standing.lead = list(data["departments"]), data["lead"]
        standing.assignees = {}

    def apply(self, aggregate: Any) -> None:
        super().apply(aggregate)
        aggregate.accepted_by, aggregate.tasks = [], []


class CaseAccepted(CaseStep):
    """A department took the case on; the case is accepted when the lead has."""

    TOPIC: ClassVar[str] = "case.accepted"
    leads_to = CaseStatus.ACCEPTED
    department: str

    @classmethod
    def reached(cls, standing: Standing, data: Data) -> CaseStatus | None:
        return cls.leads_to if data["department"] == standing.lead else None

    def apply(self, aggregate: Any) -> None:
        super().apply(aggregate)
        aggregate.accepted_by.append(self.department)


class CaseDeclined(CaseStep):
    """A department that does not lead has no part in the case; the lead and others go on."""

    TOPIC: ClassVar[str] = "case.declined"
    department: str
    reason: str

    @classmethod
    def fold(cls, standing: Standing, data: Data) -> None:
        super().fold(standing, data)
        standing.departments = [
            department for department in standing.departments if department != data["department"]
        ]

    def apply(self, aggregate: Any) -> None:
        super().apply(aggregate)
        aggregate.accepted_by = [
            department for department in aggregate.accepted_by if department != self.department
        ]


class CaseDecided(CaseStep):
    """The joint decision: what the departments do, as the lead has settled it with them."""

    TOPIC: ClassVar[str] = "case.decided"
    department: str
    plan: str
    tasks: list[Task]

    def apply(self, aggregate: Any) -> None:
        super().apply(aggregate)
        aggregate.tasks = [{**task, "finished": False} for task in self.tasks]


class CaseTaskFinished(CaseStep):
    """A department did its part of the joint decision."""

    TOPIC: ClassVar[str] = "case.task_finished"
    department: str
    note: str
    evidence_sha256: list[str]
    finished_by: str | None = field(default=None, kw_only=True)

    def apply(self, aggregate: Any) -> None:
        super().apply(aggregate)
        aggregate.note_handler(self.finished_by)
        for task in aggregate.tasks:
            task["finished"] = task["finished"] or task["department"] == self.department


class CaseMilestoneReached(CaseStep):
    """A deadline within the handling was met, as when a place was made safe."""

    TOPIC: ClassVar[str] = "case.milestone_reached"
    department: str
    milestone: str
    note: str
    evidence_sha256: list[str]


class CaseHandled(CaseStep):
    """The lead department solved the problem and shows the evidence.

    `recheck_at` is when the cameras that saw the problem may show that it is gone.
    """

    TOPIC: ClassVar[str] = "case.handled"
    leads_to = CaseStatus.HANDLED
    ends = (Stage.HANDLING,)
    department: str
    note: str
    evidence_sha256: list[str]
    recheck_at: str | None = field(default=None, kw_only=True)
    handled_by: str | None = field(default=None, kw_only=True)

    def apply(self, aggregate: Any) -> None:
        super().apply(aggregate)
        aggregate.note_handler(self.handled_by)
        aggregate.field_check = None
        aggregate.handled_at = self.occurred_at
        aggregate.recheck_at = self.recheck_at


class CaseReturned(CaseStep):
    """Verification found the problem unsolved, or a camera saw it again: rework."""

    TOPIC: ClassVar[str] = "case.returned"
    leads_to = CaseStatus.RETURNED
    ends = (Stage.VERIFICATION,)
    reason: str

    @classmethod
    def fold(cls, standing: Standing, data: Data) -> None:
        super().fold(standing, data)
        standing.times_returned += 1

    def apply(self, aggregate: Any) -> None:
        super().apply(aggregate)
        aggregate.recheck_at = aggregate.field_check = None


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
    leads_to = CaseStatus.VERIFIED
    ends = (Stage.VERIFICATION,)
    note: str

    def apply(self, aggregate: Any) -> None:
        super().apply(aggregate)
        aggregate.recheck_at = None


class CaseClosed(CaseStep):
    """The end of the case. `resolution` is for those who work on it, `public_answer` for all."""

    TOPIC: ClassVar[str] = "case.closed"
    leads_to = CaseStatus.CLOSED
    ends = tuple(Stage)
    resolution: str
    public_answer: str | None = field(default=None, kw_only=True)


class CaseReopened(CaseStep):
    """The problem was seen again after the closing: the lead handles it again."""

    TOPIC: ClassVar[str] = "case.reopened"
    leads_to = CaseStatus.REOPENED
    reason: str
    detection_id: str | None

    @classmethod
    def fold(cls, standing: Standing, data: Data) -> None:
        super().fold(standing, data)
        standing.times_reopened += 1


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


EVENTS: tuple[type[CaseReported | CaseEvent], ...] = (
    CaseReported,
    CaseFiled,
    CaseDispatched,
    CaseAccepted,
    CaseDeclined,
    CaseDecided,
    CaseTaskFinished,
    CaseMilestoneReached,
    CaseHandled,
    CaseReturned,
    CaseRecheckFailed,
    CaseVerified,
    CaseClosed,
    CaseReopened,
    CaseCommented,
)

"""The events of changes that are asked for and settled, and of deferrals.

The topics below are the storage format: never rename one.
"""

from dataclasses import field
from enum import StrEnum
from typing import Any, ClassVar

from citybrain.domain.inspection.case_events import CaseEvent, CaseStep
from citybrain.domain.inspection.deadlines import MovedDeadline, Stage
from citybrain.domain.inspection.standing import Data, Standing
from citybrain.domain.inspection.statuses import CaseStatus


class Change(StrEnum):
    """What is asked for and a supervisor approves (回退、作廢、延期、緩辦)."""

    HAND_BACK = "hand-back"
    VOID = "void"
    EXTENSION = "extension"
    DEFERRAL = "deferral"


ASKED = (
    "request_id",
    "change",
    "reason",
    "requested_by",
    "department",
    "deadline",
    "amount",
    "until",
)
"""What the state keeps of a request."""


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

    @classmethod
    def fold(cls, standing: Standing, data: Data) -> None:
        super().fold(standing, data)
        standing.requests.append({name: data[name] for name in ASKED})


class CaseChangeSettled(CaseEvent):
    """A supervisor answered a request."""

    request_id: str
    note: str

    @classmethod
    def fold(cls, standing: Standing, data: Data) -> None:
        super().fold(standing, data)
        standing.requests = [
            request for request in standing.requests if request["request_id"] != data["request_id"]
        ]


class CaseChangeDenied(CaseChangeSettled):
    """The supervisor does not approve."""

    TOPIC: ClassVar[str] = "case.change_denied"
    change: str


class CaseHandedBack(CaseStep, CaseChangeSettled):
    """It was sent to the wrong department: the centre dispatches it anew (回退)."""

    TOPIC: ClassVar[str] = "case.handed_back"
    leads_to = CaseStatus.FILED
    drops = (Stage.HANDLING,)
    department: str
    reason: str

    @classmethod
    def fold(cls, standing: Standing, data: Data) -> None:
        super().fold(standing, data)
        standing.departments, standing.lead, standing.requests = [], None, []
        standing.assignees = {}

    def apply(self, aggregate: Any) -> None:
        super().apply(aggregate)
        aggregate.accepted_by, aggregate.tasks = [], []


class CaseVoided(CaseStep, CaseChangeSettled):
    """It is no case (作廢). `reason` is for those who work on it, `public_answer` for all."""

    TOPIC: ClassVar[str] = "case.voided"
    leads_to = CaseStatus.VOIDED
    drops = tuple(Stage)
    reason: str
    public_answer: str | None = field(default=None, kw_only=True)

    @classmethod
    def fold(cls, standing: Standing, data: Data) -> None:
        super().fold(standing, data)
        standing.requests = []


class CaseExtended(CaseChangeSettled):
    """A deadline was put off (延期)."""

    TOPIC: ClassVar[str] = "case.extended"
    reason: str
    moved: list[MovedDeadline]

    def apply(self, aggregate: Any) -> None:
        super().apply(aggregate)
        aggregate.times_extended += 1


class CaseDeferred(CaseChangeSettled):
    """Nothing can be done for now: the deadlines stand still (緩辦)."""

    TOPIC: ClassVar[str] = "case.deferred"
    reason: str
    until: str

    @classmethod
    def fold(cls, standing: Standing, data: Data) -> None:
        super().fold(standing, data)
        standing.deferred_until = data["until"]

    def apply(self, aggregate: Any) -> None:
        super().apply(aggregate)
        aggregate.deferred_at = self.occurred_at


class CaseResumed(CaseEvent):
    """The deferral is over: the deadlines go on with what was left of them."""

    TOPIC: ClassVar[str] = "case.resumed"
    moved: list[MovedDeadline]

    @classmethod
    def fold(cls, standing: Standing, data: Data) -> None:
        super().fold(standing, data)
        standing.deferred_until = None

    def apply(self, aggregate: Any) -> None:
        super().apply(aggregate)
        aggregate.deferred_at = None


EVENTS: tuple[type[CaseEvent], ...] = (
    CaseChangeRequested,
    CaseChangeDenied,
    CaseHandedBack,
    CaseVoided,
    CaseExtended,
    CaseDeferred,
    CaseResumed,
)

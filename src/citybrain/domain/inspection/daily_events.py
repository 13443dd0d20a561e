"""The events of the centre's daily work on a case: corrections, who does it, checks in the field.

The topics below are the storage format: never rename one.
"""

from enum import StrEnum
from typing import Any, ClassVar

from citybrain.domain.inspection.case_events import CaseEvent, CasePlace
from citybrain.domain.inspection.deadlines import Stage
from citybrain.domain.inspection.standing import Data, Standing


class Priority(StrEnum):
    """How soon the centre wants it done; deadlines stay as they are."""

    NORMAL = "normal"
    HIGH = "high"
    URGENT = "urgent"


class CaseReclassified(CaseEvent):
    """It is a problem of another class: deadlines that ran go on as those of that class."""

    TOPIC: ClassVar[str] = "case.reclassified"
    drops = tuple(Stage)
    class_code: str
    before: str
    reason: str
    definitions_version: str

    def apply(self, aggregate: Any) -> None:
        super().apply(aggregate)
        aggregate.class_code = self.class_code


class CaseRelocated(CaseEvent):
    """It is at another place. `place` are its areas."""

    TOPIC: ClassVar[str] = "case.relocated"
    latitude: float
    longitude: float
    address: str | None
    place: CasePlace | None
    reason: str

    def apply(self, aggregate: Any) -> None:
        super().apply(aggregate)
        aggregate.latitude, aggregate.longitude = self.latitude, self.longitude
        aggregate.address, aggregate.place = self.address, self.place


class CasePrioritised(CaseEvent):
    """The centre wants it done sooner, or no sooner than others."""

    TOPIC: ClassVar[str] = "case.prioritised"
    priority: str
    reason: str

    @classmethod
    def fold(cls, standing: Standing, data: Data) -> None:
        super().fold(standing, data)
        standing.priority = data["priority"]


class CaseAssetNamed(CaseEvent):
    """It is about this thing in the street, which its owner looks after; or about none."""

    TOPIC: ClassVar[str] = "case.asset_named"
    asset_code: str | None
    owner: str | None

    @classmethod
    def fold(cls, standing: Standing, data: Data) -> None:
        super().fold(standing, data)
        standing.asset_code = data["asset_code"]

    def apply(self, aggregate: Any) -> None:
        super().apply(aggregate)
        aggregate.asset_owner = self.owner


class CaseAssigned(CaseEvent):
    """A person of a department does what the department has to do; nobody where absent."""

    TOPIC: ClassVar[str] = "case.assigned"
    department: str
    assignee: str | None

    @classmethod
    def fold(cls, standing: Standing, data: Data) -> None:
        super().fold(standing, data)
        others = {
            department: person
            for department, person in standing.assignees.items()
            if department != data["department"]
        }
        if data["assignee"] is not None:
            others[data["department"]] = data["assignee"]
        standing.assignees = others


class CaseCheckOrdered(CaseEvent):
    """The centre sends somebody to look whether it is solved (核查)."""

    TOPIC: ClassVar[str] = "case.check_ordered"
    inspector: str
    note: str

    def apply(self, aggregate: Any) -> None:
        super().apply(aggregate)
        aggregate.field_check = {"inspector": self.inspector, "solved": None}


class CaseChecked(CaseEvent):
    """Somebody looked, and says whether it is solved."""

    TOPIC: ClassVar[str] = "case.checked"
    inspector: str
    solved: bool
    note: str
    evidence_sha256: list[str]

    def apply(self, aggregate: Any) -> None:
        super().apply(aggregate)
        aggregate.field_check = {"inspector": self.inspector, "solved": self.solved}


class CaseRated(CaseEvent):
    """Its reporter says how well it was solved, in stars of five; their words are a comment."""

    TOPIC: ClassVar[str] = "case.rated"
    stars: int
    closing: int
    """Which closing it is of: how many times the case was reopened before."""

    @classmethod
    def fold(cls, standing: Standing, data: Data) -> None:
        super().fold(standing, data)
        standing.rating = data["stars"]

    def apply(self, aggregate: Any) -> None:
        super().apply(aggregate)
        aggregate.rated_closing = self.closing


class CaseSubscribed(CaseEvent):
    """Somebody beside the reporter wants to be told what becomes of it, or no more."""

    TOPIC: ClassVar[str] = "case.subscribed"
    subscriber: str
    wanted: bool

    def apply(self, aggregate: Any) -> None:
        super().apply(aggregate)
        others = [each for each in aggregate.subscribers if each != self.subscriber]
        aggregate.subscribers = [*others, self.subscriber] if self.wanted else others


EVENTS: tuple[type[CaseEvent], ...] = (
    CaseReclassified,
    CaseRelocated,
    CasePrioritised,
    CaseAssetNamed,
    CaseAssigned,
    CaseCheckOrdered,
    CaseChecked,
    CaseRated,
    CaseSubscribed,
)

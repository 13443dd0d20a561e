"""The events of a case as its detections come and go, and cases turn out to be one problem or two.

The topics below are the storage format: never rename one.
"""

from typing import Any, ClassVar, NotRequired, TypedDict

from citybrain.domain.inspection.case_events import CaseEvent
from citybrain.domain.inspection.deadlines import Stage
from citybrain.domain.inspection.standing import Data, Standing
from citybrain.domain.inspection.statuses import CaseStatus


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


class CaseDetectionMerged(CaseEvent):
    """A camera's detection became evidence of the case."""

    TOPIC: ClassVar[str] = "case.detection_merged"
    detection: CaseDetection

    @classmethod
    def adds_detections(cls, data: Data) -> int:
        return 1

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

    @classmethod
    def adds_detections(cls, data: Data) -> int:
        return -1

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

    @classmethod
    def adds_detections(cls, data: Data) -> int:
        return len(data["detections"])

    def apply(self, aggregate: Any) -> None:
        super().apply(aggregate)
        if self.case_id not in aggregate.absorbed:
            aggregate.absorbed.append(self.case_id)
        for seen in self.detections:
            aggregate.detections[seen["detection_id"]] = {
                "camera_id": seen["camera_id"],
                "case_id": seen["case_id"],
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

    @classmethod
    def adds_detections(cls, data: Data) -> int:
        return -len(data["detection_ids"])

    def apply(self, aggregate: Any) -> None:
        super().apply(aggregate)
        if self.case_id in aggregate.absorbed:
            aggregate.absorbed.remove(self.case_id)
        for detection_id in self.detection_ids:
            aggregate.detections.pop(detection_id, None)


class CaseMerged(CaseEvent):
    """This case is the same problem as another, and goes on there: what ran for it ends."""

    TOPIC: ClassVar[str] = "case.merged"
    leads_to = CaseStatus.MERGED
    drops = tuple(Stage)
    into_case_id: str
    reason: str

    @classmethod
    def fold(cls, standing: Standing, data: Data) -> None:
        standing.status_before_merge = standing.status
        ended = {each["code"] for each in data.get("ended") or ()}
        standing.deadlines_before_merge = [
            each for each in standing.deadlines if each["code"] in ended
        ]
        super().fold(standing, data)
        standing.merged_into = data["into_case_id"]


class CaseUnmerged(CaseEvent):
    """The merge was wrong: this case stands where it stood before, and `begun` is what ran then."""

    TOPIC: ClassVar[str] = "case.unmerged"
    from_case_id: str
    reason: str

    @classmethod
    def reached(cls, standing: Standing, data: Data) -> CaseStatus | None:
        before = standing.status_before_merge
        return None if before is None else CaseStatus(before)

    @classmethod
    def fold(cls, standing: Standing, data: Data) -> None:
        super().fold(standing, data)
        standing.status_before_merge = standing.merged_into = None
        standing.deadlines_before_merge = []


EVENTS: tuple[type[CaseEvent], ...] = (
    CaseDetectionMerged,
    CaseDetectionSeparated,
    CaseAbsorbed,
    CaseReleased,
    CaseMerged,
    CaseUnmerged,
)

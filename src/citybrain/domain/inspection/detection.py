"""Detections: what a camera's recognition saw, one stream each, `detection-<id>`.

The topics below are the storage format: never rename one. A detection that is not sure enough waits
for a person; which case it belongs to is in the stream of that case.
"""

from datetime import datetime
from enum import StrEnum
from typing import Any, ClassVar

from citybrain.domain.actor import WATCHERS, Actor, Role, RoleNotAllowed, check_speaks_for
from citybrain.domain.stream import StreamAggregate, StreamCreated, StreamEvent
from citybrain.domain.times import CLOCK_TOLERANCE, TimeOutOfOrder
from citybrain.errors import Refused


class DetectionStatus(StrEnum):
    """What is known about a detection."""

    AWAITING = "awaiting-confirmation"
    CONFIRMED = "confirmed"
    DISMISSED = "dismissed"


# --- events -------------------------------------------------------------------------------


class DetectionRecorded(StreamCreated):
    """A camera saw a problem. WGS-84 degrees; confidence in percent; `sure`: no person needed."""

    TOPIC: ClassVar[str] = "detection.recorded"
    camera_id: str
    class_code: str
    confidence: int
    latitude: float
    longitude: float
    occurred_at: datetime
    evidence_sha256: list[str]
    simulated: bool
    sure: bool
    definitions_version: str


class DetectionConfirmed(StreamEvent):
    """A person saw that it is so."""

    TOPIC: ClassVar[str] = "detection.confirmed"
    note: str

    def apply(self, aggregate: Any) -> None:
        aggregate.status = DetectionStatus.CONFIRMED.value


class DetectionDismissed(StreamEvent):
    """A person saw that it is not so."""

    TOPIC: ClassVar[str] = "detection.dismissed"
    reason: str

    def apply(self, aggregate: Any) -> None:
        aggregate.status = DetectionStatus.DISMISSED.value


# --- refusals -----------------------------------------------------------------------------


class NotAwaiting(Refused):
    """The detection does not wait for a person (any more)."""

    code = "not-awaiting-confirmation"


# --- state and decisions ------------------------------------------------------------------


class Detection(StreamAggregate):
    """One detection of one camera."""

    TOPIC: ClassVar[str] = "detection"
    category: ClassVar[str] = "detection"
    EVENTS: ClassVar[tuple[type[StreamEvent], ...]] = (
        DetectionRecorded,
        DetectionConfirmed,
        DetectionDismissed,
    )

    def __init__(
        self,
        camera_id: str,
        class_code: str,
        confidence: int,
        latitude: float,
        longitude: float,
        occurred_at: datetime,
        evidence_sha256: list[str],
        simulated: bool,
        sure: bool,
        definitions_version: str,
    ) -> None:
        self.camera_id = camera_id
        self.class_code = class_code
        self.confidence = confidence
        self.latitude = latitude
        self.longitude = longitude
        self.occurred_at = occurred_at
        self.evidence_sha256 = list(evidence_sha256)
        self.simulated = simulated
        self.definitions_version = definitions_version
        status = DetectionStatus.CONFIRMED if sure else DetectionStatus.AWAITING
        self.status: str = status.value

    @classmethod
    def record(
        cls,
        actor: Actor,
        now: datetime,
        *,
        detection_id: str,
        camera_id: str,
        class_code: str,
        confidence: int,
        latitude: float,
        longitude: float,
        occurred_at: datetime,
        evidence_sha256: list[str],
        simulated: bool,
        sure: bool,
        definitions_version: str,
    ) -> "Detection":
        """What a camera saw; raises `RoleNotAllowed`, `NotYourDevice` or `TimeOutOfOrder`."""
        if not actor.has(*WATCHERS, Role.SYSTEM):
            raise RoleNotAllowed("detections are recorded by cameras, gateways and vehicles")
        check_speaks_for(actor, camera_id)
        if occurred_at > now + CLOCK_TOLERANCE:
            raise TimeOutOfOrder("occurred_at lies in the future")
        return cls._create(
            DetectionRecorded,
            id=detection_id,
            timestamp=now,
            camera_id=camera_id,
            class_code=class_code,
            confidence=confidence,
            latitude=latitude,
            longitude=longitude,
            occurred_at=occurred_at,
            evidence_sha256=list(evidence_sha256),
            simulated=simulated,
            sure=sure,
            definitions_version=definitions_version,
        )

    def confirm(self, actor: Actor, now: datetime, *, note: str) -> None:
        """A person confirms it. Raises `NotAwaiting`."""
        self._check(actor)
        self.trigger_event(DetectionConfirmed, timestamp=now, note=note)

    def dismiss(self, actor: Actor, now: datetime, *, reason: str) -> None:
        """A person dismisses it. Raises `NotAwaiting`."""
        self._check(actor)
        self.trigger_event(DetectionDismissed, timestamp=now, reason=reason)

    def _check(self, actor: Actor) -> None:
        if not actor.has(Role.OPERATOR):
            raise RoleNotAllowed("for a detection to be confirmed takes the role operator")
        if self.status != DetectionStatus.AWAITING:
            raise NotAwaiting(f"the detection is {self.status}", detection_status=self.status)

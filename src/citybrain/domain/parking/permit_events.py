"""The events of a permit to park. The topics are the storage format: never rename one.

Plates are sealed with their own keys, notes of officers with the holder's. Times within are RFC
3339 in UTC.
"""

from dataclasses import field
from enum import StrEnum
from typing import Any, ClassVar

from citybrain.domain.stream import StreamCreated, StreamEvent
from citybrain.domain.times import moment


class PermitStatus(StrEnum):
    """How a permit stands."""

    ASKED = "asked"
    GRANTED = "granted"
    """It holds within its times."""

    DENIED = "denied"
    ENDED = "ended"
    """Before its time. What it covered before, it covers still."""


class Decision(StrEnum):
    """What an officer proposes, and another one agrees to."""

    GRANT = "grant"
    DENY = "deny"
    END = "end"


class PermitAsked(StreamCreated):
    """Somebody asks for a permit: its citizen, or an officer for a vehicle (`citizen_id` null).

    `kinds_version` has the kind as it was asked for; None in events from before it was noted.
    """

    TOPIC: ClassVar[str] = "parking.permit_asked"
    citizen_id: str | None
    kind: str
    of_person: bool
    plate: dict[str, Any]
    zone_id: str | None
    document_sha256: str | None
    kinds_version: str | None = field(default=None, kw_only=True)


class PermitDecisionProposed(StreamEvent):
    """An officer says what is to be done, from when until when, and why; another one decides."""

    TOPIC: ClassVar[str] = "parking.permit_decision_proposed"
    decision: str
    proposed_by: str
    begins: str | None
    ends: str | None
    reason: str
    note_sealed: str | None

    def apply(self, aggregate: Any) -> None:
        aggregate.proposal = {
            "decision": self.decision,
            "proposed_by": self.proposed_by,
            "begins": self.begins,
            "ends": self.ends,
            "reason": self.reason,
        }


class PermitDecisionTurnedBack(StreamEvent):
    """The second officer does not agree."""

    TOPIC: ClassVar[str] = "parking.permit_decision_turned_back"
    decision: str
    turned_back_by: str
    reason: str

    def apply(self, aggregate: Any) -> None:
        aggregate.proposal = None


class PermitGranted(StreamEvent):
    """Two officers gave it, from `begins` on until before `ends`: it may begin in the past."""

    TOPIC: ClassVar[str] = "parking.permit_granted"
    leads_to: ClassVar[PermitStatus] = PermitStatus.GRANTED
    begins: str
    ends: str
    proposed_by: str
    granted_by: str
    kinds_version: str

    def apply(self, aggregate: Any) -> None:
        aggregate.status = self.leads_to.value
        aggregate.begins, aggregate.ends = moment(self.begins), moment(self.ends)
        aggregate.proposal = None


class PermitDenied(StreamEvent):
    """Two officers said no."""

    TOPIC: ClassVar[str] = "parking.permit_denied"
    leads_to: ClassVar[PermitStatus] = PermitStatus.DENIED
    reason: str
    proposed_by: str
    denied_by: str

    def apply(self, aggregate: Any) -> None:
        aggregate.status = self.leads_to.value
        aggregate.reason = self.reason
        aggregate.proposal = None


class PermitEnded(StreamEvent):
    """It holds no more, from this moment on: given back, or ended by two officers, or by rule."""

    TOPIC: ClassVar[str] = "parking.permit_ended"
    leads_to: ClassVar[PermitStatus] = PermitStatus.ENDED
    reason: str
    proposed_by: str | None
    ended_by: str

    def apply(self, aggregate: Any) -> None:
        aggregate.status = self.leads_to.value
        aggregate.reason = self.reason
        aggregate.ended_at = self.timestamp
        aggregate.proposal = None


class PermitCarNamed(StreamEvent):
    """The person's car of a day of the city: from `since` on until the day is over."""

    TOPIC: ClassVar[str] = "parking.permit_car_named"
    day: str
    plate: dict[str, Any]
    since: str
    until: str

    def apply(self, aggregate: Any) -> None:
        aggregate.cars.append(
            {
                "day": self.day,
                "plate_id": self.plate["plate_id"],
                "since": moment(self.since),
                "until": moment(self.until),
            }
        )


EVENTS: tuple[type[StreamEvent], ...] = (
    PermitAsked,
    PermitDecisionProposed,
    PermitDecisionTurnedBack,
    PermitGranted,
    PermitDenied,
    PermitEnded,
    PermitCarNamed,
)
LEADS_TO: dict[str, PermitStatus] = {
    event.TOPIC: event.leads_to for event in (PermitGranted, PermitDenied, PermitEnded)
}
"""How a permit stands after an event, by topic."""

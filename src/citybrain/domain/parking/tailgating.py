"""Several vehicles that left during one opening of a barrier: each is a departure of its own.

That reads come shortly after one another is no reason to take them for one vehicle. What settles
doubt is the loop: where it counted fewer vehicles than were read, somebody looks.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from citybrain.domain.parking.gate_events import SessionTailgated
from citybrain.domain.parking.session import ParkingSession

DEPARTED_UNPAID: Final = "departed-unpaid"
"""Why a debt is paid later: it left behind somebody for whom the barrier was opened."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tail:
    """A vehicle that was not the first to leave during an opening; members as in the event."""

    opening: str
    place: int
    behind: str
    detection_id: str
    evidence_sha256: tuple[str, ...]
    counted: int | None

    def said(self) -> dict[str, Any]:
        """What of it a session keeps."""
        return {
            "opening": self.opening,
            "place": self.place,
            "behind": self.behind,
            "counted": self.counted,
        }


def note_tailgated(session: ParkingSession, now: datetime, tail: Tail) -> None:
    """It was not the first that left during an opening; each change once."""
    if session.tailgated != tail.said() and not session.voided:
        session.trigger_event(
            SessionTailgated,
            timestamp=now,
            detection_id=tail.detection_id,
            evidence_sha256=list(tail.evidence_sha256),
            **tail.said(),
        )

"""What gates make of a session. The topics are the storage format: never rename one."""

from typing import Any, ClassVar

from citybrain.domain.parking.session_event import SessionEvent
from citybrain.domain.stream import StreamEvent


class SessionTailgated(SessionEvent):
    """It left during an opening of the barrier in which another one had left before it.

    `place` is which it was, from 2. `behind` is the sign of the first, `detection_id` its own with
    its picture (`evidence_sha256`). `counted` is how many vehicles the loop counted, where it did.
    """

    TOPIC: ClassVar[str] = "parking.tailgated"
    opening: str
    place: int
    behind: str
    detection_id: str
    evidence_sha256: list[str]
    counted: int | None

    def note(self, aggregate: Any) -> None:
        aggregate.tailgated = {
            "opening": self.opening,
            "place": self.place,
            "behind": self.behind,
            "counted": self.counted,
        }


GATES: tuple[type[StreamEvent], ...] = (SessionTailgated,)

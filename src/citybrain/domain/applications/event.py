"""What the events of an application share, whatever file they stand in."""

from typing import Any, ClassVar

from citybrain.domain.applications.statuses import Status
from citybrain.domain.stream import StreamEvent


class ApplicationEvent(StreamEvent):
    """What happens to an application once it is submitted.

    `LEADS_TO` is the status that the event leads to; None where the status stays, or where it
    depends on what the event says (`application_events.status_after`).
    """

    LEADS_TO: ClassVar[Status | None] = None

    def apply(self, aggregate: Any) -> None:
        was, fields = aggregate.waits_for(), vars(self)
        self.note(aggregate)
        aggregate.follow(self.TOPIC, fields, was)

    def note(self, aggregate: Any) -> None:
        """Keep what the event says beside the status and the verdict."""

"""What the events of a session share once it is open."""

from typing import Any

from citybrain.domain.stream import StreamEvent


class SessionEvent(StreamEvent):
    """What happens once it is open."""

    def apply(self, aggregate: Any) -> None:
        self.note(aggregate)
        aggregate.judge()

    def note(self, aggregate: Any) -> None:
        """Keep what the event says."""

"""Events that were read together, and what many who follow the log ask of them."""

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from functools import cached_property

from citybrain.eventstore.types import RecordedEvent
from citybrain.eventstore.versions import VERSIONED


class Batch(list[RecordedEvent]):
    """Consecutive events of the log, which many share: neither it nor its events are changed.

    What is asked of all its events is found out once, however many ask.
    """

    @cached_property
    def topics(self) -> frozenset[str]:
        """The topics that occur."""
        return frozenset(event[3] for event in self)

    @cached_property
    def versioned(self) -> Sequence[RecordedEvent]:
        """Those that say of which version they are: only such a one can be newer than known."""
        return [event for event in self if VERSIONED in event[4]]


def has_topics(events: Sequence[RecordedEvent], topics: AbstractSet[str] | None) -> bool:
    """Whether any of the events is of these topics; of which it is does not matter where None."""
    if topics is None:
        return bool(events)
    return not _topics(events).isdisjoint(topics)


def _topics(events: Sequence[RecordedEvent]) -> AbstractSet[str]:
    return events.topics if isinstance(events, Batch) else {event[3] for event in events}


def of_topics(
    events: Sequence[RecordedEvent], topics: AbstractSet[str] | None
) -> Sequence[RecordedEvent]:
    """Those of the events that are of these topics, in order; all where `topics` is None."""
    if topics is None:
        return events
    there = _topics(events)
    if there.isdisjoint(topics):
        return ()
    if there <= topics:
        return events
    return [event for event in events if event[3] in topics]


def versioned(events: Sequence[RecordedEvent]) -> Sequence[RecordedEvent]:
    """Those of the events that say of which version they are."""
    if isinstance(events, Batch):
        return events.versioned
    return [event for event in events if VERSIONED in event[4]]

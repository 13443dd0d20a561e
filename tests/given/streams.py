"""What a stream has decided and not yet stored, for tests of a domain."""

from typing import Any

from citybrain.domain.stream import StreamAggregate
from citybrain.eventstore.codec import mapper


def events_of(stream: StreamAggregate) -> list[Any]:
    """Its pending events; each has fields of its own, hence `Any`."""
    return list(stream.pending_events)


def topics(stream: StreamAggregate) -> list[str]:
    """The topics of its pending events."""
    return [event.TOPIC for event in events_of(stream)]


def replayed(events: list[Any]) -> Any:
    """The aggregate that the stored bytes of events alone make; None of no events."""
    stream, stored_as = None, mapper()
    for event in events:
        found: Any = stored_as.to_domain_event(stored_as.to_stored_event(event))
        stream = found.mutate(stream)
    return stream

"""Events that are newer than this release: a model that applies them waits for the next one.

They are no poison: nothing is wrong with them, and during a roll-out there may be thousands.
"""

from citybrain.domain.stream import known_version
from citybrain.errors import CitybrainError
from citybrain.eventstore import RecordedEvent
from citybrain.kafka.wire import ReceivedEvent

VERSIONED = b'"class_version"'


class NewerThanKnown(CitybrainError):
    """A model has come to an event of a version that this release does not know."""

    code = "newer-than-known"


def newer(event: RecordedEvent | ReceivedEvent) -> NewerThanKnown | None:
    """What says that an event is newer than known; None where it is not, or cannot be read."""
    if VERSIONED not in event.state:
        return None
    try:
        version = event.data.get("class_version", 1)
    except ValueError:
        return None
    known = known_version(event.topic)
    if known is None or not isinstance(version, int) or version <= known:
        return None
    return NewerThanKnown(
        f"{event.topic} at position {event.position} is of version {version}, known is {known}"
    )

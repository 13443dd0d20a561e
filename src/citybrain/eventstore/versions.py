"""Events that are newer than this release: whoever would need them waits for the next one.

They are no poison: nothing is wrong with them, and during a roll-out there may be thousands. A read
model stops before them; a stream that has one is not decided on, for its state would be misread.
"""

from typing import Any, Protocol

from citybrain.domain.stream import known_version
from citybrain.errors import Unavailable

VERSIONED = b'"class_version"'
AGAIN_SECONDS = 30


class NewerThanKnown(Unavailable):
    """An event is of a version or a type that this release does not know."""

    code = "newer-than-known"


class Recorded(Protocol):
    """An event of the log, wherever it was read."""

    @property
    def position(self) -> int: ...
    @property
    def topic(self) -> str: ...
    @property
    def state(self) -> bytes: ...
    @property
    def data(self) -> Any: ...


def newer(event: Recorded) -> NewerThanKnown | None:
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
        f"{event.topic} at position {event.position} is of version {version}, known is {known}",
        retry_after_seconds=AGAIN_SECONDS,
    )


def never_heard_of(event: Recorded) -> NewerThanKnown:
    """What says that an event is of a type that this release does not know."""
    return NewerThanKnown(
        f"{event.topic} at position {event.position} is a type that is not known",
        retry_after_seconds=AGAIN_SECONDS,
    )

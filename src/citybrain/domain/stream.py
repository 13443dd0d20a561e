"""What every stream shares: the aggregate and event base classes with text ids.

They are `eventsourcing` classes, so the stock library replays our streams. An event's
`TOPIC` is its storage name: short, stable, never a module path. Changing one breaks replay.
"""

import os
import time
from datetime import datetime
from typing import Any, ClassVar

from eventsourcing.domain import (
    BaseAggregate,
    CanInitAggregate,
    CanMutateAggregate,
    CanSnapshotAggregate,
    MetaDomainEvent,
)
from eventsourcing.utils import register_topic


class StreamEvent(CanMutateAggregate[str], metaclass=MetaDomainEvent):
    """An event of a stream. `timestamp` is when it was decided (UTC)."""

    TOPIC: ClassVar[str]
    originator_id: str
    originator_version: int
    timestamp: datetime


class StreamCreated(CanInitAggregate[str], StreamEvent):
    """The first event of a stream."""

    originator_topic: str


class StreamSnapshot(CanSnapshotAggregate[str], metaclass=MetaDomainEvent):
    """The state of an aggregate at one version; an optimisation, never a source of truth."""

    TOPIC: ClassVar[str] = "snapshot"

    originator_id: str
    originator_version: int
    timestamp: datetime
    topic: str
    state: Any

    @classmethod
    def take(cls, aggregate: Any) -> "StreamSnapshot":
        """Snapshot `aggregate`; identity and version travel beside the state."""
        snapshot = super().take(aggregate)
        for derived in ("_id", "_version", "_pending_events"):
            snapshot.state.pop(derived, None)
        return snapshot


class StreamAggregate(BaseAggregate[str]):
    """An aggregate whose id is `<category>-<UUIDv7 in hex>`."""

    category: ClassVar[str]
    EVENTS: ClassVar[tuple[type[StreamEvent], ...]]
    personal: ClassVar[bool] = False
    """Whether a stream is about one person: who reads it is recorded."""
    Snapshot = StreamSnapshot

    @classmethod
    def new_id(cls, at_ms: int | None = None, entropy: bytes | None = None) -> str:
        """A new stream id: time-ordered, so index upkeep stays cheap.

        `at_ms`: milliseconds since 1970 (now where absent); `entropy`: 10 bytes, random
        where absent; both given make the id a function of its inputs (imports).
        """
        return f"{cls.category}-{uuid7_hex(at_ms, entropy)}"


def uuid7_hex(at_ms: int | None = None, entropy: bytes | None = None) -> str:
    """A UUID version 7 (RFC 9562 §5.7) as 32 hex digits."""
    milliseconds = time.time_ns() // 1_000_000 if at_ms is None else at_ms
    random = bytearray(os.urandom(10) if entropy is None else entropy)
    random[0] = 0x70 | (random[0] & 0x0F)
    random[2] = 0x80 | (random[2] & 0x3F)
    return milliseconds.to_bytes(6, "big").hex() + random.hex()


_PERSONAL: set[str] = set()
_VERSIONS: dict[str, int] = {}


def personal_categories() -> frozenset[str]:
    """The categories of the registered streams that are about one person each."""
    return frozenset(_PERSONAL)


def register_stream(aggregate: type[StreamAggregate]) -> None:
    """Make the topics of a stream and of its events known to the replay code (idempotent)."""
    if aggregate.personal:
        _PERSONAL.add(aggregate.category)
    for event in aggregate.EVENTS:
        _VERSIONS[event.__dict__["TOPIC"]] = getattr(event, "class_version", 1)
    for cls in (aggregate, *aggregate.EVENTS):
        register_topic(cls.__dict__["TOPIC"], cls)


def known_version(topic: str) -> int | None:
    """The newest version of a type of event that this release knows; None where it knows none."""
    return _VERSIONS.get(topic)


def category_of(stream_id: str) -> str:
    """The category of a stream id: what stands before the first hyphen."""
    return stream_id.partition("-")[0]


register_topic(StreamSnapshot.TOPIC, StreamSnapshot)

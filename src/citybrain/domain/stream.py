"""What every stream shares: the aggregate and event base classes with text ids.

They are `eventsourcing` classes, so the stock library replays our streams. An event's
`TOPIC` is its storage name: short, stable, never a module path. Changing one breaks replay.
"""

import inspect
import time
from dataclasses import MISSING, fields
from datetime import datetime
from functools import cache
from typing import Any, ClassVar, Final, Self

from eventsourcing.domain import (
    BaseAggregate,
    CanInitAggregate,
    CanMutateAggregate,
    CanSnapshotAggregate,
    MetaDomainEvent,
)
from eventsourcing.utils import get_topic, register_topic, resolve_topic

from citybrain.random_ids import random_number

VERSION_7: Final = (0x7 << 76) | (0x8 << 60)
RANDOM: Final = (1 << 80) - 1 & ~((0xF << 76) | (0xC << 60))
"""What of the last ten bytes of a UUID version 7 is random."""


class StreamEventType(MetaDomainEvent):
    """Events are frozen dataclasses, as the library's are; their members are set all at once.

    A frozen dataclass sets them one by one, past its own lock, which for a report takes longer than
    anything else about the event.
    """

    def __new__(cls, name: str, bases: tuple[type, ...], members: dict[str, Any]) -> type[Any]:
        """The class, with another `__init__` where all its defaults are plain values."""
        made: type[Any] = super().__new__(cls, name, bases, members)
        if all(each.default_factory is MISSING for each in fields(made)):
            _set_at_once(made)
        return made


def _set_at_once(event: Any) -> None:
    """Give a class of events an `__init__` that sets all members at once."""
    one_by_one = event.__init__
    defaults = {each.name: each.default for each in fields(event)}  # in the order of the class
    required = frozenset(name for name, default in defaults.items() if default is MISSING)

    def set_members(self: Any, *args: Any, **given: Any) -> None:
        state = vars(self)
        state.update(defaults)
        state.update(given)
        if args or len(state) != len(defaults) or not required <= given.keys():
            state.clear()
            one_by_one(self, *args, **given)  # it knows what is wrong

    event.__init__ = set_members


class StreamEvent(CanMutateAggregate[str], metaclass=StreamEventType):
    """An event of a stream. `timestamp` is when it was decided (UTC)."""

    TOPIC: ClassVar[str]
    originator_id: str
    originator_version: int
    timestamp: datetime


class StreamCreated(CanInitAggregate[str], StreamEvent):
    """The first event of a stream."""

    originator_topic: str

    def mutate(self, aggregate: Any) -> Any:
        """The state that it begins.

        As the library's, which picks what `__init__` takes out of all members of the event, twice.
        """
        assert aggregate is None
        state = vars(self)
        cls = resolve_topic(state["originator_topic"])
        made = cls.__new__(cls)
        made.__base_init__(state["originator_id"], state["originator_version"], state["timestamp"])
        made.__init__(**{name: state[name] for name in _taken_first(cls) if name in state})
        self.apply(made)
        return made


@cache
def _taken_first(cls: type[Any]) -> tuple[str, ...]:
    """What the `__init__` of an aggregate takes of its first event."""
    return tuple(inspect.signature(cls.__init__).parameters)[1:]


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
    def _create(cls, event_class: type[Any], *, id: str | None = None, **said: Any) -> Self:
        """A new stream with its first event; `said` has its `timestamp`.

        As the library's, which looks through all members for those that an id may be made of.
        """
        event = event_class(
            originator_id=id or cls.new_id(),
            originator_version=cls.INITIAL_VERSION,
            originator_topic=get_topic(cls),
            **said,
        )
        made: Self = event.mutate(None)
        made.pending_events.append(event)
        return made

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
    random = random_number() if entropy is None else int.from_bytes(entropy)
    return milliseconds.to_bytes(6).hex() + f"{random & RANDOM | VERSION_7:020x}"


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

"""The words of the event store: what goes in, what comes out, and how it says no."""

from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from itertools import repeat
from operator import itemgetter
from typing import Any, Final, NamedTuple, Protocol, cast
from uuid import UUID

import asyncpg
import orjson

from citybrain.errors import CitybrainError, NotFound, Unavailable
from citybrain.eventstore.codec import decode_state, transcoder

ANY: Final = -1
"""Expected version: whatever the stream's version is."""
NO_STREAM: Final = 0
"""Expected version: the stream must not exist."""


class NewEvent(NamedTuple):
    """An event to append: a registered topic and the exact bytes to store."""

    topic: str
    state: bytes


class Metadata(NamedTuple):
    """Who caused an event and how; stored beside the state, never inside it."""

    actor: str
    role: str
    channel: str
    command_id: UUID
    correlation_id: UUID
    causation_id: UUID | None = None

    def to_json(self) -> str:
        """The stored text: a flat JSON object, an absent causation left out."""
        members = {
            "actor": self.actor,
            "role": self.role,
            "channel": self.channel,
            "command_id": self.command_id,
            "correlation_id": self.correlation_id,
        }
        if self.causation_id is not None:
            members["causation_id"] = self.causation_id
        return orjson.dumps(members).decode()


class IdempotencyRecord(NamedTuple):
    """Written in the transaction of the events.

    `key` is unique per caller (the caller's subject is part of it); `fingerprint` is the
    SHA-256 of the command; `answer` is the JSON to give again.
    """

    key: str
    fingerprint: bytes
    answer: bytes


class Appended(NamedTuple):
    """An acknowledged append: durable. Versions and positions are of its last event."""

    stream_id: str
    version: int
    position: int


@dataclass(frozen=True, slots=True)
class StoredAnswer:
    """What an idempotency key was answered with."""

    fingerprint: bytes
    answer: bytes
    position: int


class Stored(Protocol):
    """An event as it is stored, wherever it was read."""

    @property
    def position(self) -> int: ...
    @property
    def stream_id(self) -> str: ...
    @property
    def version(self) -> int: ...
    @property
    def topic(self) -> str: ...
    @property
    def state(self) -> bytes: ...
    @property
    def recorded_at(self) -> datetime: ...


def _column(number: int) -> Any:
    """A member of a row by its number; `Any`, so that the class says which type it has."""
    return property(itemgetter(number))


class _Fields:
    """Decodes an event when it is looked into first; from then on it has the fields itself."""

    def __get__(self, event: "RecordedEvent", _: object) -> dict[str, Any]:
        known = event._page.decoded() if event._page is not None else {}
        data = known.get(event.position) or decode_state(event.state)
        event.__dict__["data"], event._page = data, None
        return data


class _Metadata:
    """Decodes who caused an event when it is asked for first."""

    def __get__(self, event: "RecordedEvent", _: object) -> dict[str, Any]:
        found = orjson.loads(event.metadata_json) if event.metadata_json else {}
        event.__dict__["metadata"] = found
        return cast("dict[str, Any]", found)


class RecordedEvent(asyncpg.Record):
    """A stored event as read back: a row, with names. `state` are the exact bytes appended.

    It is the driver's own row class, so that reading the log makes one object an event.
    """

    _page: "_Page | None" = None

    position: int = _column(0)
    stream_id: str = _column(1)
    version: int = _column(2)
    topic: str = _column(3)
    state: bytes = _column(4)
    recorded_at: datetime = _column(5)
    metadata_json: str | None = _column(6)
    data: dict[str, Any] = cast("dict[str, Any]", _Fields())
    """The event's fields, decoded; raises `ValueError` where the bytes are not our JSON."""
    metadata: dict[str, Any] = cast("dict[str, Any]", _Metadata())
    """Actor, channel, command, correlation and causation; empty for a stock writer's row."""

    def __repr__(self) -> str:
        return f"<{self.topic} {self.stream_id}@{self.version} position {self.position}>"


class _Page:
    """The states of events that were read together: decoded at once, when one is looked into."""

    __slots__ = ("_decoded", "_states")

    def __init__(self, events: Sequence[RecordedEvent]) -> None:
        self._states = [(event[0], event[4]) for event in events]
        self._decoded: dict[int, dict[str, Any]] | None = None

    def decoded(self) -> dict[int, dict[str, Any]]:
        """The fields of each event by its position; none where one of them is not our JSON."""
        if self._decoded is None:
            self._decoded = {}
            with suppress(ValueError, TypeError, AttributeError):
                positions, states = zip(*self._states, strict=True)
                found = transcoder().decode_all(states)
                self._decoded = dict(zip(positions, found, strict=True))
            self._states.clear()
        return self._decoded


def keep_together(events: Sequence[RecordedEvent]) -> None:
    """Decode these at once when the first is looked into: half the cost of one by one.

    Whoever looks into none of them pays for none.
    """
    deque(map(setattr, events, repeat("_page"), repeat(_Page(events))), maxlen=0)


class WrongExpectedVersion(CitybrainError):
    """The stream is not at the version the append expected; nothing was written."""

    code = "wrong-expected-version"

    def __init__(self, stream_id: str, expected: int, current: int) -> None:
        super().__init__(
            f"{stream_id} is at version {current}, not at {expected}",
            stream_id=stream_id,
            expected_version=expected,
            current_version=current,
        )
        self.stream_id, self.expected, self.current = stream_id, expected, current


class DuplicateKey(CitybrainError):
    """The idempotency key has been used: `stored` is its record. Nothing was written."""

    code = "idempotency-key-used"

    def __init__(self, key: str) -> None:
        super().__init__("this idempotency key has been used")
        self.key = key


class EventTooLarge(CitybrainError):
    """The state of an event exceeds the limit; nothing was written."""

    code = "event-too-large"


class StreamNotFound(NotFound):
    """No event of this stream exists (at or before what was asked for)."""

    code = "stream-not-found"


class StoreBusy(Unavailable):
    """Too many appends wait already; this one was not queued."""

    code = "store-busy"


class StoreUnavailable(Unavailable):
    """PostgreSQL cannot be reached; the append was not written."""

    code = "store-unavailable"


class AppendRefused(CitybrainError):
    """PostgreSQL cannot store this append, whenever it is tried; nothing was written."""

    code = "append-refused"


class OutcomeUnknown(Unavailable):
    """The connection broke during a commit and could not be restored in time to look it up."""

    code = "outcome-unknown"

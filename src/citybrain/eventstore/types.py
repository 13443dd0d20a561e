"""The words of the event store: what goes in, what comes out, and how it says no."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from operator import itemgetter
from typing import Any, Final, NamedTuple
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


@dataclass(frozen=True, slots=True)
class Metadata:
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


@dataclass(frozen=True, slots=True)
class IdempotencyRecord:
    """Written in the transaction of the events.

    `key` is unique per caller (the caller's subject is part of it); `fingerprint` is the
    SHA-256 of the command; `answer` is the JSON to give again.
    """

    key: str
    fingerprint: bytes
    answer: bytes


@dataclass(frozen=True, slots=True)
class Appended:
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


def _column(number: int) -> Any:
    """A member of a row by its number; `Any`, so that the class says which type it has."""
    return property(itemgetter(number))


class RecordedEvent(asyncpg.Record):
    """A stored event as read back: a row, with names. `state` are the exact bytes appended.

    It is the driver's own row class, so that reading the log makes one object an event.
    """

    _data: dict[str, Any]

    position: int = _column(0)
    stream_id: str = _column(1)
    version: int = _column(2)
    topic: str = _column(3)
    state: bytes = _column(4)
    recorded_at: datetime = _column(5)
    metadata_json: str | None = _column(6)

    @property
    def data(self) -> dict[str, Any]:
        """The event's fields, decoded; raises `ValueError` where the bytes are not our JSON."""
        try:
            return self._data
        except AttributeError:
            self._data = decode_state(self.state)
            return self._data

    @property
    def metadata(self) -> dict[str, Any]:
        """Actor, channel, command, correlation and causation; empty for a stock writer's row."""
        metadata: dict[str, Any] = orjson.loads(self.metadata_json) if self.metadata_json else {}
        return metadata

    def __repr__(self) -> str:
        return f"<{self.topic} {self.stream_id}@{self.version} position {self.position}>"


def decode_together(events: Sequence[RecordedEvent]) -> None:
    """Fill the `data` of many events at once; what cannot be decoded stays for its own reader."""
    with suppress(ValueError, TypeError, AttributeError):
        decoded = transcoder().decode_all([event.state for event in events])
        for event, data in zip(events, decoded, strict=True):
            event._data = data


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


class OutcomeUnknown(Unavailable):
    """The connection broke during a commit and could not be restored in time to look it up."""

    code = "outcome-unknown"

"""Append, read and follow event streams in PostgreSQL.

Strict optimistic concurrency per stream, a gapless log whose order is commit order, group
commit, and rows that the stock `eventsourcing` library can open and replay.
"""

from citybrain.eventstore.store import EventStore, open_event_store
from citybrain.eventstore.types import (
    ANY,
    NO_STREAM,
    Appended,
    DuplicateKey,
    EventTooLarge,
    IdempotencyRecord,
    Metadata,
    NewEvent,
    OutcomeUnknown,
    RecordedEvent,
    StoreBusy,
    StoredAnswer,
    StoreUnavailable,
    StreamNotFound,
    WrongExpectedVersion,
)

__all__ = [
    "ANY",
    "NO_STREAM",
    "Appended",
    "DuplicateKey",
    "EventStore",
    "EventTooLarge",
    "IdempotencyRecord",
    "Metadata",
    "NewEvent",
    "OutcomeUnknown",
    "RecordedEvent",
    "StoreBusy",
    "StoreUnavailable",
    "StoredAnswer",
    "StreamNotFound",
    "WrongExpectedVersion",
    "open_event_store",
]

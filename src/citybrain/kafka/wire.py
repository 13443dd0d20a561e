"""What an event of the log is as a Kafka record, both ways (docs/kafka.md).

The binary mode of the CloudEvents 1.0 Kafka binding: the value is the stored bytes, the context is
in headers. https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/bindings/kafka-protocol-binding.md
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property, lru_cache
from typing import Any, Protocol
from uuid import UUID

import orjson

from citybrain.domain.stream import category_of
from citybrain.errors import CitybrainError
from citybrain.eventstore.codec import decode_state
from citybrain.eventstore.types import Stored

Headers = list[tuple[str, bytes]]

CONTENT_TYPE = "content-type"
METADATA = "citybrain-metadata"
SEQUENCE_DIGITS = 19  # of the largest bigint: as text they sort as the numbers do
NEEDED = ("ce_id", "ce_type", "ce_subject", "ce_time", "ce_streamversion", "ce_incarnation")


class NotOurRecord(CitybrainError):
    """A record that is no event of a log; the message names what it lacks, never its content."""

    code = "kafka-record-unreadable"


class Event(Stored, Protocol):
    """What makes an event of the log, wherever it was read."""

    @property
    def metadata_json(self) -> str | None: ...


@dataclass(frozen=True)
class ReceivedEvent:
    """An event as a record carried it: the members of a `RecordedEvent`, and its incarnation."""

    position: int
    stream_id: str
    version: int
    topic: str
    state: bytes
    recorded_at: datetime
    metadata_json: str | None
    incarnation: UUID
    """Of which log it is: after a restore positions come twice with different content."""
    source: str | None = None
    """Where it was read: topic/partition/offset, where that is known."""

    @cached_property
    def data(self) -> dict[str, Any]:
        """The event's fields, decoded; raises `ValueError` where the bytes are not our JSON."""
        return decode_state(self.state)

    @cached_property
    def metadata(self) -> dict[str, Any]:
        """Actor, channel, command, correlation and causation; empty for a stock writer's row."""
        metadata: dict[str, Any] = orjson.loads(self.metadata_json) if self.metadata_json else {}
        return metadata


def topic_of(prefix: str, stream_id: str) -> str:
    """The Kafka topic of a stream: a prefix, and its category."""
    return prefix + category_of(stream_id)


def key_of(event: Event) -> bytes:
    """The record's key: the stream id, so that a stream stays in one partition, in order."""
    return event.stream_id.encode()


def headers_of(event: Event, source: str, incarnation: UUID) -> Headers:
    """The record's headers. `source` names the city's installation (a URI)."""
    version = str(event.version)
    ce_source, ce_incarnation = _of_the_log(source, incarnation)
    headers = [
        ("ce_specversion", b"1.0"),
        ("ce_id", str(event.position).encode()),
        ("ce_source", ce_source),
        ("ce_type", event.topic.encode()),
        ("ce_subject", event.stream_id.encode()),
        ("ce_time", _rfc3339(event.recorded_at).encode()),
        ("ce_sequence", version.zfill(SEQUENCE_DIGITS).encode()),
        ("ce_streamversion", version.encode()),
        ("ce_incarnation", ce_incarnation),
        (CONTENT_TYPE, b"application/json"),
    ]
    if event.metadata_json:
        headers.append((METADATA, event.metadata_json.encode()))
        if trace := _traceparent(orjson.loads(event.metadata_json)):
            headers.append(("ce_traceparent", trace))
    return headers


def received(
    key: bytes | None,
    value: bytes | None,
    headers: Iterable[tuple[str, bytes]],
    source: str | None = None,
) -> ReceivedEvent:
    """The event of a record; raises `NotOurRecord` where it is none."""
    found = dict(headers)
    for name in NEEDED:
        if name not in found:
            raise NotOurRecord(f"the record has no header {name}")
    if key is None or value is None or key != found["ce_subject"]:
        raise NotOurRecord("the record's key is not its subject, or it has no value")
    try:
        metadata = found.get(METADATA)
        return ReceivedEvent(
            position=int(found["ce_id"]),
            stream_id=key.decode(),
            version=int(found["ce_streamversion"]),
            topic=found["ce_type"].decode(),
            state=value,
            recorded_at=datetime.fromisoformat(found["ce_time"].decode()),
            metadata_json=None if metadata is None else metadata.decode(),
            incarnation=_incarnation(found["ce_incarnation"]),
            source=source,
        )
    except ValueError as error:
        raise NotOurRecord("a header of the record is not of its form") from error


@lru_cache(maxsize=16)
def _of_the_log(source: str, incarnation: UUID) -> tuple[bytes, bytes]:
    """What all records of a log say of it: `ce_source` and `ce_incarnation`."""
    return f"{source}#{incarnation}".encode(), str(incarnation).encode()


@lru_cache(maxsize=16)
def _incarnation(said: bytes) -> UUID:
    return UUID(said.decode())


def _rfc3339(at: datetime) -> str:
    text = at.isoformat() if at.tzinfo is UTC else at.astimezone(UTC).isoformat()
    return text[: -len("+00:00")] + "Z"


def _traceparent(metadata: dict[str, Any]) -> bytes | None:
    """W3C Trace Context: the correlation is the trace, the command is the parent; not sampled."""
    correlation, command = metadata.get("correlation_id"), metadata.get("command_id")
    if correlation is None or command is None:
        return None
    return f"00-{correlation.replace('-', '')}-{command.replace('-', '')[16:]}-00".encode()

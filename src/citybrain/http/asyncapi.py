"""AsyncAPI 3 from the types of the events: what goes to Kafka, for whoever reads it there."""

import re
from collections.abc import Iterable
from dataclasses import MISSING, fields
from datetime import datetime
from decimal import Decimal
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints, is_typeddict
from uuid import UUID

from citybrain import __version__
from citybrain.domain.stream import StreamAggregate, StreamEvent
from citybrain.kafka.wire import METADATA, SEQUENCE_DIGITS, topic_of

BESIDE = frozenset({"originator_id", "originator_version"})  # in headers
Schema = dict[str, Any]


def _typed(kind: str, data: Schema) -> Schema:
    return {
        "type": "object",
        "required": ["_type_", "_data_"],
        "properties": {"_type_": {"const": kind}, "_data_": data},
        "additionalProperties": False,
    }


STORED: dict[Any, Schema] = {
    Any: {},
    NoneType: {"type": "null"},
    str: {"type": "string"},
    int: {"type": "integer"},
    float: {"type": "number"},
    bool: {"type": "boolean"},
    datetime: _typed("datetime_iso", {"type": "string", "format": "date-time"}),
    UUID: _typed("uuid_hex", {"type": "string", "pattern": "^[0-9a-f]{32}$"}),
    Decimal: _typed("decimal_str", {"type": "string"}),
}
UUID_TEXT = {"type": "string", "format": "uuid"}
HEADERS = {
    "type": "object",
    "required": [
        "ce_specversion",
        "ce_id",
        "ce_source",
        "ce_type",
        "ce_subject",
        "ce_time",
        "ce_sequence",
        "ce_streamversion",
        "ce_incarnation",
        "content-type",
    ],
    "properties": {
        "ce_specversion": {"const": "1.0"},
        "ce_id": {"type": "string", "pattern": "^[0-9]+$", "description": "position in the log"},
        "ce_source": {"type": "string", "format": "uri", "description": "installation#incarnation"},
        "ce_type": {"type": "string", "description": "type of the event"},
        "ce_subject": {"type": "string", "description": "stream id"},
        "ce_time": {"type": "string", "format": "date-time", "description": "when it was recorded"},
        "ce_sequence": {
            "type": "string",
            "pattern": f"^[0-9]{{{SEQUENCE_DIGITS}}}$",
            "description": "version in its stream, in digits that sort as text",
        },
        "ce_streamversion": {
            "type": "string",
            "pattern": "^[0-9]+$",
            "description": "version in its stream",
        },
        "ce_incarnation": {**UUID_TEXT, "description": "which log it is of"},
        "ce_traceparent": {"type": "string", "description": "W3C Trace Context"},
        "content-type": {"const": "application/json"},
        METADATA: {
            "type": "string",
            "contentMediaType": "application/json",
            "description": "actor, role, channel, command, correlation and causation",
        },
    },
}


def asyncapi(streams: Iterable[type[StreamAggregate]], prefix: str) -> dict[str, Any]:
    """The document: a channel for each category, a message for each type of its events."""
    streams = list(streams)
    schemas: dict[str, Schema] = {"Headers": HEADERS}
    events = {event.__dict__["TOPIC"]: event for stream in streams for event in stream.EVENTS}
    messages = {
        _name(topic): _message(topic, event, _payload(event, schemas))
        for topic, event in events.items()
    }
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "citybrain",
            "version": __version__,
            "description": "The log of the city in Apache Kafka: CloudEvents 1.0 in binary mode. "
            "Read with isolation.level=read_committed.",
        },
        "defaultContentType": "application/json",
        "channels": {each.category: _channel(each, prefix) for each in streams},
        "operations": {f"publish-{each.category}": _operation(each) for each in streams},
        "components": {"messages": messages, "schemas": schemas},
    }


def _payload(event: type[StreamEvent], schemas: dict[str, Schema]) -> Schema:
    """The schema of an event's stored bytes; a member that came later is not required."""
    hints = get_type_hints(event)
    made: Any = event  # a dataclass: `eventsourcing` makes one of each event
    members = {each.name: each for each in fields(made) if each.name not in BESIDE}
    return {
        "type": "object",
        "required": [
            name
            for name, each in members.items()
            if each.default is MISSING and each.default_factory is MISSING
        ],
        "properties": {
            **{name: _schema(hints[name], schemas) for name in members},
            "class_version": {"type": "integer", "description": "where it is not 1"},
        },
    }


def _schema(hint: Any, schemas: dict[str, Schema]) -> Schema:
    """The schema of a value as the codec stores it (`citybrain.eventstore.codec`)."""
    if hint in STORED:
        return STORED[hint]
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in (Union, UnionType):
        return {"anyOf": [_schema(each, schemas) for each in arguments]}
    if origin in (list, tuple):
        return {"type": "array", "items": _schema(arguments[0], schemas)}
    if origin is dict:
        return {"type": "object", "additionalProperties": _schema(arguments[1], schemas)}
    if is_typeddict(hint):
        return _members(hint, schemas)
    raise TypeError(f"{hint} is not known to be stored")


def _members(hint: Any, schemas: dict[str, Schema]) -> Schema:
    name = f"{hint.__module__.rpartition('.')[2]}.{hint.__name__}"  # two may have one name
    if name not in schemas:
        schemas[name] = {}  # it may have members of its own kind
        schemas[name] = {
            "type": "object",
            "description": _said(hint),
            "required": sorted(hint.__required_keys__),
            "properties": {
                member: _schema(each, schemas) for member, each in get_type_hints(hint).items()
            },
        }
    return {"$ref": f"#/components/schemas/{name}"}


def _channel(stream: type[StreamAggregate], prefix: str) -> dict[str, Any]:
    return {
        "address": topic_of(prefix, f"{stream.category}-"),
        "title": stream.category,
        "description": _said(stream),
        "messages": {
            _name(topic): {"$ref": f"#/components/messages/{_name(topic)}"}
            for topic in (event.__dict__["TOPIC"] for event in stream.EVENTS)
        },
    }


def _operation(stream: type[StreamAggregate]) -> dict[str, Any]:
    return {"action": "send", "channel": {"$ref": f"#/channels/{stream.category}"}}


def _message(topic: str, event: type[StreamEvent], payload: Schema) -> dict[str, Any]:
    return {
        "name": topic,
        "summary": _said(event),
        "contentType": "application/json",
        "headers": {"$ref": "#/components/schemas/Headers"},
        "payload": payload,
        "bindings": {
            "kafka": {
                "key": {"type": "string", "description": "stream id"},
                "bindingVersion": "0.5.0",
            }
        },
    }


def _name(topic: str) -> str:
    """A type of events, as a key of the document may be: `parking.priced`."""
    return re.sub(r"[^A-Za-z0-9._-]", "_", topic)


def _said(cls: type) -> str:
    """The first line of what a class says of itself."""
    return (cls.__doc__ or "").strip().partition("\n")[0]

"""The events that the append and replay benchmarks write: 233 bytes of state, real metadata."""

import itertools
from uuid import UUID, uuid4

from citybrain.eventstore import Metadata, NewEvent

TOPIC = "bench.spotted"
STATE = (
    b'{"timestamp":{"_type_":"datetime_iso","_data_":"2026-03-01T08:15:30.123456+00:00"},'
    b'"zone":"HZ-XH-0417","spot":1187,"plate_hash":"9f86d081884c7d659a2feaa0c55ad015",'
    b'"tariff":"P2-DAY","operator":"op-77","lat":30.259244,"lon":120.219375}'
)
assert len(STATE) == 233
EVENT = NewEvent(TOPIC, STATE)


# Ids count up from a random start, whoever asks: making them must not be what is measured.
_numbers = itertools.count(uuid4().int >> 8)
_correlation_id = uuid4()


def new_stream_id() -> str:
    """A stream id that sorts behind those before it, as the time-ordered ids of streams do."""
    return f"bench-{next(_numbers):032x}"


def new_metadata() -> Metadata:
    """The metadata of one command of its own."""
    return Metadata("camera-0417", "camera", "http", UUID(int=next(_numbers)), _correlation_id)

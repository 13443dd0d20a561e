"""The events that the append and replay benchmarks write: 233 bytes of state, real metadata."""

from uuid import uuid4

from citybrain.domain.stream import uuid7_hex
from citybrain.eventstore import Metadata, NewEvent

TOPIC = "bench.spotted"
STATE = (
    b'{"timestamp":{"_type_":"datetime_iso","_data_":"2026-03-01T08:15:30.123456+00:00"},'
    b'"zone":"HZ-XH-0417","spot":1187,"plate_hash":"9f86d081884c7d659a2feaa0c55ad015",'
    b'"tariff":"P2-DAY","operator":"op-77","lat":30.259244,"lon":120.219375}'
)
assert len(STATE) == 233
EVENT = NewEvent(TOPIC, STATE)


def new_stream_id() -> str:
    """A time-ordered stream id, as aggregates make them."""
    return f"bench-{uuid7_hex()}"


def new_metadata() -> Metadata:
    """The metadata of one command of its own."""
    return Metadata("device:camera-0417", "device", "http", uuid4(), uuid4())

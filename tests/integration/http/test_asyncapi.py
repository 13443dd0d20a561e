"""What goes to Kafka is described, as tools of others read it."""

from pathlib import Path

import jsonschema_rs
import orjson

from citybrain.systems import SYSTEMS
from tests.given.api import Api

ROOT = Path(__file__).parents[3]
SPECIFICATION = ROOT / "src/web/node_modules/@asyncapi/specs/schemas/3.0.0.json"


async def test_the_document_is_asyncapi_3_and_has_every_event(api: Api) -> None:
    document = (await api.call("GET", "/asyncapi.json")).json
    validator = jsonschema_rs.validator_for(orjson.loads(SPECIFICATION.read_bytes()))
    validator.validate(document)
    assert not validator.is_valid({**document, "channels": {"parking": {"address": 1}}})
    streams = {stream.category: stream for system in SYSTEMS for stream in system.streams}
    assert set(document["channels"]) == set(streams)
    for category, channel in document["channels"].items():
        assert channel["address"] == f"citybrain.{category}"
        topics = {event.__dict__["TOPIC"] for event in streams[category].EVENTS}
        assert set(channel["messages"]) == topics
        assert topics <= set(document["components"]["messages"])

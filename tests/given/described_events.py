"""Whether the events of a log are what the description of the topics says."""

from collections import Counter

import jsonschema_rs
import orjson

from tests.given.api import Api


async def require_described(api: Api) -> None:
    """Every event of the log has the schema of its type in `/asyncapi.json`."""
    document = (await api.call("GET", "/asyncapi.json")).json
    components = document["components"]
    validators = {
        topic: jsonschema_rs.validator_for(
            {**message["payload"], "components": {"schemas": components["schemas"]}}
        )
        for topic, message in components["messages"].items()
    }
    seen, wrong = Counter[str](), set()
    for event in await api.runtime.store.read_all(limit=1_000_000):
        seen[event.topic] += 1
        wrong |= {
            f"{event.topic} {'/'.join(map(str, error.instance_path))}: {error.kind}"
            for error in validators[event.topic].iter_errors(orjson.loads(event.state))
        }
    assert wrong == set()
    assert len(seen) > 40, "hardly any types were looked at"

"""Open311 as a small client speaks it that knows the specification's examples."""

from typing import Any
from urllib.parse import urlencode
from uuid import uuid4
from xml.etree import ElementTree

import orjson
import pytest

from tests.given.api import Answer, Api

BASE = "/open311/v2"
KEY = "development"
FORM = "application/x-www-form-urlencoded"
HOLE = {
    "api_key": KEY,
    "service_code": "road_damage",
    "lat": "34.7466",
    "long": "113.6253",
    "description": "a hole",
    "address_string": "花園路 1",
}
NOBODY = "case-" + "0" * 32
TYPES = {"json": "application/json; charset=utf-8", "xml": "text/xml; charset=utf-8"}
KINDS = pytest.mark.parametrize("kind", ["json", "xml"])


class Client:
    """As the specification's examples do it: answers are lists; XML where JSON is not asked."""

    def __init__(self, api: Api, kind: str) -> None:
        self._api, self.kind = api, kind

    async def get(self, path: str, **query: str) -> Any:
        question = f"?{urlencode(query)}" if query else ""
        answer = await self._api.call("GET", f"{BASE}/{path}.{self.kind}{question}")
        return answer.status, self._read(answer)

    async def post(self, fields: dict[str, str] | list[tuple[str, str]]) -> Any:
        answer = await self._api.call(
            "POST",
            f"{BASE}/requests.{self.kind}",
            data=urlencode(fields).encode(),
            headers={"Content-Type": FORM, "Idempotency-Key": uuid4().hex},
        )
        return answer.status, self._read(answer)

    def _read(self, answer: Any) -> Any:
        types = {"json": "application/json", "xml": "text/xml"}
        assert answer.headers["Content-Type"] == f"{types[self.kind]}; charset=utf-8"
        if self.kind == "json":
            return orjson.loads(answer.body)
        root = ElementTree.fromstring(answer.body)
        return [{child.tag: child.text for child in item} for item in root]


async def reported(client: Client, **fields: str) -> str:
    status, (answer,) = await client.post(HOLE | fields)
    assert status == 201
    return str(answer["service_request_id"])


def errors(answer: Answer, kind: str) -> list[tuple[int, str]]:
    """The errors of an answer, which is in the format that was asked for."""
    assert answer.headers["Content-Type"] == TYPES[kind], answer.body[:200]
    if kind == "json":
        return [(each["code"], each["description"]) for each in orjson.loads(answer.body)]
    root = ElementTree.fromstring(answer.body)
    assert root.tag == "errors"
    assert {each.tag for each in root} == {"error"}
    return [(int(each.findtext("code", "")), each.findtext("description", "")) for each in root]


async def post(api: Api, kind: str, fields: Any, path: str = "requests", **options: Any) -> Answer:
    body = fields if isinstance(fields, bytes) else urlencode(fields).encode()
    headers = {"Content-Type": FORM, "Idempotency-Key": uuid4().hex} | options.pop("headers", {})
    return await api.call("POST", f"{BASE}/{path}.{kind}", data=body, headers=headers, **options)

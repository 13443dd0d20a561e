"""A client of Open311 GeoReport v2, written from the specification alone.

http://wiki.open311.org/GeoReport_v2/ and /Service_Discovery/; it knows a discovery document's
address and an api_key, and nothing of who answers. Texts where XML and JSON differ: every value
is a text, and what is empty or null is absent.
"""

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4
from xml.etree import ElementTree

import aiohttp

SPECIFICATION = "http://wiki.open311.org/GeoReport_v2"
TYPES = {"xml": "text/xml", "json": "application/json"}
MOST = 1000  # "90 days or first 1000 service requests returned, whichever is smallest"
IDS_AT_ONCE = 100
FINEST = timedelta(milliseconds=1)
Found = dict[str, str]


class Open311Failed(Exception):
    """An answer of errors: the status, and the descriptions that the specification asks for."""

    def __init__(self, status: int, errors: Sequence[Found]) -> None:
        super().__init__(f"{status}: {'; '.join(each['description'] for each in errors)}")
        self.status = status
        self.errors = list(errors)


@dataclass
class Open311Client:
    """One endpoint in one format. `waits` counts the times it was told to come later (429)."""

    session: aiohttp.ClientSession
    discovery: str
    kind: str
    api_key: str = ""
    url: str = ""
    waits: int = 0
    seconds_waited: float = 0.0
    _headers: dict[str, str] = field(default_factory=dict)

    async def discover(self) -> None:
        """Find the endpoint of the specification that speaks our format."""
        document = (await self._call("GET", self.discovery))[1]
        for endpoint in _items(document, "endpoints", "endpoint"):
            formats = [_text(each) for each in _items(endpoint, "formats", "format")]
            if _member(endpoint, "specification") == SPECIFICATION and TYPES[self.kind] in formats:
                self.url = _member(endpoint, "url")
                return
        raise LookupError("no endpoint of GeoReport v2 in this format")

    async def services(self) -> list[Found]:
        """What can be reported."""
        return await self._list("GET", "services")

    async def definition(self, service_code: str) -> list[tuple[Found, list[Found]]]:
        """The attributes of a service, each with its values."""
        answer = (await self._call("GET", self._at(f"services/{service_code}")))[1]
        assert _member(answer, "service_code") == service_code
        return [
            (_found(each), [_found(value) for value in _items(each, "values", "value")])
            for each in _items(answer, "attributes", "attribute")
        ]

    async def report(self, fields: Mapping[str, str] | Sequence[tuple[str, str]]) -> str:
        """Report a problem; its id, by way of a token where the answer has only that."""
        pairs = list(fields.items() if isinstance(fields, Mapping) else fields)
        (answer,) = await self._list("POST", "requests", form=[("api_key", self.api_key), *pairs])
        if "service_request_id" in answer:
            return answer["service_request_id"]
        return await self.id_of(answer["token"])

    async def id_of(self, token: str) -> str:
        """The id behind a token."""
        (answer,) = await self._list("GET", f"tokens/{token}")
        assert answer["token"] == token
        return answer["service_request_id"]

    async def request(self, service_request_id: str) -> Found:
        """One service request."""
        (answer,) = await self._list("GET", f"requests/{service_request_id}")
        return answer

    async def requests(self, **query: str) -> list[Found]:
        """Service requests, as many as one answer has."""
        return await self._list("GET", "requests", query=query)

    async def requests_by_id(self, ids: Sequence[str]) -> list[Found]:
        """The service requests of these ids, some at a time."""
        found: list[Found] = []
        for start in range(0, len(ids), IDS_AT_ONCE):
            some = ",".join(ids[start : start + IDS_AT_ONCE])
            found += await self.requests(service_request_id=some)
        return found

    async def requests_between(
        self, start: datetime, end: datetime, **query: str
    ) -> dict[str, Found]:
        """All service requests of a span of time by id: one with too many is halved."""
        answer = await self.requests(
            start_date=start.isoformat(), end_date=end.isoformat(), **query
        )
        if len(answer) < MOST:
            return {each["service_request_id"]: each for each in answer}
        if end - start < FINEST:
            raise OverflowError(f"{MOST} or more service requests within {FINEST}")
        middle = start + (end - start) / 2
        earlier = await self.requests_between(start, middle, **query)
        return earlier | await self.requests_between(middle, end, **query)

    async def updates(self, **query: str) -> list[Found]:
        """Updates of service requests, by the extension that FixMyStreet brought up."""
        return await self._list("GET", "servicerequestupdates", query=query)

    async def update(self, **fields: str) -> str:
        """Say something of a service request; the id of what was said."""
        form = [("api_key", self.api_key), *fields.items()]
        (answer,) = await self._list("POST", "servicerequestupdates", form=form)
        return answer["update_id"]

    def _at(self, path: str) -> str:
        return f"{self.url}/{path}.{self.kind}"

    async def _list(self, method: str, path: str, **options: Any) -> list[Found]:
        root = (await self._call(method, self._at(path), **options))[1]
        return [_found(each) for each in root]

    async def _call(
        self,
        method: str,
        url: str,
        *,
        query: Mapping[str, str] | None = None,
        form: Sequence[tuple[str, str]] | None = None,
    ) -> tuple[int, Any]:
        once = {} if form is None else {"Idempotency-Key": uuid4().hex}
        while True:
            async with self.session.request(
                method, url, params=query, data=form, headers=once
            ) as answer:
                body, status = await answer.read(), answer.status
                content_type, headers = answer.headers["Content-Type"], answer.headers
            if status != 429:
                break
            seconds = float(headers["Retry-After"])
            self.waits += 1
            self.seconds_waited += seconds
            await asyncio.sleep(seconds)
        media, _, parameters = content_type.partition(";")
        assert media == TYPES[self.kind], content_type
        assert parameters.strip().lower() == "charset=utf-8", content_type
        document = self._document(body)
        if status >= 400:
            raise Open311Failed(status, [_found(each) for each in document])
        return status, document

    def _document(self, body: bytes) -> Any:
        if self.kind == "json":
            return json.loads(body)
        assert body.lower().startswith(
            (b"<?xml version='1.0' encoding='utf-8'?>", b'<?xml version="1.0" encoding="utf-8"?>')
        )
        return ElementTree.fromstring(body)


def _items(document: Any, name: str, each: str) -> list[Any]:
    """The members of a list: JSON's array, or XML's elements of the singular."""
    if isinstance(document, ElementTree.Element):
        return document.findall(f"{name}/{each}")
    return list(document.get(name) or ())


def _member(document: Any, name: str) -> str:
    if isinstance(document, ElementTree.Element):
        return document.findtext(name) or ""
    return _text(document[name])


def _found(item: Any) -> Found:
    """The plain members that have a value."""
    if isinstance(item, ElementTree.Element):
        pairs = [(child.tag, child.text or "") for child in item if not len(child)]
    else:
        plain = [(name, value) for name, value in item.items() if not isinstance(value, list)]
        pairs = [(name, _text(value)) for name, value in plain]
    return {name: value for name, value in pairs if value.strip()}


def _text(value: Any) -> str:
    if isinstance(value, ElementTree.Element):
        return value.text or ""
    if value is None:
        return ""
    return json.dumps(value) if isinstance(value, bool | int | float) else str(value)

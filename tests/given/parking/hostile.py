"""Requests that no operation of parking takes: made of the OpenAPI document, member by member."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import jsonschema_rs
import orjson

from citybrain.domain.actor import Role
from citybrain.http.routing import Route
from tests.given.api import Answer, Api
from tests.given.world import World

JSON = "application/json"
UNSEEN = ("\x00", "豫A\x00", "\u202e", "\u200b", "\ufeff", "\ud800")
HUGE = (10**40, -(10**40), 1e308, 2**63)
TEXTS = ("", " ", "x" * 100_000, "null", "NaN", "'; DROP TABLE stored_events; --", "../../etc")
OTHERS: tuple[Any, ...] = (None, True, False, 0, -1, 1.5, [], [None], {}, {"$ref": "#"}, [[[[]]]])
VALUES: tuple[Any, ...] = (*UNSEEN, *HUGE, *TEXTS, *OTHERS)
PATHS = ("%00", "%E2%80%AE", "..%2F..", "%27%3B--", "x" * 500, "%F0%9F%98%80", "%25s", "-1")


@dataclass
class Document:
    """The OpenAPI document of a server."""

    document: dict[str, Any]
    judges: dict[str, Any] = field(default_factory=dict)

    @classmethod
    async def of(cls, api: Api) -> "Document":
        """As it is served."""
        return cls((await api.call("GET", "/openapi.json")).json)

    def body(self, route: Route) -> dict[str, Any]:
        """The schema of a body, where it is JSON."""
        content = self._operation(route)["requestBody"]["content"]
        return self._seen_through(content[JSON]["schema"])

    def query(self, route: Route) -> dict[str, dict[str, Any]]:
        """The schema of each parameter of the query."""
        parameters = self._operation(route).get("parameters", ())
        return {each["name"]: each["schema"] for each in parameters if each["in"] == "query"}

    def takes(self, schema: dict[str, Any], value: Any) -> bool:
        """Whether a value is one that the document describes."""
        key = orjson.dumps(schema).decode()
        if key not in self.judges:
            whole = schema | {"components": self.document["components"]}
            self.judges[key] = jsonschema_rs.Draft202012Validator(whole, validate_formats=True)
        try:
            found: bool = self.judges[key].is_valid(value)
        except (ValueError, UnicodeEncodeError):  # no JSON can have it
            return False
        return found

    def _operation(self, route: Route) -> dict[str, Any]:
        found: dict[str, Any] = self.document["paths"][route.path][route.method.lower()]
        return found

    def _seen_through(self, schema: dict[str, Any]) -> dict[str, Any]:
        while "$ref" in schema:
            schema = self.document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
        return schema


def wrong_bodies(document: Document, route: Route, valid: dict[str, Any]) -> Iterator[Any]:
    """Bodies with one thing wrong each, by the document."""
    schema = document.body(route)
    members = schema.get("properties", {})
    yield valid | {"x" * 10: 1}
    yield valid | {"\x00": 1}
    for missing in schema.get("required", ()):
        yield {name: value for name, value in valid.items() if name != missing}
    for name, of_member in members.items():
        for value in VALUES:
            if not document.takes(of_member, value):
                yield valid | {name: value}


def wrong_texts(valid: dict[str, Any]) -> Iterator[bytes]:
    """What is no JSON object at all, or one that no program should take."""
    whole = orjson.dumps(valid)
    yield from (b"", b"{", b"null", b"[]", b"1", b'"x"', b"\xff\xfe", whole[:-1], whole + b"}")
    yield b'{"a":' * 5_000 + b"1" + b"}" * 5_000
    yield b"[" * 100_000
    yield b'{"a":NaN}'
    for name in valid:
        quoted = orjson.dumps(name)
        yield b"{" + quoted + b':"\\ud800"}'
        yield b"{" + quoted + b":" + b"9" * 400 + b"}"


def wrong_queries(document: Document, route: Route) -> Iterator[str]:
    """Queries with one thing wrong."""
    yield "nobody_knows_this=1"
    for name, schema in document.query(route).items():
        yield f"{name}=%00"
        yield f"{name}=a&{name}=b"
        for value in ("-1", "x" * 3000, "9" * 400, "%F0%9F%98%80", "null", "[]"):
            if not document.takes(schema, _as_query(value)):
                yield f"{name}={value}"


def _as_query(value: str) -> Any:
    """A number where it is one, as a schema looks at it."""
    digits = value.removeprefix("-")
    return int(value) if digits.isdigit() else value


def written(body: Any) -> bytes:
    """As JSON, with whole numbers of any length and halves of characters."""
    return json.dumps(body).encode()


@dataclass
class Attacker:
    """Somebody of a role who sends what they like."""

    world: World
    role: Role | None
    wrong: list[str] = field(default_factory=list)
    sent: int = 0

    async def send(
        self, method: str, path: str, data: bytes | None = None, media: str = JSON, **more: Any
    ) -> Answer:
        """One request, and its answer."""
        headers = {} if data is None else {"Content-Type": media}
        if self.role is not None:
            headers["Authorization"] = f"Bearer {self.world.token(self.role, path)}"
        self.sent += 1
        return await self.world.api.call(
            method, path, headers=headers | more.pop("headers", {}), data=data, **more
        )

    async def refused(self, method: str, path: str, *args: Any, **more: Any) -> None:
        """One request that must be refused, in the right form; else it is noted."""
        statuses = more.pop("statuses", (400, 403, 404, 409, 413, 415, 422, 428))
        answer = await self.send(method, path, *args, **more)
        if reason := malformed(answer, statuses):
            self.wrong.append(f"{method} {path[:120]} {str(args)[:200]}: {reason}")


def malformed(answer: Answer, statuses: tuple[int, ...]) -> str | None:
    """What is wrong with a refusal; None where it is as RFC 9457 and our documents say."""
    said = f"{answer.status} {answer.body[:160]!r}"
    if answer.status not in statuses:
        return f"is answered {said}"
    if answer.headers["Content-Type"] != "application/problem+json":
        return f"is no problem: {said}"
    problem = answer.json
    for member in ("type", "title", "next_step", "detail", "code", "correlation_id"):
        if not isinstance(problem.get(member), str) or not problem[member]:
            return f"has no {member}: {said}"
    if problem["status"] != answer.status or problem["type"].rpartition(":")[2] != problem["code"]:
        return f"does not fit itself: {said}"
    return None

"""Requests to a server in this process, as somebody; and their answers."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import orjson

from citybrain.http.runtime import Runtime
from tests.given.reach import reach


@dataclass
class Api:
    """Requests to the server, as somebody."""

    url: str
    runtime: Runtime
    session: aiohttp.ClientSession
    answers: list[Any] = field(default_factory=list)

    def token(self, role: str, subject: str = "", department: str | None = None) -> str:
        assert self.runtime.development is not None
        claims = reach(role, department)
        return self.runtime.development.token(subject or f"{role}-1", [role], **claims)

    async def call(
        self,
        method: str,
        path: str,
        role: str | None = None,
        *,
        subject: str = "",
        department: str | None = None,
        headers: dict[str, str] | None = None,
        **options: Any,
    ) -> "Answer":
        """One request; `json=` or `data=` as aiohttp takes them."""
        sent = dict(headers or {})
        if role is not None and "Authorization" not in sent:
            sent["Authorization"] = f"Bearer {self.token(role, subject, department)}"
        async with self.session.request(method, self.url + path, headers=sent, **options) as answer:
            body = await answer.read()
            return Answer(answer.status, answer.headers, body)

    async def step(
        self, case: "Answer", step: str, role: str, body: Any = None, **options: Any
    ) -> "Answer":
        """A step of a case, with the ETag of the answer before."""
        case_id = case.json["case_id"]
        headers = {"If-Match": case.headers["ETag"]} | options.pop("headers", {})
        return await self.call(
            "POST", f"/v1/cases/{case_id}/{step}", role, json=body or {}, headers=headers, **options
        )


@dataclass
class Answer:
    """A response."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return orjson.loads(self.body)

    def is_problem(self, status: int, code: str) -> bool:
        """Whether this is the RFC 9457 problem of `code`."""
        assert self.headers["Content-Type"] == "application/problem+json", self.body
        assert (self.status, self.json["code"]) == (status, code), self.body
        assert self.json["type"] == f"urn:citybrain:problem:{code}"
        assert self.json["status"] == status
        return True


REPORT_NOW = {
    "source": "camera",
    "class_code": "overflowing_bin",
    "latitude": 34.7,
    "longitude": 113.6,
    "confidence": 90,
    "simulated": True,
}
"""What a camera reports, seen at the moment at which it arrives."""
REPORT = REPORT_NOW | {"occurred_at": "2026-03-01T08:00:00+08:00"}

"""Reading what is about people, and what they then read of it."""

import re
from typing import Any

from citybrain.http.routing import Route
from tests.given.api import Answer, Api

READER = "reader-1"
STAFF = ("official", "auditor", "supervisor", "clerk")
HAN = re.compile(r"[\u4e00-\u9fff]")


def opening(api: Api) -> dict[str, Route]:
    """The operations that show what is about people, by their ids."""
    return {route.operation_id: route for route in api.runtime.routes if route.opens is not None}


def reading_role(route: Route) -> str:
    """A role of somebody who works for the city that an operation is for."""
    return next(role for role in STAFF if role in (route.roles or ()))


async def accesses(
    api: Api, citizen: str, language: str = "en", who: str | None = None
) -> list[dict[str, Any]]:
    """Who used her data, as the citizen reads it, newest first; of one reader where named."""
    head = await api.runtime.store.head()
    answer = await api.call(
        "GET",
        f"/v1/citizens/{citizen}/accesses?limit=500&min_position={head}",
        "citizen",
        subject=citizen,
        headers={"Accept-Language": language},
    )
    assert answer.status == 200, answer.body
    assert answer.headers["Content-Language"] == {"en": "en", "zh": "zh-Hans"}[language]
    return [row for row in answer.json["accesses"] if who in (None, row["who"])]


async def read(
    api: Api, route: Route, query: str = "", body: dict[str, Any] | None = None, **ids: str
) -> Answer:
    """Call an operation as somebody else; of one that does not end, the beginning."""
    role, path = reading_role(route), route.path.format(**ids) + query
    department = "parking" if path.startswith("/v1/parking") else "housing-fund"
    if not route.streaming:
        return await api.call(
            route.method, path, role, subject=READER, department=department, json=body
        )
    token = api.token(role, READER, department)
    headers = {"Authorization": f"Bearer {token}"}
    async with api.session.get(api.url + path, headers=headers) as answer:
        which_log = False  # that is said first, and is nobody's
        async for line in answer.content:
            if line.startswith(b"event: "):
                which_log = line == b"event: log\n"
            elif line.startswith(b"data: ") and not which_log:
                break
        return Answer(answer.status, answer.headers, b"{}")


def is_said(language: str, text: str, code: str) -> bool:
    """Whether a text is in a language, and more than a code."""
    return text != code and bool(HAN.search(text)) == (language == "zh")

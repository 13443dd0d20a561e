"""Streams of server-sent events, message by message."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import orjson

from tests.given.api import Api
from tests.given.waiting import PATIENCE_SECONDS

Message = tuple[str, dict[str, Any]]


def parsed(block: str) -> Message:
    """The kind of a message, and its data."""
    lines = dict(line.split(": ", 1) for line in block.splitlines() if ": " in line)
    return lines["event"], orjson.loads(lines["data"])


def all_of(body: bytes) -> list[Message]:
    """The messages of a stream that the server has ended."""
    return [parsed(block) for block in body.decode().split("\n\n") if "event: " in block]


@asynccontextmanager
async def following(api: Api, path: str, role: str, **who: Any) -> AsyncIterator[Any]:
    """A stream that goes on, as somebody."""
    headers = {"Authorization": f"Bearer {api.token(role, **who)}"}
    url = f"{api.url}{path}"
    async with asyncio.timeout(PATIENCE_SECONDS), api.session.get(url, headers=headers) as answer:
        assert answer.status == 200

        async def messages() -> AsyncIterator[Message]:
            while block := await _block(answer.content):
                if "event: " in block:
                    yield parsed(block)

        yield messages()


async def _block(content: Any) -> str:
    try:
        return str((await content.readuntil(b"\n\n")).decode())
    except asyncio.IncompleteReadError:
        return ""

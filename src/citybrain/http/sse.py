"""Server-sent events (WHATWG HTML, section 9.2): framing, heartbeat and a clean end."""

import asyncio
import re
import time
from collections.abc import AsyncGenerator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from citybrain.http.problems import Malformed
from citybrain.http.runtime import Runtime
from citybrain.http.tokens import VERIFIED, Verified

HEARTBEAT_SECONDS = 15.0


async def stream_events(
    request: web.Request, runtime: Runtime, messages: AsyncGenerator[bytes, None]
) -> web.StreamResponse:
    """Send messages until the client leaves or the server stops; a comment when it is quiet.

    What takes a token ends with it, or when its key is withdrawn.

    A slow client holds up only itself: the next message is fetched once the last one is sent.
    One task sends them; the end, and that it is quiet, are watched beside it and cost no message.
    """
    response = web.StreamResponse(
        headers={"Content-Type": "text/event-stream", "X-Accel-Buffering": "no"}
    )
    if request.method == "HEAD":
        await messages.aclose()
        return response
    await response.prepare(request)
    verified = request.get(VERIFIED)
    sent = _Sent()
    sending = asyncio.create_task(_send(response, messages, sent, verified, runtime))
    closing = asyncio.create_task(runtime.closing.wait())
    both: set[asyncio.Task[Any]] = {sending, closing}
    try:
        while not closing.done() and _may_go_on(verified, runtime):
            before, quiet = sent.messages, _until(verified, HEARTBEAT_SECONDS)
            await asyncio.wait(both, timeout=quiet, return_when=asyncio.FIRST_COMPLETED)
            if sending.done():
                break
            if before == sent.messages and not sent.writing and not closing.done():
                await response.write(b": heartbeat\n\n")
    except ConnectionResetError:
        pass  # the client has left
    finally:
        closing.cancel()
        sending.cancel()
        with suppress(asyncio.CancelledError, ConnectionResetError):
            await sending
        await messages.aclose()
    return response


@dataclass(slots=True)
class _Sent:
    """How many messages were sent, and whether a client still takes one."""

    messages: int = 0
    writing: bool = False


async def _send(
    response: web.StreamResponse,
    messages: AsyncGenerator[bytes, None],
    sent: _Sent,
    verified: Verified | None,
    runtime: Runtime,
) -> None:
    """Each message as it comes, to the last or as long as a token is good."""
    await response.write(b"retry: 2000\n\n")
    async for data in messages:
        if not _may_go_on(verified, runtime):
            return
        sent.writing = True
        await response.write(data)
        sent.writing = False
        sent.messages += 1


def _may_go_on(verified: Verified | None, runtime: Runtime) -> bool:
    return verified is None or runtime.verifier.holds(verified)


def _until(verified: Verified | None, seconds: float) -> float:
    """So long, and no longer than the token is good."""
    if verified is None:
        return seconds
    return max(0.0, min(seconds, verified.expires_at - time.time()))


def last_seen(request: web.Request, pattern: re.Pattern[str], what: str) -> str | None:
    """The `Last-Event-ID` of who connects again; raises `Malformed` where it is none of ours."""
    given = request.headers.get("Last-Event-ID")
    if given is not None and not pattern.fullmatch(given):
        raise Malformed(f"Last-Event-ID is {what}")
    return given


def message(event: str, data: bytes, *, identity: int | str | None = None) -> bytes:
    """One message; `data` is a single line."""
    head = b"" if identity is None else f"id: {identity}\n".encode()
    return head + b"event: " + event.encode() + b"\ndata: " + data + b"\n\n"

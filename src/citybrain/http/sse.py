"""Server-sent events (WHATWG HTML, section 9.2): framing, heartbeat and a clean end."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import suppress
from typing import Any

from aiohttp import web

from citybrain.http.runtime import Runtime
from citybrain.http.telemetry import add_headers

HEARTBEAT_SECONDS = 15.0


async def stream_events(
    request: web.Request, runtime: Runtime, messages: AsyncGenerator[bytes, None]
) -> web.StreamResponse:
    """Send messages until the client leaves or the server stops; a comment when it is quiet.

    A slow client holds up only itself: the next message is fetched once the last one is sent.
    """
    response = web.StreamResponse(
        headers={"Content-Type": "text/event-stream", "X-Accel-Buffering": "no"}
    )
    await add_headers(request, response)
    await response.prepare(request)
    closing = asyncio.ensure_future(runtime.closing.wait())
    upcoming: asyncio.Future[bytes] | None = None
    try:
        await response.write(b"retry: 2000\n\n")
        while not runtime.closing.is_set():
            upcoming = upcoming or asyncio.ensure_future(anext(messages))
            both: set[asyncio.Future[Any]] = {upcoming, closing}
            await asyncio.wait(both, timeout=HEARTBEAT_SECONDS, return_when=asyncio.FIRST_COMPLETED)
            if upcoming.done():
                await response.write(upcoming.result())
                upcoming = None
            elif not closing.done():
                await response.write(b": heartbeat\n\n")
    except (ConnectionResetError, StopAsyncIteration):
        pass  # the client has left, or there is no more
    finally:
        closing.cancel()
        if upcoming is not None:
            upcoming.cancel()
            with suppress(asyncio.CancelledError, StopAsyncIteration):
                await upcoming
        await messages.aclose()
    return response


def message(event: str, data: bytes, *, identity: int | None = None) -> bytes:
    """One message; `data` is a single line."""
    head = b"" if identity is None else b"id: %d\n" % identity
    return head + b"event: " + event.encode() + b"\ndata: " + data + b"\n\n"

"""The front page's live numbers: one snapshot a second for all who look.

Counts, topics and stream ids only: no free text, nobody's data. Of a stream that is about a person
only its category is said: everybody looks, and nobody could be told who did.
"""

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any

import orjson
import structlog
from aiohttp import web

from citybrain.domain.stream import category_of, personal_categories
from citybrain.errors import Unavailable
from citybrain.eventstore.lane import CONNECTION_LOST
from citybrain.http.board import Origin
from citybrain.http.routing import Answer, Call, Route
from citybrain.http.runtime import RUNTIME, Runtime
from citybrain.http.sse import message, stream_events
from projections.platform import streams
from projections.status import projection_status

log = structlog.get_logger(__name__)

SNAPSHOT_SECONDS = 1.0
NEWEST = 40


class LiveBoard:
    """Takes snapshots while anybody looks, and hands the latest to each viewer."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._latest: bytes | None = None
        self._changed = asyncio.Event()
        self._head = 0
        self._at = time.monotonic()
        self._viewers = 0

    async def run(self) -> None:
        """Take a snapshot a second while there are viewers."""
        while True:
            if self._viewers:
                try:
                    await self._take()
                except (Unavailable, LookupError, *CONNECTION_LOST) as error:
                    log.warning("snapshot_failed", error=type(error).__name__)
            await asyncio.sleep(SNAPSHOT_SECONDS)

    async def messages(self) -> AsyncIterator[bytes]:
        """The latest snapshot, then each new one; a slow viewer misses those in between."""
        self._viewers += 1
        try:
            if self._latest is None:
                await self._take()
            while True:
                changed = self._changed
                assert self._latest is not None
                yield message("snapshot", self._latest)
                await changed.wait()
        finally:
            self._viewers -= 1

    async def _take(self) -> None:
        snapshot = await self._snapshot()
        self._latest = orjson.dumps(snapshot, default=str)
        self._changed.set()
        self._changed = asyncio.Event()

    async def _snapshot(self) -> dict[str, Any]:
        runtime, store = self._runtime, self._runtime.store
        head, now = await store.head(), time.monotonic()
        elapsed = max(now - self._at, 1e-3)
        rate = max(head - self._head, 0) / elapsed if self._head else 0.0
        self._head, self._at = head, now
        snapshot: dict[str, Any] = {
            "head": head,
            "streams": [
                {name: row[name] for name in ("category", "streams", "events")}
                for row in await streams.counts(store.pool)
            ],
            "newest": await self._newest(head),
            "lag": [
                {name: row[name] for name in ("projection", "position", "lag")}
                for row in await projection_status(store, runtime.projections)
            ],
            "rate_per_second": round(rate, 1),
            "simulated": any(
                [await part.any_simulated(store.pool) for part in runtime.board_parts]
            ),
        }
        for part in runtime.board_parts:
            snapshot |= await part.members(runtime)
        return snapshot

    async def _newest(self, head: int) -> list[dict[str, Any]]:
        """The newest events, with what kind of stream they are of."""
        store = self._runtime.store
        newest = (await store.read_all(max(head - NEWEST, 0), limit=NEWEST))[::-1]
        origins: dict[str, Origin] = {}
        for part in self._runtime.board_parts:
            origins |= await part.origins(store.pool, [event.stream_id for event in newest])
        return [
            {
                "position": event.position,
                "topic": event.topic,
                "stream_id": _said(event.stream_id),
                "recorded_at": event.recorded_at,
                "class_code": origin.class_code if origin else None,
                "simulated": origin.simulated if origin else None,
            }
            for event in newest
            for origin in (origins.get(event.stream_id),)
        ]


def _said(stream_id: str) -> str:
    """A stream's id, of a person's only the category."""
    category = category_of(stream_id)
    return category if category in personal_categories() else stream_id


BOARD: web.AppKey[LiveBoard] = web.AppKey("board", LiveBoard)


async def live(call: Call) -> web.StreamResponse:
    """Follow the live numbers."""
    return await stream_events(call.request, call.runtime, call.request.app[BOARD].messages())


async def _run(app: web.Application) -> AsyncIterator[None]:
    """Own the snapshot task for the life of the application."""
    app[BOARD] = LiveBoard(app[RUNTIME])
    task = asyncio.create_task(app[BOARD].run())
    yield
    task.cancel()


def mount(app: web.Application) -> None:
    """Take snapshots for the life of the application."""
    app.cleanup_ctx.append(_run)


ROUTES = (
    Route(
        method="GET",
        path="/live",
        summary="Live numbers (server-sent events)",
        tag="operations",
        handler=live,
        answers={200: Answer("text/event-stream of `snapshot` events")},
        streaming=True,
    ),
)

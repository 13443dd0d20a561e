"""The front page's live numbers: a snapshot, and once a second what of it has changed.

Counts, and what is simulated: everybody looks, and nobody could be told who did. Of what is real
only the category is said, and of people nothing: that a face was found just now is one of theirs.
"""

import asyncio
import time
from typing import Any

from aiohttp import web

from citybrain.city_day import CITY_ZONE
from citybrain.domain.stream import category_of, personal_categories
from citybrain.eventstore.incarnations import read_lineage
from citybrain.http.board import Origin
from citybrain.http.live_feed import SnapshotFeed, mounting
from citybrain.http.routing import Answer, Call, Route
from citybrain.http.runtime import Runtime
from citybrain.http.sse import stream_events
from projections.platform import streams
from projections.status import projection_status

NEWEST = 40
REAL = Origin(None, None)  # as far as is known


class LiveBoard(SnapshotFeed):
    """What everybody may follow; of the newest events those that are new."""

    growing = ("newest",)

    def __init__(self, runtime: Runtime) -> None:
        super().__init__(runtime)
        self._head = 0
        self._at = time.monotonic()

    async def snapshot(self) -> tuple[int, dict[str, Any]]:
        """Counts, and what is newest."""
        runtime, store = self.runtime, self.runtime.store
        head, now = await store.head(), time.monotonic()
        elapsed = max(now - self._at, 1e-3)
        rate = max(head - self._head, 0) / elapsed if self._head else 0.0
        self._head, self._at = head, now
        snapshot: dict[str, Any] = {
            "head": head,
            "incarnation": (await read_lineage(store.pool)).current,
            "city_zone": CITY_ZONE.key,
            "streams": [
                {name: row[name] for name in ("category", "streams", "events")}
                for row in await streams.counts(store.models)
            ],
            "newest": await self._newest(head),
            "lag": [
                {name: row[name] for name in ("projection", "lag")}
                for row in await projection_status(store, runtime.projections)
            ],
            "rate_per_second": round(rate, 1),
            "simulated": any(
                [await part.any_simulated(store.models) for part in runtime.board_parts]
            ),
        }
        for members in await asyncio.gather(
            *(each.members(runtime) for each in runtime.board_parts)
        ):
            snapshot |= members
        return head, snapshot

    async def _newest(self, head: int) -> list[dict[str, Any]]:
        """The newest events, with what kind of stream they are of."""
        store = self.runtime.store
        newest = (await store.read_all(max(head - NEWEST, 0), limit=NEWEST))[::-1]
        origins: dict[str, Origin] = {}
        for part in self.runtime.board_parts:
            origins |= await part.origins(store.models, [event.stream_id for event in newest])
        found = ((event, origins.get(event.stream_id, REAL)) for event in newest)
        return [
            {
                "position": event.position,
                "topic": event.topic,
                "stream_id": _said(event.stream_id, origin),
                "recorded_at": event.recorded_at,
                "class_code": origin.class_code,
                "simulated": origin.simulated,
            }
            for event, origin in found
            if origin.simulated or category_of(event.stream_id) not in personal_categories()
        ]


def _said(stream_id: str, origin: Origin) -> str:
    """A stream's id where it is made up and nobody's; else its category."""
    category = category_of(stream_id)
    return stream_id if origin.simulated and category not in personal_categories() else category


BOARD: web.AppKey[LiveBoard] = web.AppKey("board", LiveBoard)


async def live(call: Call) -> web.StreamResponse:
    """Follow the live numbers."""
    return await stream_events(call.request, call.runtime, call.request.app[BOARD].messages())


mount = mounting(BOARD, LiveBoard)


ROUTES = (
    Route(
        method="GET",
        path="/live",
        summary="Live numbers (server-sent events)",
        tag="operations",
        handler=live,
        answers={200: Answer("text/event-stream: `snapshot`, then `changes` of it")},
        streaming=True,
    ),
)

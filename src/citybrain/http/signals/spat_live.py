"""SPaT as server-sent events: a message whenever what a junction shows or has decided changes.

One reader of the read model serves all who look. Lamps that change as it was decided before change
here at their moment, without a new event.
"""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import suppress

import orjson
from aiohttp import web
from pydantic import Field

from citybrain.definitions.signals.junctions import SignalDefinitions
from citybrain.domain.signals.signal import Signal
from citybrain.domain.signals.signal_events import milliseconds
from citybrain.domain.signals.spat import next_change
from citybrain.http.live_feed import Feed, mounting
from citybrain.http.paging import Query
from citybrain.http.routing import Answer, Call, Route
from citybrain.http.runtime import Runtime
from citybrain.http.signals.spat import CODES, Spat, codes_in, digest, intersection
from citybrain.http.sse import message, stream_events
from projections.signals import junctions

MOST = 50


class FollowQuery(Query):
    """Which junctions."""

    junctions: str = Field(
        min_length=1,
        pattern=CODES,
        max_length=33 * MOST,
        description=f"codes, separated by commas, {MOST} at most",
    )


class SpatFeed(Feed):
    """Reads what changed while anybody looks, and wakes whoever does."""

    every_seconds = 0.1

    def __init__(self, runtime: Runtime) -> None:
        super().__init__(runtime)
        self._signals: dict[str, Signal] = {}
        self._position = 0

    async def messages(self, codes: list[str]) -> AsyncGenerator[bytes, None]:
        """Of these junctions what they show, then each change; a slow viewer misses some."""
        definitions = self.runtime.services.definitions.of(SignalDefinitions)
        sent: dict[str, str] = {}
        with self.viewed():
            await self.look()
            while True:
                changed, now = self.changed, self.runtime.services.clock()
                new = []
                for code in codes:
                    signal = self._signals.get(code)
                    state = signal and intersection(signal, definitions, now)
                    if state and sent.get(code) != digest([state]):
                        sent[code] = digest([state])
                        new.append(state)
                if new:
                    shown = Spat(taken_at=now, intersections=new, next=None)
                    yield message("spat", orjson.dumps(shown.model_dump(mode="json")))
                with suppress(TimeoutError):
                    await asyncio.wait_for(
                        changed.wait(), self._until_next(codes, definitions, milliseconds(now))
                    )

    def _until_next(
        self, codes: list[str], definitions: SignalDefinitions, at: int
    ) -> float | None:
        """Seconds until the first lamp of these changes that changes after `at`, as decided.

        None where nothing is decided. `at`: up to when it was told, in ms since 1970.
        """
        found = (_next_change(self._signals.get(code), definitions, at) for code in codes)
        times = [each for each in found if each is not None]
        now = milliseconds(self.runtime.services.clock())
        return max(0, min(times) - now) / 1000 if times else None

    async def look(self) -> None:
        """Read the junctions that changed."""
        found = await junctions.changed(self.runtime.store.models, self._position)
        if not found:
            return
        self._position = found[-1].position
        self._signals |= {each.signal.junction: each.signal for each in found}
        self.wake()


def _next_change(signal: Signal | None, definitions: SignalDefinitions, at: int) -> int | None:
    if signal is None:
        return None
    dated = definitions.of_version(signal.junction, signal.definition_version)
    if dated is None:
        return None
    return next_change(signal, dated.junction, dated.followed(signal.plan), at)


FEED: web.AppKey[SpatFeed] = web.AppKey("spat_feed", SpatFeed)


async def follow(call: Call) -> web.StreamResponse:
    """Follow junctions."""
    query: FollowQuery = call.query
    codes = codes_in(query.junctions, MOST)
    return await stream_events(call.request, call.runtime, call.request.app[FEED].messages(codes))


mount = mounting(FEED, SpatFeed)


ROUTES = (
    Route(
        method="GET",
        path="/v1/signals/spat/live",
        tag="signals",
        summary="What lamps show and until when, as it changes (server-sent events)",
        handler=follow,
        roles=None,
        query=FollowQuery,
        answers={200: Answer("text/event-stream of `spat` events, each a snapshot as in the list")},
        streaming=True,
    ),
)

"""The live board of berths over HTTP: nobody's data, for everybody."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from operator import itemgetter
from typing import Annotated, Literal

from aiohttp import web
from pydantic import BaseModel, Field, StringConstraints

from citybrain.definitions.parking.rules import parking_rules_at
from citybrain.http.paging import PagedQuery, page_by, wait_for_position
from citybrain.http.routing import Answer, Call, Route, json_response
from citybrain.http.runtime import Runtime
from projections.parking import berths
from projections.parking.berths import BerthRow

MODEL = "parking_berths"
PlaceId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.:-]{0,99}$")]
SHARED, KEPT = timedelta(seconds=1), timedelta(seconds=5)
State = Literal["occupied", "free", "unknown"]


class Berths(BaseModel):
    """A page of berths by id, and how many there are of each state."""

    berths: list[BerthRow]
    counts: dict[str, int] = Field(
        description="of all berths; counted once a second, or anew where min_position is named"
    )
    silence_limit_seconds: int = Field(
        description="what nobody has spoken of for so long is unknown"
    )
    next: str | None = Field(description="send as `after` for the next page")


class BerthsQuery(PagedQuery):
    """Which berths."""

    zone_id: PlaceId | None = None
    state: State | None = None
    after: PlaceId | None = Field(None, description="`next` of the page before")


class BerthCounts:
    """How many berths of the city are in which state, counted once a second for all who ask.

    Of a large city that takes much longer than a page of berths.
    """

    def __init__(self) -> None:
        self._counting = asyncio.Lock()
        self._counted: dict[str, int] = {}
        self._at: datetime | None = None

    async def now(
        self, count: Callable[[], Awaitable[dict[str, int]]], now: datetime, *, fresh: bool
    ) -> dict[str, int]:
        """The counts; while somebody counts, others have those from just before."""
        if fresh or not self._is_of(now, KEPT if self._counting.locked() else SHARED):
            async with self._counting:
                if fresh or not self._is_of(now, SHARED):
                    self._counted, self._at = await count(), now
        return self._counted

    def _is_of(self, now: datetime, age: timedelta) -> bool:
        return self._at is not None and timedelta(0) <= now - self._at < age


async def berth_counts(runtime: Runtime, *, fresh: bool = False) -> dict[str, int]:
    """How many berths are occupied, free and unknown, as of a second ago at most."""
    services = runtime.services
    now = services.clock()
    silence = parking_rules_at(services.definitions, now).silence_limit
    shared = services.held(BerthCounts, lambda _: BerthCounts())
    return await shared.now(
        lambda: berths.counts(runtime.store.models, now=now, silence=silence), now, fresh=fresh
    )


async def show_all(call: Call) -> web.Response:
    """Berths as they are known now."""
    query: BerthsQuery = call.query
    await wait_for_position(call.runtime, MODEL, query.min_position)
    pool, services = call.runtime.store.models, call.runtime.services
    now = services.clock()
    silence = parking_rules_at(services.definitions, now).silence_limit
    rows = await berths.page(
        pool,
        now=now,
        silence=silence,
        zone_id=query.zone_id,
        state=query.state,
        after=query.after,
        limit=query.limit + 1,
    )
    shown, following = page_by(rows, query.limit, itemgetter("place_id"))
    return json_response(
        Berths(
            berths=[BerthRow.model_validate(row) for row in shown],
            counts=await berth_counts(call.runtime, fresh=query.min_position > 0),
            silence_limit_seconds=int(silence.total_seconds()),
            next=following,
        )
    )


ROUTES = (
    Route(
        method="GET",
        path="/v1/parking/berths",
        tag="parking",
        summary="Berths: occupied, free, or unknown",
        handler=show_all,
        roles=None,
        query=BerthsQuery,
        answers={200: Answer("a page", Berths)},
    ),
)

"""The live board of berths over HTTP: nobody's data, for everybody."""

from operator import itemgetter
from typing import Annotated, Literal

from aiohttp import web
from pydantic import BaseModel, Field, StringConstraints

from citybrain.definitions.parking.rules import parking_rules_at
from citybrain.http.paging import PagedQuery, page_by, wait_for_position
from citybrain.http.routing import Answer, Call, Route, json_response
from projections.parking import berths
from projections.parking.berths import BerthRow

MODEL = "parking_berths"
PlaceId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.:-]{0,99}$")]
State = Literal["occupied", "free", "unknown"]


class Berths(BaseModel):
    """A page of berths by id, and how many there are of each state."""

    berths: list[BerthRow]
    counts: dict[str, int]
    silence_limit_seconds: int = Field(
        description="what nobody has spoken of for so long is unknown"
    )
    next: str | None = Field(description="send as `after` for the next page")


class BerthsQuery(PagedQuery):
    """Which berths."""

    zone_id: PlaceId | None = None
    state: State | None = None
    after: PlaceId | None = Field(None, description="`next` of the page before")


async def show_all(call: Call) -> web.Response:
    """Berths as they are known now."""
    query: BerthsQuery = call.query
    await wait_for_position(call.runtime, MODEL, query.min_position)
    pool, services = call.runtime.store.pool, call.runtime.services
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
            counts=await berths.counts(pool, now=now, silence=silence),
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

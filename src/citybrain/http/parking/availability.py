"""What is free to be reserved: of a berth, or of the berths of a zone. Nobody's data.

It is a hint: the berth's calendar decides. A span is [start, end).
"""

from datetime import timedelta
from operator import itemgetter
from typing import Self

from aiohttp import web
from pydantic import BaseModel, Field, model_validator

from citybrain.domain.parking.place import PlaceKind
from citybrain.eventstore import StreamNotFound
from citybrain.http.paging import PagedQuery, page_by, wait_for_position
from citybrain.http.routing import Answer, Call, Route, json_response
from commands.fields import Moment
from commands.parking.fields import PlaceId
from projections.parking import places, reservations
from projections.parking.reservations import BusySpan

MODELS = ("parking_reservations", "parking_places")
LONGEST = timedelta(days=31)


class BerthAvailability(BaseModel):
    """Whether a berth is free all the time, and when it is not."""

    berth: str
    free: bool
    busy: list[BusySpan]


class Availability(BaseModel):
    """A page of berths, by id."""

    berths: list[BerthAvailability]
    next: str | None = Field(description="send as `after` for the next page")


class AvailabilityQuery(PagedQuery):
    """Of which berth, or of which zone; and when."""

    berth: PlaceId | None = None
    zone: PlaceId | None = None
    start: Moment = Field(description="with its offset from UTC")
    end: Moment = Field(description="not part of the span, which has 31 days at most")
    after: PlaceId | None = Field(None, description="`next` of the page before")

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if (self.berth is None) == (self.zone is None):
            raise ValueError("a berth or a zone, one of them")
        if not timedelta(0) < self.end - self.start <= LONGEST:
            raise ValueError("end is after start, 31 days at most")
        return self


async def show(call: Call) -> web.Response:
    """What is free."""
    query: AvailabilityQuery = call.query
    for model in MODELS:
        await wait_for_position(call.runtime, model, query.min_position)
    pool, now = call.runtime.store.models, call.runtime.services.clock()
    following = None
    if query.berth is not None:
        names = [query.berth]
        known = await places.versions(pool, names)
        if not any(row["kind"] == PlaceKind.BERTH for row in known):
            raise StreamNotFound("there is no such berth")
    else:
        rows = await reservations.berths_of(
            pool, query.zone or "", query.start, after=query.after, limit=query.limit + 1
        )
        shown, following = page_by(rows, query.limit, itemgetter("place_id"))
        names = [row["place_id"] for row in shown]
    busy = await reservations.busy(pool, names, query.start, query.end, now)
    found = [_of(name, [each for each in busy if each.berth == name]) for name in names]
    return json_response(Availability(berths=found, next=following))


def _of(berth: str, busy: list[BusySpan]) -> BerthAvailability:
    return BerthAvailability(berth=berth, free=not busy, busy=busy)


ROUTES = (
    Route(
        method="GET",
        path="/v1/parking/availability",
        tag="parking",
        summary="Which berths are free to be reserved, and when",
        handler=show,
        roles=None,
        query=AvailabilityQuery,
        answers={200: Answer("a page", Availability)},
        may_be_missing=True,
    ),
)

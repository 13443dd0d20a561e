"""Places over HTTP: as they are, and as they were."""

from datetime import datetime
from operator import itemgetter
from typing import Annotated

from aiohttp import web
from pydantic import AwareDatetime, BaseModel, Field, StringConstraints

from citybrain.domain.parking.place import PlaceKind
from citybrain.eventstore import StreamNotFound
from citybrain.http.paging import PagedQuery, page_by, wait_for_position
from citybrain.http.routing import Answer, Call, Route, json_response
from projections.parking import places
from projections.parking.places import PlaceRow

MODEL = "parking_places"
PlaceId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.:-]{0,99}$")]


class Places(BaseModel):
    """A page of places, by id."""

    places: list[PlaceRow]
    next: str | None = Field(description="send as `after` for the next page")


class PlaceVersions(BaseModel):
    """All that ever held of a place, the oldest first."""

    versions: list[PlaceRow]


class PlacesQuery(PagedQuery):
    """Which places, and when."""

    kind: PlaceKind | None = None
    parent: PlaceId | None = Field(None, description="the area of zones, the zone of berths")
    at: AwareDatetime | None = Field(None, description="as they were then; now where left out")
    after: PlaceId | None = Field(None, description="`next` of the page before")


async def show_all(call: Call) -> web.Response:
    """Places in use at a moment."""
    query: PlacesQuery = call.query
    await wait_for_position(call.runtime, MODEL, query.min_position)
    at: datetime = query.at or call.runtime.services.clock()
    rows = await places.page(
        call.runtime.store.pool,
        kinds=None if query.kind is None else [query.kind.value],
        at=at,
        parent=query.parent,
        after=query.after,
        limit=query.limit + 1,
    )
    shown, following = page_by(rows, query.limit, itemgetter("place_id"))
    found = [PlaceRow.model_validate(row) for row in shown]
    return json_response(Places(places=found, next=following))


async def show(call: Call) -> web.Response:
    """A place with all its versions."""
    place_id = call.request.match_info["place_id"]
    rows = await places.versions(call.runtime.store.pool, [place_id])
    if not rows:
        raise StreamNotFound("there is no such place")
    return json_response(PlaceVersions(versions=[PlaceRow.model_validate(row) for row in rows]))


ROUTES = (
    Route(
        method="GET",
        path="/v1/parking/places",
        tag="parking",
        summary="Districts, zones, berths, facilities, devices and kiosks, as of a moment",
        handler=show_all,
        roles=None,
        query=PlacesQuery,
        answers={200: Answer("a page", Places)},
    ),
    Route(
        method="GET",
        path="/v1/parking/places/{place_id}",
        tag="parking",
        summary="All that ever held of a place",
        handler=show,
        roles=None,
        answers={200: Answer("its versions", PlaceVersions)},
    ),
)

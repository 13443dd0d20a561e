"""What has been reported near a place already, for everybody: what, since when, how far it is.

Whoever is about to report sees that somebody has. No words, no photo, nobody's name; the place is
rounded to about ten metres, and the distance is that to the rounded place.
"""

from aiohttp import web
from pydantic import AwareDatetime, BaseModel, Field

from citybrain.domain.inspection.publication_events import Visibility
from citybrain.geo.distance import metres_between
from citybrain.geo.gcj02 import from_wgs84, to_wgs84
from citybrain.http.paging import CrsQuery, ReadModelQuery, wait_for_position
from citybrain.http.routing import Answer, Call, Route, json_response
from commands.fields import Code
from projections.inspection import case_desk_questions as desk
from projections.reading import Row

DECIMALS = 4  # of a degree: 11 m north, 9 m east
LOOKED_AT = 200


class NearbyQuery(ReadModelQuery, CrsQuery):
    """Around which point."""

    latitude: float = Field(ge=-90, le=90, allow_inf_nan=False)
    longitude: float = Field(ge=-180, le=180, allow_inf_nan=False)
    radius_m: float = Field(100.0, gt=0, le=500, allow_inf_nan=False)
    class_code: Code | None = Field(None, alias="class")
    limit: int = Field(20, ge=1, le=50)


class NearbyRow(BaseModel):
    """An open case, as everybody may see it."""

    case_id: str
    class_code: str
    status: str
    reported_at: AwareDatetime
    latitude: float = Field(description="rounded")
    longitude: float = Field(description="rounded")
    distance_m: int = Field(description="to the rounded place")
    simulated: bool


class Nearby(BaseModel):
    """Open cases, nearest first."""

    cases: list[NearbyRow]


async def nearby(call: Call) -> web.Response:
    """Open cases around a point that are public."""
    query: NearbyQuery = call.query
    await wait_for_position(call.runtime, "case_desk", query.min_position)
    here = to_wgs84(query.latitude, query.longitude, query.crs)
    rows = await desk.near(
        call.runtime.store.models, *here, radius_m=query.radius_m, limit=LOOKED_AT
    )
    shown = [
        _shown(row, here, query)
        for row in rows
        if row["visibility"] != Visibility.PRIVATE and query.class_code in (None, row["class_code"])
    ]
    shown.sort(key=lambda row: (row.distance_m, row.case_id))
    return json_response(Nearby(cases=shown[: query.limit]))


def _shown(row: Row, here: tuple[float, float], query: NearbyQuery) -> NearbyRow:
    place = round(row["latitude"], DECIMALS), round(row["longitude"], DECIMALS)
    latitude, longitude = from_wgs84(*place, query.crs)
    return NearbyRow(
        case_id=row["case_id"],
        class_code=row["class_code"],
        status=row["status"],
        reported_at=row["reported_at"],
        latitude=latitude,
        longitude=longitude,
        distance_m=round(metres_between(*here, *place)),
        simulated=row["simulated"],
    )


ROUTES = (
    Route(
        method="GET",
        path="/v1/cases/nearby",
        summary="What has been reported around a point and is open, nearest first, for everybody",
        tag="cases",
        handler=nearby,
        roles=None,
        query=NearbyQuery,
        answers={200: Answer("the cases", Nearby)},
    ),
)

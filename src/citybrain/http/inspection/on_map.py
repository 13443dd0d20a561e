"""Open cases for a map: those in a box, and then only what has changed since a log position."""

from typing import Annotated

from aiohttp import web
from pydantic import BaseModel, Field

from citybrain.domain.inspection import reading_rights as rights
from citybrain.domain.inspection.case import InspectionCase
from citybrain.domain.inspection.daily_events import CaseRelocated
from citybrain.geo.gcj02 import from_wgs84, to_wgs84
from citybrain.http.paging import MAX_POSITION, CrsQuery, ReadModelQuery, wait_for_position
from citybrain.http.problems import Malformed
from citybrain.http.routing import Answer, Call, Route, json_response
from commands.fields import Code
from projections.inspection import case_map
from projections.inspection.case_desk import CaseDesk
from projections.inspection.case_map import Box, CaseOnMap
from projections.reading import Row
from projections.status import lowest_position

MOST_CASES = 5000
MOST_BEHIND, MOST_CHANGES = 20_000, 2000
"""Further behind, or after more, all of it is less than what has changed."""

Northern = Annotated[float, Field(ge=-90, le=90, allow_inf_nan=False)]
Eastern = Annotated[float, Field(ge=-180, le=180, allow_inf_nan=False)]


class CasesOnMap(BaseModel):
    """What a map shows, or what has changed of that."""

    position: int = Field(description="send as `since_position` to have what changes after it")
    whole: bool = Field(description="all in the box: what was there before is to be forgotten")
    truncated: bool = Field(description="there are more in the box; what is due first is there")
    cases: list[CaseOnMap] = Field(description="new or changed")
    removed: list[str] = Field(description="no more there: over, elsewhere, or another's")


class MapQuery(ReadModelQuery, CrsQuery):
    """Which box, and since when."""

    south: Northern
    west: Eastern
    north: Northern
    east: Eastern
    department: Code | None = None
    since_position: int | None = Field(None, ge=0, le=MAX_POSITION)
    limit: int = Field(2000, ge=1, le=MOST_CASES)

    def box(self) -> Box:
        """In our coordinates; raises `Malformed`."""
        if self.south > self.north or self.west > self.east:
            raise Malformed("a box is from south to north, and from west to east")
        return (
            *to_wgs84(self.south, self.west, self.crs),
            *to_wgs84(self.north, self.east, self.crs),
        )


async def on_map(call: Call) -> web.Response:
    """Open cases in a box, or what has changed of them."""
    query: MapQuery = call.query
    box, department = query.box(), rights.department_to_read(call.authenticated, query.department)
    await wait_for_position(call.runtime, CaseDesk.name, query.min_position)
    pool = call.runtime.store.models
    position = await lowest_position(pool, [CaseDesk.name])  # before rows, which may be newer
    changed = await _changed(call, query.since_position, position)
    if changed is None:
        rows = await case_map.there(pool, box, department, limit=query.limit + 1)
        removed: list[str] = []
    else:
        found = await case_map.of_these(pool, box, department, [*changed])
        rows = [row for row in found if row["there"]]
        removed = [
            row["case_id"]
            for row in found
            if not row["there"] and (row["inside"] or changed[row["case_id"]])
        ]
    answer = CasesOnMap(
        position=position,
        whole=changed is None,
        truncated=changed is None and len(rows) > query.limit,
        cases=[_shown(row, query) for row in rows[: query.limit if changed is None else None]],
        removed=removed,
    )
    return json_response(answer)


async def _changed(call: Call, since: int | None, position: int) -> dict[str, bool] | None:
    """The cases with events since, and whether they were moved; None where that is too much."""
    if since is None or not position - MOST_BEHIND <= since <= position:
        return None
    events = await call.runtime.store.read_all(
        since, categories=[InspectionCase.category], up_to=position, limit=MOST_CHANGES + 1
    )
    if len(events) > MOST_CHANGES:
        return None
    changed: dict[str, bool] = {}
    for event in events:
        moved = event.topic == CaseRelocated.TOPIC
        changed[event.stream_id] = moved or changed.get(event.stream_id, False)
    return changed


def _shown(row: Row, query: MapQuery) -> CaseOnMap:
    latitude, longitude = from_wgs84(row["latitude"], row["longitude"], query.crs)
    return CaseOnMap(**row | {"latitude": latitude, "longitude": longitude})


ROUTES = (
    Route(
        method="GET",
        path="/v1/cases/map",
        summary="Open cases in a box, or what has changed of them since a log position",
        tag="cases",
        handler=on_map,
        roles=rights.DESK,
        query=MapQuery,
        answers={200: Answer("what the map shows, or what has changed of it", CasesOnMap)},
    ),
)

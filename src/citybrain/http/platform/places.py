"""Places over HTTP: the city's areas as GeoJSON, and where a point lies."""

from collections.abc import Iterator
from typing import Annotated, Any

import numpy as np
import orjson
import shapely
from aiohttp import web
from numpy.typing import NDArray
from pydantic import BaseModel, Field, StringConstraints
from shapely.geometry.base import BaseGeometry

from citybrain.definitions.platform.areas import areas_at
from citybrain.errors import NotFound
from citybrain.geo.areas import Area, AreaKind, Areas, as_feature, box_polygon
from citybrain.geo.gcj02 import Crs, from_wgs84, to_wgs84
from citybrain.http.paging import Query
from citybrain.http.routing import Answer, Call, Route, json_response

GEOJSON = "application/geo+json"
MOST = 1000
MOST_VERTICES = 10_000  # in a page: what keeps the server from nothing else for 50 ms at most
Degrees = NDArray[np.float64]
AreaCode = Annotated[str, StringConstraints(pattern=r"^\d{6}(\d{3}){0,3}$")]
CRS = Field(Crs.WGS84, description="the coordinates of question and answer: wgs84 or gcj02")


class InNoArea(NotFound):
    """The point lies in none of the city's areas."""

    code = "outside-the-city"


class AreasQuery(Query):
    """Which areas."""

    kind: AreaKind = AreaKind.DISTRICT
    parent: AreaCode | None = Field(None, description="only within this area")
    crs: Crs = CRS
    after: AreaCode | None = Field(None, description="`next` of the page before")
    limit: int = Field(
        200, ge=1, le=MOST, description="areas in the page, at most; fewer with long outlines"
    )


class PlaceQuery(Query):
    """A point."""

    latitude: float = Field(ge=-90, le=90, allow_inf_nan=False)
    longitude: float = Field(ge=-180, le=180, allow_inf_nan=False)
    crs: Crs = CRS


class AreaName(BaseModel):
    """An area by its code."""

    code: str
    name: str
    name_en: str


class PlaceAnswer(BaseModel):
    """Where a point lies; WGS-84 unless asked otherwise."""

    district: AreaName
    street: AreaName | None
    community: AreaName | None
    cell: str | None = Field(description="grid cell of 15 digits")
    cell_polygon: dict[str, Any] | None = Field(description="GeoJSON")
    latitude: float
    longitude: float
    crs: Crs
    version: str


async def areas(call: Call) -> web.Response:
    """A page of areas, by code."""
    query: AreasQuery = call.query
    survey = _survey(call)
    found = sorted(
        (
            area
            for area in survey.by_code.values()
            if area.kind is query.kind
            and area.code.startswith(query.parent or "")
            and area.code > (query.after or "")
        ),
        key=lambda area: area.code,
    )
    page = list(_page(found, query.limit))
    body = {
        "type": "FeatureCollection",
        "source": survey.source,
        "version": survey.version,
        "crs_name": query.crs.value,
        "features": [as_feature(area, _shifted(area.shape, query.crs)) for area in page],
        "next": page[-1].code if len(found) > len(page) else None,
    }
    return web.Response(body=orjson.dumps(body), content_type=GEOJSON)


async def place(call: Call) -> web.Response:
    """Where a point lies."""
    query: PlaceQuery = call.query
    survey = _survey(call)
    latitude, longitude = to_wgs84(query.latitude, query.longitude, query.crs)
    found = survey.locate(latitude, longitude)
    if found.district is None:
        raise InNoArea("the point lies in none of the city's areas")
    box = survey.cell_box(found.cell_id) if found.cell_id else None
    polygon = box and orjson.loads(shapely.to_geojson(_shifted(box_polygon(box), query.crs)))
    return json_response(
        PlaceAnswer(
            district=_named(survey.by_code[found.district]),
            street=_named(survey.by_code[found.street]) if found.street else None,
            community=_named(survey.by_code[found.community]) if found.community else None,
            cell=found.cell_id,
            cell_polygon=polygon or None,
            latitude=query.latitude,
            longitude=query.longitude,
            crs=query.crs,
            version=survey.version,
        )
    )


def _page(areas: list[Area], limit: int) -> Iterator[Area]:
    """As many as go into a page; one at least."""
    vertices = 0
    for number, area in enumerate(areas):
        vertices += int(shapely.get_num_coordinates(area.shape))
        if number and (number == limit or vertices > MOST_VERTICES):
            return
        yield area


def _survey(call: Call) -> Areas:
    services = call.runtime.services
    return areas_at(services.definitions, services.clock())


def _named(area: Area) -> AreaName:
    return AreaName(code=area.code, name=area.name, name_en=area.name_en)


def _shifted(shape: BaseGeometry, crs: Crs) -> BaseGeometry:
    """A shape in the coordinates of the client."""
    if crs is Crs.WGS84:
        return shape

    def shift(points: Degrees) -> Degrees:
        shifted = [from_wgs84(north, east, crs)[::-1] for east, north in points.tolist()]
        return np.array(shifted)

    return shapely.transform(shape, shift)


ROUTES = (
    Route(
        method="GET",
        path="/v1/areas",
        summary="Districts, streets, communities as GeoJSON",
        tag="places",
        may_be_missing=True,
        handler=areas,
        query=AreasQuery,
        answers={200: Answer("a FeatureCollection, with `next` where there are more")},
    ),
    Route(
        method="GET",
        path="/v1/places",
        summary="Where a point lies: areas and grid cell",
        tag="places",
        may_be_missing=True,
        handler=place,
        query=PlaceQuery,
        answers={200: Answer("the areas", PlaceAnswer)},
    ),
)

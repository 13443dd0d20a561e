"""Roads whose junctions are coordinated, and where their junctions lie on them, over HTTP."""

from datetime import datetime

from aiohttp import web
from pydantic import BaseModel, Field

from citybrain.definitions.signals.corridors import CorridorDefinitions, CorridorFile
from citybrain.definitions.signals.junctions import SignalDefinitions
from citybrain.http.routing import Answer, Call, Route, json_response


class CorridorJunction(BaseModel):
    """A junction of the road."""

    junction: str
    name: str | None
    name_en: str | None
    distance_m: float = Field(description="from the first stop line, on the way out")
    travel_s: float = Field(description="from the first stop line, at the speeds of the road")


class Corridor(BaseModel):
    """A road with its junctions in the order of the way out."""

    corridor: str
    name: str
    name_en: str | None
    junctions: list[CorridorJunction]


class Corridors(BaseModel):
    """All roads in force, by their code."""

    corridors: list[Corridor]


async def list_corridors(call: Call) -> web.Response:
    """The roads as their definitions say it today."""
    services = call.runtime.services
    definitions, now = services.definitions, services.clock()
    roads, signals = definitions.of(CorridorDefinitions), definitions.of(SignalDefinitions)
    found = [
        _corridor(road, signals, now)
        for code in sorted(roads.corridors)
        if (road := roads.at(code, now)) is not None
    ]
    return json_response(Corridors(corridors=found))


def _corridor(road: CorridorFile, signals: SignalDefinitions, now: datetime) -> Corridor:
    junctions, distance = [], 0.0
    for stop, travel in zip(road.junctions, road.travel_ms, strict=True):
        distance += stop.distance or 0.0
        dated = signals.at(stop.junction, now)
        junctions.append(
            CorridorJunction(
                junction=stop.junction,
                name=None if dated is None else dated.file.name,
                name_en=None if dated is None else dated.file.name_en,
                distance_m=distance,
                travel_s=travel / 1000,
            )
        )
    return Corridor(
        corridor=road.corridor, name=road.name, name_en=road.name_en, junctions=junctions
    )


ROUTES = (
    Route(
        method="GET",
        path="/v1/signals/corridors",
        tag="signals",
        summary="Roads whose junctions are coordinated, with their junctions",
        handler=list_corridors,
        roles=None,
        answers={200: Answer("the roads, by their code", Corridors)},
    ),
)

"""The time-space diagram of a road, as data over HTTP: where each junction lies, and its greens.

Greens are those that lamps showed, and those that are decided; of the way out and of the way back.
"""

from collections.abc import Iterable
from datetime import timedelta

from aiohttp import web
from pydantic import AwareDatetime, BaseModel, Field

from citybrain.definitions.signals.corridors import CorridorDefinitions
from citybrain.domain.signals.signal_events import moment
from citybrain.eventstore import StreamNotFound
from citybrain.http.paging import wait_for_position
from citybrain.http.problems import Malformed
from citybrain.http.routing import Answer, Call, Route, json_response
from citybrain.http.signals.history import WATCHERS, Span
from projections.reading import Row
from projections.signals import lamps

MODEL = "signal_lamps"
LONGEST = timedelta(hours=6)


class GreenSpan(BaseModel):
    """A green; `ends` is null where it is not decided."""

    begins: AwareDatetime
    ends: AwareDatetime | None


class WayGreens(BaseModel):
    """The greens of one way at a junction."""

    group: str
    greens: list[GreenSpan]


class TimeSpaceJunction(BaseModel):
    """A junction of the road, with its greens."""

    junction: str
    distance_m: float = Field(description="from the first stop line, on the way out")
    travel_s: float = Field(description="from the first stop line, at the speeds of the road")
    outbound: WayGreens
    inbound: WayGreens


class TimeSpace(BaseModel):
    """Junctions in the order of the way out."""

    corridor: str
    name: str
    since: AwareDatetime
    until: AwareDatetime
    junctions: list[TimeSpaceJunction]


async def show(call: Call) -> web.Response:
    """The greens along a road."""
    query: Span = call.query
    await wait_for_position(call.runtime, MODEL, query.min_position)
    services, code = call.runtime.services, call.request.match_info["corridor"]
    since, until = query.span(services.clock())
    if moment(until) - moment(since) > LONGEST:
        raise Malformed("six hours at most")
    road = services.definitions.of(CorridorDefinitions).at(code, moment(since))
    if road is None:
        raise StreamNotFound("there was no such road then")
    found, distance = [], 0.0
    for stop, travel in zip(road.junctions, road.travel_ms, strict=True):
        distance += stop.distance or 0.0
        rows = await lamps.greens(call.runtime.store.models, stop.junction, since, until)
        found.append(
            TimeSpaceJunction(
                junction=stop.junction,
                distance_m=distance,
                travel_s=travel / 1000,
                outbound=_way(rows, stop.outbound, since),
                inbound=_way(rows, stop.inbound, since),
            )
        )
    return json_response(
        TimeSpace(
            corridor=code, name=road.name, since=moment(since), until=moment(until), junctions=found
        )
    )


def _way(rows: Iterable[Row], group: str, since: int) -> WayGreens:
    """The greens of a group that were on in the span, or begin in it."""
    greens = [
        GreenSpan(
            begins=moment(row["began"]), ends=None if row["ends"] is None else moment(row["ends"])
        )
        for row in rows
        if row["group"] == group and (row["ends"] is None or row["ends"] > since)
    ]
    return WayGreens(group=group, greens=greens)


ROUTES = (
    Route(
        method="GET",
        path="/v1/signals/corridors/{corridor}/time-space",
        tag="signals",
        summary="The time-space diagram of a road: where its junctions lie, and their greens",
        handler=show,
        roles=WATCHERS,
        query=Span,
        answers={200: Answer("junctions in the order of the way out", TimeSpace)},
        may_be_missing=True,
    ),
)

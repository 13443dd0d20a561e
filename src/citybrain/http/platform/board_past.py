"""The board's past over HTTP: what was followed one by one, what is drawn, figures over a day."""

from datetime import timedelta
from typing import Any

from aiohttp import web
from pydantic import AwareDatetime, BaseModel, Field

from citybrain.definitions.platform.areas import areas_at
from citybrain.http.board import BOARD_READERS, BoardPlace
from citybrain.http.paging import Query
from citybrain.http.platform.board import (
    STILL_TO_COME,
    USUAL,
    AtQuery,
    followed_of,
    moment_of,
    somewhere,
    whole_minute,
)
from citybrain.http.platform.usual import BoardSeries, UsualBefore
from citybrain.http.problems import Malformed
from citybrain.http.routing import Answer, Call, Route, json_response
from commands.fields import Code, Moment
from projections import board_reading

MOST_THINGS = 5000
MOST_MOMENTS = 48


class BoardThing(BaseModel):
    """Something that is followed, whether somebody has to act or not."""

    stream_id: str
    about: str | None = Field(description="the class of a case, how a junction stands")
    owner: str | None
    due_at: AwareDatetime | None
    place: BoardPlace | None
    simulated: bool


class BoardThings(BaseModel):
    """All of a kind."""

    at: AwareDatetime
    things: list[BoardThing] = Field(description=f"{MOST_THINGS} at most, the first that are due")


class ThingsQuery(AtQuery):
    """Of which kind."""

    kind: Code


class BoardPictures(BaseModel):
    """What is drawn on the board, at a minute of the past."""

    at: AwareDatetime
    members: dict[str, dict[str, Any]] = Field(
        description="of the members of `/live` those that are known of it, by system"
    )


class PicturesQuery(Query):
    """Of which minute."""

    at: Moment = Field(description="to the minute")


class SeriesQuery(Query):
    """Moments up to one, evenly apart."""

    until: Moment = Field(alias="to", description="the last of them, to the minute")
    apart_minutes: int = Field(60, ge=1, le=1440)
    number: int = Field(24, ge=1, le=MOST_MOMENTS)


async def list_things(call: Call) -> web.Response:
    """What is followed, one by one."""
    at, kind = await moment_of(call), call.query.kind
    runtime = call.runtime
    followed = next((each for _, each in followed_of(runtime) if kind in each.kinds), None)
    if followed is None:
        kinds = sorted(kind for _, each in followed_of(runtime) for kind in each.kinds)
        raise Malformed(f"what is known one by one is of one of these kinds: {', '.join(kinds)}")
    moment = at or runtime.services.clock()
    rows = await board_reading.followed(
        runtime.store.models, followed.model.name, kind, moment, live=at is None, limit=MOST_THINGS
    )
    named = sorted({row["place_id"] for row in rows if row["place_id"] is not None})
    places = await followed.places(runtime, named) if named else {}
    areas = areas_at(runtime.services.definitions, moment)
    things = [
        BoardThing(
            place=places.get(row["place_id"] or "") or somewhere(areas, row),
            **{name: row[name] for name in ("stream_id", "about", "owner", "due_at", "simulated")},
        )
        for row in rows
    ]
    return json_response(BoardThings(at=moment, things=things))


async def pictures(call: Call) -> web.Response:
    """Where somebody stood, and what queues there were."""
    query: PicturesQuery = call.query
    at, runtime = whole_minute(query.at), call.runtime
    if at > runtime.services.clock():
        raise Malformed(STILL_TO_COME)
    members: dict[str, dict[str, Any]] = {}
    for part in runtime.board_parts:
        members |= {} if part.drawn is None else await part.drawn(runtime, at)
    return json_response(BoardPictures(at=at, members=members))


async def series(call: Call) -> web.Response:
    """The last day or so by the hour."""
    query: SeriesQuery = call.query
    last, apart = whole_minute(query.until), timedelta(minutes=query.apart_minutes)
    if last > call.runtime.services.clock():
        raise Malformed(STILL_TO_COME)
    moments = [last - apart * back for back in reversed(range(query.number))]
    before: UsualBefore = call.request.app[USUAL]
    return json_response(await before.series(call.runtime, moments, followed_of(call.runtime)))


ROUTES = (
    Route(
        method="GET",
        path="/v1/board/things",
        summary="What is followed, one by one: deadlines that run, how junctions stand",
        tag="board",
        handler=list_things,
        roles=BOARD_READERS,
        query=ThingsQuery,
        answers={200: Answer("all of a kind", BoardThings)},
    ),
    Route(
        method="GET",
        path="/v1/board/pictures",
        summary="Berths and queues at a minute of the past, as the live numbers have them",
        tag="board",
        handler=pictures,
        roles=BOARD_READERS,
        query=PicturesQuery,
        answers={200: Answer("what is known of it", BoardPictures)},
    ),
    Route(
        method="GET",
        path="/v1/board/series",
        summary="Figures at moments of the past, with what is usual then",
        tag="board",
        handler=series,
        roles=BOARD_READERS,
        query=SeriesQuery,
        answers={200: Answer(f"{MOST_MOMENTS} moments at most", BoardSeries)},
    ),
)

"""The operations of the API about a lamp: each route with who may use it."""

from aiohttp import web
from pydantic import BaseModel, Field

from citybrain.domain.lamps.lamp import (
    MAY_MEND,
    MAY_READ,
    MAY_REGISTER,
    MAY_REPORT,
    Lamp,
    LampStatus,
)
from citybrain.http.commanding import context, created, id_in_path, on
from citybrain.http.paging import PagedQuery, decode_time_cursor, page, wait_for_position
from citybrain.http.routing import Answer, Call, Route, json_response
from commands.lamps import lamp as commands
from commands.lamps.lamp import LampAnswer
from projections.lamps import lamps
from projections.lamps.lamps import LampRow

lamp_id_of = id_in_path("lamp_id", r"lamp-[0-9a-f]{32}", "lamp")


class LampPage(BaseModel):
    """A page of the list."""

    lamps: list[LampRow]
    next: str | None = Field(description="`after` of the next page; null on the last one")


class LampQuery(PagedQuery):
    """Which of them."""

    status: LampStatus | None = None


async def register(call: Call) -> web.Response:
    """A new one."""
    result = await commands.register_lamp(call.body, context(call), call.runtime.services)
    return created(result, "/v1/lamps")


async def show(call: Call) -> web.Response:
    """One of them, from its stream: never behind."""
    lamp = await call.runtime.store.load(Lamp, lamp_id_of(call))
    answer = commands.lamp_answer(lamp)
    return json_response(answer, headers={"ETag": f'"{lamp.version}"'})


async def list_lamps(call: Call) -> web.Response:
    """A page of them, from the read model: a moment behind, unless `min_position` waits."""
    query: LampQuery = call.query
    await wait_for_position(call.runtime, "lamps", query.min_position)
    rows = await lamps.page(
        call.runtime.store.pool,
        status=query.status,
        after=decode_time_cursor(query.after),
        limit=query.limit + 1,
    )
    shown, following = page(rows, query.limit, "since", "lamp_id")
    return json_response(LampPage(lamps=[LampRow(**row) for row in shown], next=following))


ROUTES = (
    Route(
        method="POST",
        path="/v1/lamps",
        summary="Register a lamp",
        tag="lamps",
        handler=register,
        roles=MAY_REGISTER,
        body=commands.RegisterLamp,
        idempotent=True,
        answers={201: Answer("registered; Location is where it is found", LampAnswer)},
    ),
    Route(
        method="POST",
        path="/v1/lamps/{lamp_id}/report",
        summary="Report that it is broken",
        tag="lamps",
        handler=on(lamp_id_of, commands.report_lamp),
        roles=MAY_REPORT,
        body=commands.ReportLamp,
        idempotent=True,
        answers={200: Answer("reported; ETag is the version, X-Position its place", LampAnswer)},
    ),
    Route(
        method="POST",
        path="/v1/lamps/{lamp_id}/mend",
        summary="Say that it works again, as of the version that was seen",
        tag="lamps",
        handler=on(lamp_id_of, commands.mend_lamp),
        roles=MAY_MEND,
        body=commands.MendLamp,
        if_match=True,
        idempotent=True,
        answers={200: Answer("mended; ETag is the version, X-Position its place", LampAnswer)},
    ),
    Route(
        method="GET",
        path="/v1/lamps/{lamp_id}",
        summary="One lamp as its events make it",
        tag="lamps",
        handler=show,
        roles=MAY_READ,
        answers={200: Answer("the state; ETag is its version", LampAnswer)},
    ),
    Route(
        method="GET",
        path="/v1/lamps",
        summary="Every lamp, the longest unchanged first",
        tag="lamps",
        handler=list_lamps,
        roles=MAY_READ,
        query=LampQuery,
        answers={200: Answer("a page", LampPage)},
    ),
)

"""Payments for which no stay is known, over HTTP: made at a kiosk, and looked into by officers."""

from aiohttp import web
from pydantic import BaseModel, Field

from citybrain.domain.actor import Role
from citybrain.domain.parking.looking import DECIDERS
from citybrain.domain.parking.stray import StrayStatus
from citybrain.http.accessing import opened
from citybrain.http.commanding import context, id_in_path, on
from citybrain.http.paging import PagedQuery, decode_time_cursor, page, wait_for_position
from citybrain.http.parking.office import of_the_office
from citybrain.http.parking.paying import Order, order_of
from citybrain.http.parking.showing import with_plates
from citybrain.http.routing import Answer, Call, Opens, Route, json_response
from commands.parking import stray as commands
from projections.parking import strays
from projections.parking.strays import StrayRow

MODEL = "parking_strays"
BASE = "/v1/parking/strays/{stray_id}"

stray_id_of = id_in_path("stray_id", r"parking_stray-[0-9a-f]{32}", "payment without a stay")


class ShownStray(StrayRow):
    """A payment, with the plate that it was made for where you may see that."""

    plate: str | None
    pseudonym: str | None


class Strays(BaseModel):
    """A page, the newest first."""

    strays: list[ShownStray]
    next: str | None = Field(description="send as `after` for the next page")


class StraysQuery(PagedQuery):
    """Which payments."""

    status: StrayStatus | None = StrayStatus.PAID


class StrayAnswer(BaseModel):
    """What a decision on one answers."""

    stray_id: str
    status: str
    version: int
    session_id: str | None
    waits_for_second: bool


async def pay(call: Call) -> web.Response:
    """An order for a vehicle that no camera has read."""
    asked = await commands.pay_unknown(call.body, context(call), call.runtime.services)
    return json_response(order_of(asked))


async def show_all(call: Call) -> web.Response:
    """A page of payments; looks at plates are recorded."""
    query: StraysQuery = call.query
    of_the_office(call)
    await wait_for_position(call.runtime, MODEL, query.min_position)
    rows = await strays.page(
        call.runtime.store.models,
        status=query.status and query.status.value,
        after=decode_time_cursor(query.after),
        limit=query.limit + 1,
    )
    shown, following = page(rows, query.limit, "asked_at", "stray_id")
    await opened(call, [(row["stray_id"], None) for row in shown])
    plated = await with_plates(call, [row | {"of": None} for row in shown], "of")
    found = [ShownStray.model_validate(row) for row in plated]
    return json_response(Strays(strays=found, next=following))


ROUTES = (
    Route(
        method="POST",
        path="/v1/parking/stays/payments",
        tag="parking",
        summary="Pay for a vehicle that no camera has read: an order for the gateway",
        handler=pay,
        roles=(Role.KIOSK,),
        body=commands.PayUnknown,
        idempotent=True,
        answers={200: Answer("the order", Order)},
    ),
    Route(
        method="GET",
        path="/v1/parking/strays",
        tag="parking",
        summary="Payments for which no stay is known, and the stays that they may be for",
        handler=show_all,
        roles=DECIDERS,
        query=StraysQuery,
        answers={200: Answer("a page", Strays)},
        opens=Opens(what="parking-stray", purpose="parking"),
    ),
    Route(
        method="POST",
        path=f"{BASE}/match",
        tag="parking",
        summary="Say for which stay a payment was",
        handler=on(stray_id_of, commands.accept_stray),
        roles=DECIDERS,
        body=commands.AcceptStray,
        idempotent=True,
        answers={200: Answer("done", StrayAnswer)},
    ),
    Route(
        method="POST",
        path=f"{BASE}/refusal",
        tag="parking",
        summary="Say that a payment was for none of them: it goes back",
        handler=on(stray_id_of, commands.refuse_stray),
        roles=DECIDERS,
        body=commands.RefuseStray,
        idempotent=True,
        answers={200: Answer("done", StrayAnswer)},
    ),
)

"""Stays that go on, and paying for them before leaving.

A kiosk names the plate of whoever stands there in the body of a POST, and sees what the stay comes
to so far, not where; each look is on the record. In the app it is one's own.
"""

from datetime import date

from aiohttp import web
from pydantic import AwareDatetime, BaseModel, Field

from citybrain.city_day import city_day
from citybrain.domain.actor import Role
from citybrain.domain.parking import session_claims
from citybrain.domain.parking.judging import Status
from citybrain.domain.parking.session import ParkingSession
from citybrain.http.accessing import opened
from citybrain.http.commanding import context
from citybrain.http.paging import wait_for_position
from citybrain.http.parking.paying import Order, order_of
from citybrain.http.parking.session import MODEL, OTHERS, session_id_of
from citybrain.http.parking.showing import on_whose_record
from citybrain.http.routing import Answer, Call, Opens, Route, json_response
from commands.parking.paying import PAYERS, vehicle_of
from commands.parking.prepaying import PayStay, SearchStays, may_pay_stay, pay_stay
from commands.parking.pricing import price_ahead, price_of
from projections.parking import bindings, sessions

MOST = 20


class PriceStep(BaseModel):
    """A change of the price: who leaves before `at` does not pay it."""

    at: AwareDatetime
    price_fen: int


class StayShown(BaseModel):
    """A stay that goes on."""

    session_id: str
    since: date
    price_fen: int = Field(description="what it comes to so far")
    paid_fen: int
    open_fen: int
    grace_minutes: int = Field(description="so long after paying all one may leave")
    ahead: list[PriceStep] = Field(description="how the price changes next, if it goes on")


class Stays(BaseModel):
    """The newest first."""

    stays: list[StayShown]


async def search(call: Call) -> web.Response:
    """Stays that go on, with what they come to so far; on the record."""
    actor, services = call.authenticated, call.runtime.services
    plate_id = await vehicle_of(call.body, actor, services)
    await wait_for_position(call.runtime, MODEL, await call.runtime.store.head())
    pool = call.runtime.store.models
    plates = [] if plate_id is None else [plate_id]
    if actor.has(Role.CITIZEN):
        plates = [row["plate_id"] for row in await bindings.of_citizen(pool, actor.subject)]
    rows = await sessions.page(
        pool,
        status=Status.PARKED.value,
        place_id=None,
        zone_id=None,
        plate_ids=plates,
        after=None,
        limit=MOST,
    )
    found = [
        session
        for row in rows
        if await may_pay_stay(
            session := await services.store.load(ParkingSession, row["session_id"]),
            plate_id,
            actor,
            services,
        )
    ]
    await opened(call, [await on_whose_record(each, services) for each in found])
    return json_response(Stays(stays=[await _shown(call, each) for each in found]))


async def _shown(call: Call, session: ParkingSession) -> StayShown:
    priced = await price_of(session, call.runtime.services, OTHERS)
    ahead = await price_ahead(session, call.runtime.services, OTHERS)
    return StayShown(
        session_id=session.id,
        since=city_day(session.arrived_at),
        price_fen=priced.amount_fen,
        paid_fen=session_claims.prepaid_fen(session.claims, session.plate_id),
        open_fen=session_claims.owed_on_leaving_fen(
            session.claims, session.plate_id, priced.amount_fen
        ),
        grace_minutes=priced.grace_for.seconds // 60,
        ahead=[PriceStep(at=at, price_fen=fen) for at, fen in ahead],
    )


async def pay(call: Call) -> web.Response:
    """An order for what a stay comes to so far."""
    services = call.runtime.services
    asked = await pay_stay(session_id_of(call), call.body, context(call), services, OTHERS)
    return json_response(order_of(asked))


ROUTES = (
    Route(
        method="POST",
        path="/v1/parking/stays/search",
        tag="parking",
        summary="Stays that go on, of the vehicle named at a kiosk, or one's own",
        handler=search,
        roles=PAYERS,
        body=SearchStays,
        answers={200: Answer("the newest first", Stays)},
        opens=Opens(what="parking-stay", purpose="parking"),
    ),
    Route(
        method="POST",
        path="/v1/parking/sessions/{session_id}/payment",
        tag="parking",
        summary="Pay before leaving: an order for the gateway",
        handler=pay,
        roles=PAYERS,
        body=PayStay,
        idempotent=True,
        answers={200: Answer("the order", Order)},
    ),
)

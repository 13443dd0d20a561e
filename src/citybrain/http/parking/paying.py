"""Paying what is owed for parking: an order comes back that its payer hands to the gateway.

A kiosk names the plate of whoever stands there, in the body: no plate is in an address. It sees
what is open and from which day, and not where the vehicle stood.
"""

from collections.abc import Iterable
from datetime import date
from uuid import UUID

from aiohttp import web
from pydantic import AwareDatetime, BaseModel, Field

from citybrain.city_day import city_day
from citybrain.domain.actor import Role
from citybrain.http.accessing import opened
from citybrain.http.commanding import context
from citybrain.http.paging import wait_for_position
from citybrain.http.parking.claims import MODEL, claim_id_of, people
from citybrain.http.routing import Answer, Call, Opens, Route, json_response
from commands.parking.paying import (
    MOST_DEBTS,
    PAYERS,
    PayClaim,
    PayDebts,
    SearchDebts,
    may_pay,
    pay_claim,
    pay_several,
    request_id_of,
    vehicle_of,
)
from commands.parking.payment import Asked
from projections.parking import claims
from projections.reading import Row


class Order(BaseModel):
    """A payment that was asked for."""

    claim_id: str
    payment_id: str
    amount_fen: int
    order: str = Field(description="signed: whoever pays hands it to the gateway with their money")
    until: AwareDatetime = Field(description="the gateway takes it until then")


class Orders(BaseModel):
    """One amount over several claims: each part is an order of its own."""

    orders: list[Order]
    amount_fen: int


class DebtShown(BaseModel):
    """What is open of one claim."""

    claim_id: str
    due_on: date
    open_fen: int


class Debts(BaseModel):
    """What is open of a vehicle, the earliest first."""

    debts: list[DebtShown]
    open_fen: int


async def pay_one(call: Call) -> web.Response:
    """An order for one claim."""
    services = call.runtime.services
    asked = await pay_claim(claim_id_of(call), call.body, context(call), services)
    return json_response(order_of(asked))


async def pay_all(call: Call) -> web.Response:
    """Orders for one amount over the debts of whoever pays."""
    services, command = call.runtime.services, call.body
    request_id = await request_id_of(command, "", context(call), services)
    rows = await _debts(call, command, request_id)
    ids = [row["claim_id"] for row in rows]
    asked = await pay_several(ids, command, context(call), services, request_id)
    return json_response(
        Orders(orders=list(map(order_of, asked)), amount_fen=sum(each.amount_fen for each in asked))
    )


async def search(call: Call) -> web.Response:
    """What is open of the vehicle whose plate is named at a kiosk; on the record."""
    rows = await _debts(call, call.body)
    await opened(call, people(rows))
    return json_response(Debts(debts=_shown(rows), open_fen=sum(row["open_fen"] for row in rows)))


async def _debts(
    call: Call, command: PayDebts | SearchDebts, request_id: UUID | None = None
) -> list[Row]:
    """What whoever asks may pay, and what they have asked to pay under this id."""
    actor, services = call.authenticated, call.runtime.services
    await wait_for_position(call.runtime, MODEL, await call.runtime.store.head())
    plate_id = await vehicle_of(command, actor, services)
    pool = call.runtime.store.models
    said = None if request_id is None else str(request_id)
    if actor.has(Role.CITIZEN):
        return await claims.debts_of_citizen(pool, actor.subject, said, MOST_DEBTS)
    if plate_id is None:
        return []
    return [
        row
        for row in await claims.debts_of_plate(pool, plate_id, said, MOST_DEBTS)
        if await may_pay(row["citizen_id"], plate_id, plate_id, actor, services)
    ]


def order_of(asked: Asked) -> Order:
    """The order as whoever pays it hands it to the gateway."""
    assert asked.order is not None, "no debit is asked for here"
    assert asked.until is not None
    return Order(
        claim_id=asked.claim_id,
        payment_id=asked.payment_id,
        amount_fen=asked.amount_fen,
        order=asked.order,
        until=asked.until,
    )


def _shown(rows: Iterable[Row]) -> list[DebtShown]:
    return [
        DebtShown(
            claim_id=row["claim_id"], due_on=city_day(row["due_at"]), open_fen=row["open_fen"]
        )
        for row in rows
    ]


ROUTES = (
    Route(
        method="POST",
        path="/v1/parking/claims/{claim_id}/payment",
        tag="parking",
        summary="Pay a claim: an order for the gateway",
        handler=pay_one,
        roles=PAYERS,
        body=PayClaim,
        idempotent=True,
        answers={200: Answer("the order", Order)},
    ),
    Route(
        method="POST",
        path="/v1/parking/payments",
        tag="parking",
        summary="Pay several claims at once: what is chosen, then the earliest due",
        handler=pay_all,
        roles=PAYERS,
        body=PayDebts,
        idempotent=True,
        answers={200: Answer("an order for each part", Orders)},
    ),
    Route(
        method="POST",
        path="/v1/parking/debts/search",
        tag="parking",
        summary="What is open of the vehicle whose plate is named at a kiosk",
        handler=search,
        roles=(Role.KIOSK,),
        body=SearchDebts,
        answers={200: Answer("the earliest first", Debts)},
        opens=Opens(what="parking-debts", purpose="parking"),
    ),
)

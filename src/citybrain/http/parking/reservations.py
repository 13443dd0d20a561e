"""Reservations over HTTP: held, confirmed, moved and given up by citizens; settled by officers."""

from datetime import datetime

from aiohttp import web
from pydantic import BaseModel, Field

from citybrain.domain.actor import Role
from citybrain.domain.parking.reading_rights import IN_CLEAR
from citybrain.http.commanding import Handler, context, created, id_in_path, on
from citybrain.http.routing import Answer, Call, Route
from commands.parking import reservations as commands

CITIZEN = (Role.CITIZEN,)
COLLECTION = "/v1/parking/reservations"

reservation_id_of = id_in_path("reservation_id", r"parking_reservation-[0-9a-f]{32}", "reservation")


class ReservationAnswer(BaseModel):
    """What a command on a reservation answers."""

    reservation_id: str
    version: int
    status: str = Field(
        description="held, paying, securing, confirmed, checked-in, completed, no-show, cancelled, "
        "lapsed, lost or given-back"
    )
    berth: str
    start: datetime
    end: datetime = Field(description="not part of the span")
    hold_until: datetime = Field(description="confirm before then")
    no_show_at: datetime = Field(description="who comes then is still in time")
    cancel_free_until: datetime = Field(description="cancelling later costs a fee")
    rules_version: str
    deposit_fen: int
    kept_fen: int = Field(description="what is owed of the deposit as it stands")
    claim_id: str | None = Field(description="the claim for the deposit, once it is asked for")
    conflict: str | None = Field(description="obstructed, reported, unsure or unseen")
    offered: list[str] = Field(description="berths that were free when this one was lost")


async def hold(call: Call) -> web.Response:
    """Hold a berth."""
    result = await commands.hold_berth(call.body, context(call), call.runtime.services)
    return created(result, COLLECTION)


def _command(
    path: str, body: type[BaseModel], handler: Handler, summary: str, roles: tuple[Role, ...]
) -> Route:
    return Route(
        method="POST",
        path=f"{COLLECTION}/{{reservation_id}}/{path}",
        tag="parking",
        summary=summary,
        handler=on(reservation_id_of, handler),
        roles=roles,
        body=body,
        idempotent=True,
        answers={200: Answer("done; ETag and X-Position say where", ReservationAnswer)},
    )


ROUTES = (
    Route(
        method="POST",
        path=COLLECTION,
        tag="parking",
        summary="Hold a berth for a time",
        handler=hold,
        roles=CITIZEN,
        body=commands.HoldBerth,
        idempotent=True,
        answers={201: Answer("held; Location is the reservation", ReservationAnswer)},
    ),
    _command(
        "confirmation",
        commands.ConfirmReservation,
        commands.confirm_reservation,
        "Take the berth that is held, and pay its deposit",
        CITIZEN,
    ),
    _command(
        "cancellation",
        commands.CancelReservation,
        commands.cancel_reservation,
        "Give a reservation up, or take it back for the city",
        (*CITIZEN, *IN_CLEAR),
    ),
    _command(
        "move",
        commands.MoveReservation,
        commands.move_reservation,
        "Take another berth in place of one that cannot be had",
        CITIZEN,
    ),
    _command(
        "obstruction",
        commands.ReportObstruction,
        commands.report_obstruction,
        "Say that somebody stands on the reserved berth",
        CITIZEN,
    ),
    _command(
        "settlement",
        commands.SettleConflict,
        commands.settle_conflict,
        "Say, having looked, who stood on a reserved berth",
        IN_CLEAR,
    ),
)

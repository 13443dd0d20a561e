"""The commands of reservations: what citizens do with a berth, and what officers decide about one.

Whose a berth is decides its calendar (`reserving`), before the reservation says so.
"""

import hashlib
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from pydantic import Field

from citybrain.definitions.parking.plates import PlateReadingDefinitions, grammar_at
from citybrain.definitions.parking.reservations import ReservationDefinitions, reservation_rules_at
from citybrain.definitions.parking.rules import parking_rules_at
from citybrain.domain.actor import Role, RoleNotAllowed
from citybrain.domain.citizens import Citizen
from citybrain.domain.parking import arrivals
from citybrain.domain.parking.arrivals import Outcome
from citybrain.domain.parking.place import PlaceKind
from citybrain.domain.parking.plates import read_plate
from citybrain.domain.parking.reservation import CityReason, ParkingReservation, Span, on_berth
from citybrain.domain.parking.reservation_refusals import (
    PlateNotWhole,
    ReservationOutOfStep,
    SameBerth,
)
from citybrain.domain.parking.sealed_plates import SealedPlate
from citybrain.errors import Refused
from citybrain.vault import InStream
from commands.fields import Flag, Moment, Prose
from commands.handling import (
    Command,
    CommandContext,
    CommandResult,
    answered_before,
    change,
    create,
)
from commands.parking.fields import PlaceId, PlateCountry, PlateText
from commands.parking.places import UnknownPlace, place_book
from commands.parking.plates import PlateKeeper
from commands.parking.reserving import Claiming
from commands.services import Services

NOTE = "parking-reservation-note"

Decide = Callable[[ParkingReservation, datetime], None]


class HoldBerth(Command):
    """Hold a berth for a span, [start, end), until the deposit is paid."""

    berth: PlaceId
    start: Moment = Field(description="with its offset from UTC")
    end: Moment = Field(description="not part of the span")
    plate: PlateText = Field(description="of the vehicle that will come; sealed")
    plate_country: PlateCountry = "CN"
    simulated: Flag = Field(False, description="true for made-up people; shown wherever it shows")


class ConfirmReservation(Command):
    """Take the berth that is held, and pay its deposit."""


class CancelReservation(Command):
    """Give it up; late, a fee is kept of the deposit."""

    reason: CityReason | None = Field(None, description="where the city takes it back: why")


class MoveReservation(Command):
    """Take another berth in place of one that cannot be had."""

    berth: PlaceId


class ReportObstruction(Command):
    """Somebody stands on the reserved berth."""


class SettleConflict(Command):
    """An officer has looked who stands there."""

    outcome: Outcome
    note: Prose = Field(description="what was seen; sealed")


def reservation_answer(reservation: ParkingReservation) -> dict[str, Any]:
    """What commands on a reservation answer."""
    conflict = reservation.conflict
    return {
        "reservation_id": reservation.id,
        "version": reservation.version,
        "status": reservation.status.value,
        "berth": reservation.berth,
        "start": reservation.start.isoformat(),
        "end": reservation.end.isoformat(),
        "hold_until": reservation.hold_until.isoformat(),
        "no_show_at": reservation.no_show_at.isoformat(),
        "cancel_free_until": reservation.cancel_free_until.isoformat(),
        "rules_version": reservation.rules_version,
        "deposit_fen": reservation.deposit_fen,
        "kept_fen": reservation.kept_fen,
        "claim_id": reservation.claim_id,
        "conflict": None if conflict is None else conflict["kind"],
        "offered": reservation.offered,
    }


async def hold_berth(
    command: HoldBerth, context: CommandContext, services: Services
) -> CommandResult:
    """Hold a berth: raises `BerthTaken`, `TooManyReservations`, `SpanInvalid` and others.

    With an idempotency key the reservation's id follows from it, so that a crash half-way through
    leaves nothing that its repetition would not find.
    """
    if before := await answered_before(command, "", context, services):
        return before
    actor, now = context.actor, services.clock()
    if not actor.has(Role.CITIZEN):
        raise RoleNotAllowed("citizens reserve for themselves")
    rules = reservation_rules_at(services.definitions, now)
    span = rules.span(
        now, command.berth, command.start.astimezone(UTC), command.end.astimezone(UTC)
    )
    plate = read_plate(command.plate, grammar_at(services.definitions, now), command.plate_country)
    if not plate.complete:
        raise PlateNotWhole("say the whole plate, with its province")
    await check_berth(span, services)
    (await services.store.load(Citizen, actor.subject)).check_alive()
    reservation_id = _reservation_id(context)
    sealed: list[SealedPlate] = []

    async def claim() -> None:
        claim = on_berth(reservation_id, 1)
        claiming = Claiming(context, services)
        await claiming.hold(actor.subject, reservation_id, claim, span, rules.open_per_citizen)
        sealed.append(await PlateKeeper(services).seal(plate))  # who comes second leaves no key

    return await create(
        command,
        context,
        services,
        lambda: ParkingReservation.hold(
            actor,
            now,
            reservation_id=reservation_id,
            span=span,
            terms=rules.terms(span, parking_rules_at(services.definitions, now)),
            plate=sealed[-1].members(),
            simulated=command.simulated,
        ),
        reservation_answer,
        prepare=claim,
    )


async def confirm_reservation(
    reservation_id: str, command: ConfirmReservation, context: CommandContext, services: Services
) -> CommandResult:
    """Pay the deposit, which the process manager takes; or confirm at once where there is none."""
    if before := await answered_before(command, reservation_id, context, services):
        return before
    reservation = await services.store.load(ParkingReservation, reservation_id)
    if reservation.deposit_fen:
        return await _change(
            reservation_id,
            command,
            context,
            services,
            lambda reservation, now: reservation.ask_deposit(context.actor, now),
        )
    if not reservation.secured:
        reservation.check_confirmable(context.actor, services.clock())
        await Claiming(context, services).keep(reservation)
    return await _change(
        reservation_id,
        command,
        context,
        services,
        lambda reservation, now: reservation.confirm_unpaid(context.actor, now),
    )


async def cancel_reservation(
    reservation_id: str, command: CancelReservation, context: CommandContext, services: Services
) -> CommandResult:
    """Give it up; the berth is freed, and money given back, by the process manager."""
    reason = None if command.reason is None else command.reason.value
    return await _change(
        reservation_id,
        command,
        context,
        services,
        lambda reservation, now: reservation.cancel(
            context.actor, now, departments=departments(services), reason=reason
        ),
    )


async def move_reservation(
    reservation_id: str, command: MoveReservation, context: CommandContext, services: Services
) -> CommandResult:
    """Hold the other berth, then leave this one for it; raises `BerthTaken` and others."""
    if before := await answered_before(command, reservation_id, context, services):
        return before
    reservation = await services.store.load(ParkingReservation, reservation_id)
    reservation.check_movable(context.actor)
    if command.berth in reservation.berths:
        raise SameBerth("this is the berth that cannot be had")
    now = services.clock()
    rules = services.definitions.of(ReservationDefinitions).began_under(
        reservation.rules_version, reservation.created_on
    )
    claim, claiming = (
        on_berth(reservation_id, len(reservation.berths) + 1),
        Claiming(context, services),
    )
    span = Span(
        berth=command.berth,
        start=max(reservation.start, now),
        end=reservation.end,
        hold_until=now + rules.hold_for,
    )
    await check_berth(span, services)
    await claiming.hold_berth(claim, span)

    def move(reservation: ParkingReservation, now: datetime) -> None:
        if on_berth(reservation_id, len(reservation.berths) + 1) != claim:
            raise ReservationOutOfStep("the reservation was moved meanwhile")
        reservation.move(context.actor, now, berth=command.berth)

    try:
        return await _change(reservation_id, command, context, services, move)
    except Refused:
        await claiming.free(command.berth, claim, reservation.end)
        raise


async def report_obstruction(
    reservation_id: str, command: ReportObstruction, context: CommandContext, services: Services
) -> CommandResult:
    """The citizen stands before a berth that is taken."""
    return await _change(
        reservation_id,
        command,
        context,
        services,
        lambda reservation, now: arrivals.report_obstructed(reservation, context.actor, now),
    )


async def settle_conflict(
    reservation_id: str, command: SettleConflict, context: CommandContext, services: Services
) -> CommandResult:
    """An officer says what it was."""
    sealed = await _sealed(reservation_id, command.note, services)
    return await _change(
        reservation_id,
        command,
        context,
        services,
        lambda reservation, now: arrivals.settle(
            reservation,
            context.actor,
            now,
            departments=departments(services),
            outcome=command.outcome,
            note_sealed=sealed,
        ),
    )


async def check_berth(span: Span, services: Services) -> None:
    """Raise `UnknownPlace` unless there is this berth, all the time."""
    book = place_book(services)
    for moment in (span.start, span.end):
        if (await book.place(span.berth, moment)).kind != PlaceKind.BERTH:
            raise UnknownPlace("only marked berths are reserved")


async def change_reservation(
    reservation_id: str, context: CommandContext, services: Services, decide: Decide
) -> None:
    """Decide on a reservation, now: for process managers."""
    await _change(reservation_id, Command(), context, services, decide)


def departments(services: Services) -> tuple[str, ...]:
    """The departments that look after parking now."""
    return services.definitions.of(PlateReadingDefinitions).departments(services.clock())


async def _sealed(reservation_id: str, note: str, services: Services) -> str:
    """A note of an officer, sealed for whom it is about."""
    reservation = await services.store.load(ParkingReservation, reservation_id)
    return await services.vault.seal_text(
        reservation.citizen_id, InStream(NOTE, reservation_id), note
    )


async def _change(
    reservation_id: str,
    command: Command,
    context: CommandContext,
    services: Services,
    decide: Decide,
) -> CommandResult:
    return await change(
        ParkingReservation,
        reservation_id,
        command,
        context,
        services,
        lambda reservation: decide(reservation, services.clock()),
        reservation_answer,
    )


def _reservation_id(context: CommandContext) -> str:
    """A new id; with an idempotency key always the same one."""
    key = context.idempotency_key
    if key is None:
        return ParkingReservation.new_id()
    said = f"{context.actor.subject}\0{key}".encode()
    return ParkingReservation.new_id(0, hashlib.sha256(said).digest()[:10])

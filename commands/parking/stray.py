"""Payments for vehicles of which no stay is known: asked at a kiosk, and what officers decide."""

from collections.abc import Sequence
from typing import Any, Literal

from pydantic import Field

from citybrain.definitions.parking.plates import grammar_at
from citybrain.definitions.parking.rules import parking_rules_at
from citybrain.domain.parking.claim_events import Channel
from citybrain.domain.parking.place import PlaceKind
from citybrain.domain.parking.plates import read_plate
from citybrain.domain.parking.session import ParkingSession
from citybrain.domain.parking.stray import NUMBER, StrayPayment
from citybrain.errors import Refused
from citybrain.eventstore import StreamNotFound, WrongExpectedVersion
from commands.handling import Command, CommandContext, CommandResult, change
from commands.parking import signs
from commands.parking.claim import raise_claim
from commands.parking.fields import AmountFen, PlaceId, PlateCountry, PlateIncomplete, PlateText
from commands.parking.looking import SessionId, holders_of
from commands.parking.paying import request_id_of
from commands.parking.payment import Asked, request_payment
from commands.parking.places import UnknownPlace, place_book
from commands.parking.plates import PlateKeeper
from commands.services import Services


class StayKnown(Refused):
    """A vehicle with this plate stands there: its stay is paid, and nothing beside it."""

    code = "stay-known"


class PayUnknown(Command):
    """Pay for a vehicle that no camera has read, at a kiosk."""

    place_id: PlaceId = Field(description="the block face or the facility where it stands")
    plate: PlateText
    plate_country: PlateCountry = "CN"
    amount_fen: AmountFen


class AcceptStray(Command):
    """An officer says for which stay a payment was."""

    session_id: SessionId
    reason: Literal["mistyped", "misread", "other"]


class RefuseStray(Command):
    """An officer says that a payment was for none of the stays: it goes back."""

    reason: Literal["another-vehicle", "no-such-stay", "other"]


def stray_answer(stray: StrayPayment) -> dict[str, Any]:
    """What commands on one answer."""
    return {
        "stray_id": stray.id,
        "status": stray.status,
        "version": stray.version,
        "session_id": stray.session_id,
        "waits_for_second": stray.status == "paid" and stray.refusal_proposed_by is not None,
    }


async def pay_unknown(command: PayUnknown, context: CommandContext, services: Services) -> Asked:
    """An order for so much; it is looked into whose stay it is for once it is paid.

    Raises a `PlateUnreadable`, `PlateIncomplete`, `UnknownPlace`, `StayKnown`.
    """
    now = services.clock()
    plate = read_plate(command.plate, grammar_at(services.definitions, now), command.plate_country)
    if not plate.complete:
        raise PlateIncomplete("a plate is paid for whole, with its province")
    place = (await place_book(services).find([command.place_id])).get(command.place_id)
    if place is None or place.kind not in (PlaceKind.ZONE, PlaceKind.FACILITY):
        raise UnknownPlace("there is no such block face or facility")
    request_id = await request_id_of(command, "stray", context, services)
    try:
        stray = await services.store.load(StrayPayment, StrayPayment.id_of(request_id))
    except StreamNotFound:
        sealed = await PlateKeeper(services).seal(plate)
        standing = await services.store.pool.fetch(
            signs.STANDING, sealed.plate_id, command.place_id, f"{command.place_id}|"
        )
        if standing:
            raise StayKnown("a vehicle with this plate stands there: pay for its stay") from None
        stray = StrayPayment.ask(
            now,
            request_id=request_id,
            place_id=command.place_id,
            plate=sealed.members(),
            amount_fen=command.amount_fen,
        )
        try:
            await services.store.save(stray, metadata=context.metadata())
        except WrongExpectedVersion:
            stray = await services.store.load(StrayPayment, stray.id)
    claim_id = await raise_claim(
        context,
        services,
        subject=stray.id,
        number=NUMBER,
        citizen_id=None,
        amount_fen=stray.amount_fen,
        due_at=stray.created_on + parking_rules_at(services.definitions, now).order_for,
        decision_sha256=stray.decision_sha256,
        plate_id=stray.plate["plate_id"],
    )
    return await request_payment(
        claim_id, context, services, request_id=request_id, channel=Channel.KIOSK, command=command
    )


async def accept_stray(
    stray_id: str, command: AcceptStray, context: CommandContext, services: Services
) -> CommandResult:
    """It was for this stay; raises what `StrayPayment.accept` does."""
    departments = PlateKeeper(services).departments()
    owners = await _owners(stray_id, services)
    return await change(
        StrayPayment,
        stray_id,
        command,
        context,
        services,
        lambda stray: stray.accept(
            context.actor,
            services.clock(),
            session_id=command.session_id,
            owners=owners,
            reason=command.reason,
            departments=departments,
        ),
        stray_answer,
    )


async def refuse_stray(
    stray_id: str, command: RefuseStray, context: CommandContext, services: Services
) -> CommandResult:
    """It was for none of them: it goes back; raises what `StrayPayment.refuse` does."""
    departments = PlateKeeper(services).departments()
    owners = await _owners(stray_id, services)
    rules = parking_rules_at(services.definitions, services.clock())
    return await change(
        StrayPayment,
        stray_id,
        command,
        context,
        services,
        lambda stray: stray.refuse(
            context.actor,
            services.clock(),
            owners=owners,
            reason=command.reason,
            departments=departments,
            limit_fen=rules.one_person_correction_fen,
        ),
        stray_answer,
    )


async def _owners(stray_id: str, services: Services) -> Sequence[str]:
    """The citizens whose stays it may be for."""
    stray = await services.store.load(StrayPayment, stray_id)
    found: list[str] = []
    for session_id in stray.candidates:
        session = await services.store.load(ParkingSession, session_id, fresh=False)
        found += await holders_of(session, services)
    return found


async def change_stray(
    stray_id: str, services: Services, context: CommandContext, decide: Any
) -> None:
    """A process manager's step."""
    await change(
        StrayPayment,
        stray_id,
        Command(),
        context._replace(idempotency_key=None),
        services,
        decide,
        stray_answer,
    )

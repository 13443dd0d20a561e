"""Whose a plate is: who is debited for it, who held it when, and what it need not pay.

What is asked here is asked of the streams as they stand, never of a read model: the answer decides
about money.
"""

from datetime import datetime

import orjson

from citybrain.domain.citizens import Citizen, DocumentKind
from citybrain.domain.money import Fen
from citybrain.domain.parking.binding import BindingEnded, DebitAboveLimit, PlateBinding
from citybrain.domain.parking.holding import Held, ParkingPlate
from citybrain.domain.parking.payer import Payer, Why, payer
from citybrain.domain.parking.permit import ParkingPermit
from citybrain.domain.parking.stay import Permit
from citybrain.eventstore import StreamNotFound
from citybrain.vault import InStream
from commands.citizens import find_citizen
from commands.handling import Command, CommandContext
from commands.parking.binding import HIRER, change_binding
from commands.services import Services

REGISTRATION = "plate-registration"
"""For what the registry's signed answers are sealed, with the citizen's key."""

__all__ = ["Held", "Payer", "Why"]


async def payer_of(
    plate_id: str,
    *,
    arrived_at: datetime,
    now: datetime,
    services: Services,
    amount_fen: int = 0,
    session_id: str | None = None,
) -> Payer | Why:
    """Who may be debited so much for a plate (and this session) at this moment, or why nobody.

    Ask it when the debit is decided, and again before a bank is told.
    """
    store = services.store
    plate = await _plate(plate_id, services)
    if plate is None or plate.holds is None:
        return Why.NOT_BOUND
    binding = await store.load(PlateBinding, plate.holds)
    citizen = await store.load(Citizen, binding.citizen_id)
    found = payer(
        plate,
        binding,
        citizen,
        arrived_at=arrived_at,
        amount_fen=amount_fen,
        now=now,
        session_id=session_id,
    )
    if isinstance(found, Payer) and await _erased(binding, services):
        return Why.ERASED
    return found


async def take_debit(
    plate_id: str,
    *,
    session_id: str,
    arrived_at: datetime,
    amount_fen: Fen,
    context: CommandContext,
    services: Services,
) -> Payer | Why:
    """As `payer_of`, and so much of the day's limit is used, once for a session.

    It is decided in the binding's own stream: of this and of unbinding one is first.
    """
    found = await payer_of(
        plate_id,
        arrived_at=arrived_at,
        now=services.clock(),
        services=services,
        amount_fen=amount_fen,
        session_id=session_id,
    )
    if not isinstance(found, Payer):
        return found
    try:
        await change_binding(
            found.binding_id,
            Command(),
            context,
            services,
            lambda binding, now: binding.take_debit(
                now, session_id=session_id, amount_fen=amount_fen
            ),
        )
    except BindingEnded:
        return Why.ENDED
    except DebitAboveLimit:
        return Why.ABOVE_DAY
    return found


async def give_back_debit(
    binding_id: str, session_id: str, context: CommandContext, services: Services
) -> None:
    """Nothing was debited for a session after all: the day's limit has it again."""
    await change_binding(
        binding_id,
        Command(),
        context,
        services,
        lambda binding, now: binding.give_back_debit(now, session_id=session_id),
    )


async def held_at(plate_id: str, moment: datetime, services: Services) -> Held | None:
    """Who had the vehicle at a moment, and by which binding or contract; None: nobody is known."""
    plate = await _plate(plate_id, services)
    return None if plate is None else plate.at(moment)


async def holder_at(plate_id: str, moment: datetime, services: Services) -> str | None:
    """The citizen who had the vehicle at a moment.

    None where nobody is known; also where it was hired out to somebody who is not registered:
    whoever hired it out is not asked for that time.
    """
    held = await held_at(plate_id, moment, services)
    if held is None or held.hire_id is None:
        return None if held is None else held.holder
    if held.hirer is not None:
        return held.hirer
    sealed = [(plate_id, held.hirer_sealed or "")]
    (said,) = await services.vault.open_many(HIRER, sealed)
    if said is None:
        return None
    kind, number, country = orjson.loads(said)
    return await find_citizen(number, services, DocumentKind(kind), country)


async def permits_of(
    plate_id: str, zone_id: str | None, arrived_at: datetime, left_at: datetime, services: Services
) -> tuple[Permit, ...]:
    """What the vehicle need not pay there: by permits that hold in the zone, as is known now.

    A permit that was given later and reaches back counts; one that has ended counts for what was
    before its end.
    """
    plate = await _plate(plate_id, services)
    found: list[Permit] = []
    for permit_id in () if plate is None else plate.permits:
        permit = await services.store.load(ParkingPermit, permit_id)
        if permit.zone_id in (None, zone_id):
            found += permit.covers(plate_id, arrived_at, left_at)
    return tuple(sorted(found, key=lambda each: (each.begins, each.kind)))


async def _plate(plate_id: str, services: Services) -> ParkingPlate | None:
    try:
        return await services.store.load(ParkingPlate, ParkingPlate.id_of(plate_id))
    except StreamNotFound:
        return None


async def _erased(binding: PlateBinding, services: Services) -> bool:
    """Whether the citizen's key was destroyed: what the registry said opens no more."""
    sealed = [(binding.citizen_id, binding.signed_sealed or "")]
    (opened,) = await services.vault.open_many(InStream(REGISTRATION, binding.id), sealed)
    return opened is None

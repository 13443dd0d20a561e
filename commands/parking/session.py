"""Sessions as process managers change them: opened, followed, and decided on."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import uuid4

from citybrain.domain.actor import system_actor
from citybrain.domain.parking.beside import Beside, say
from citybrain.domain.parking.following import ReadPlate, take_readings
from citybrain.domain.parking.presence import Presence
from citybrain.domain.parking.session import ParkingSession, Place
from citybrain.eventstore import WrongExpectedVersion
from commands.handling import Command, CommandContext, CommandResult, change
from commands.services import Services

Decide = Callable[[ParkingSession, datetime], None]

SIGNS = system_actor("parking-sessions")


def by_signs() -> CommandContext:
    """The process of signs acts."""
    command_id = uuid4()
    return CommandContext(SIGNS, "process", command_id, command_id)


def answer(session: ParkingSession) -> dict[str, Any]:
    """What commands on a session answer."""
    return {
        "session_id": session.id,
        "status": session.status.value,
        "version": session.version,
        "price_fen": session.price_fen,
        "waits_for_second": sorted(session.proposals),
    }


async def change_session(
    session_id: str,
    services: Services,
    decide: Decide,
    context: CommandContext | None = None,
    command: Command | None = None,
) -> CommandResult:
    """Decide on a session, now; the process of signs does where nobody else is named."""
    return await change(
        ParkingSession,
        session_id,
        command or Command(),
        context or by_signs(),
        services,
        lambda session: decide(session, services.clock()),
        answer,
    )


async def open_session(
    *,
    session_id: str,
    place: Place,
    presence: Presence,
    readings: Sequence[ReadPlate],
    completions: Mapping[str, str],
    rules_version: str,
    tariff_version: str | None,
    beside: Beside,
    simulated: bool,
    services: Services,
) -> bool:
    """Open a session, unless a crash cut short what came after that; whether it is one now.

    What was voided is not opened again: another one has to be. What was read of its plate is said
    at once: nobody sees a vehicle of which nothing has been read yet.
    """
    session = ParkingSession.open(
        services.clock(),
        session_id=session_id,
        place=place,
        presence=presence,
        rules_version=rules_version,
        simulated=simulated,
        tariff_version=tariff_version,
    )
    say(session, services.clock(), beside)
    take_readings(session, services.clock(), readings, completions)
    try:
        await services.store.save(session, metadata=by_signs().metadata())
    except WrongExpectedVersion:
        known = await services.store.load(ParkingSession, session_id)
        return not known.voided
    return True

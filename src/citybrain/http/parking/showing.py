"""Plates in answers: in clear for whoever may see them, else a pseudonym in their place.

And on whose record a look at a session is.
"""

from collections.abc import Sequence
from typing import Any

from citybrain.domain.parking.sealed_plates import SealedPlate
from citybrain.domain.parking.session import ParkingSession
from citybrain.http.routing import Call
from commands.parking.bindings import holder_at
from commands.parking.plates import PlateKeeper
from commands.services import Services


async def with_plates(
    call: Call, rows: Sequence[dict[str, Any]], owner: str
) -> list[dict[str, Any]]:
    """Rows as whoever asks sees them: `plate`, or `pseudonym`, or neither where none was read.

    A row has its `plate` sealed, or None; the member `owner` says whose it is. Whoever shows them
    records who has looked.
    """
    keeper, plated = PlateKeeper(call.runtime.services), [row for row in rows if row["plate"]]
    owned = [(SealedPlate.of(row["plate"]), row[owner]) for row in plated]
    seen = iter(await keeper.shown_to(owned, call.authenticated))
    shown = []
    for row in rows:
        plate = pseudonym = None
        if row["plate"]:
            each = next(seen)
            plate = None if each.plate is None else each.plate.text
            pseudonym = each.pseudonym if plate is None else None
        shown.append(row | {"plate": plate, "pseudonym": pseudonym})
    return shown


async def on_whose_record(session: ParkingSession, services: Services) -> tuple[str, str | None]:
    """On whose record a look is: who had the vehicle; the session's, where nobody is known."""
    holder = None
    if session.plate_id is not None:
        holder = await holder_at(session.plate_id, session.arrived_at, services)
    return (session.id, None) if holder is None else (holder, holder)

"""A price that is found lower afterwards: by a permit that reaches back, or another tariff version.

What was paid is given back by the claim; nothing is ever raised by this.
"""

from datetime import datetime
from typing import Any

from citybrain.domain.parking.session import ParkingSession
from citybrain.domain.parking.session_events import SessionRepriced


def reprice(
    session: ParkingSession, now: datetime, *, amount_fen: int, facts: int, **said: Any
) -> int:
    """Say that it costs less; by how much, in fen. 0 where it does not, or its facts are others."""
    price_fen = session.price_fen
    if session.voided or price_fen is None or price_fen <= amount_fen:
        return 0
    if facts != session.facts or session.priced_facts != facts:
        return 0
    session.trigger_event(
        SessionRepriced, timestamp=now, amount_fen=amount_fen, facts=facts, **said
    )
    return price_fen - amount_fen

"""A price that is found lower afterwards: by a permit that reaches back, or another tariff version.

What was paid is given back by the claim; nothing is ever raised by this.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from citybrain.domain.parking.session import ParkingSession
from citybrain.domain.parking.session_events import SessionRepriced


@dataclass(frozen=True, slots=True)
class Lowered:
    """By how much a session costs less, in fen; where it was `paid` that goes back."""

    fen: int
    paid: bool


def lower_by(
    session: ParkingSession, amount_fen: int, facts: int, *, unpaid_only: bool = False
) -> Lowered | None:
    """By how much a session would cost less at this amount, found by `facts`; None: it does not."""
    price_fen = session.price_fen
    if session.voided or price_fen is None or price_fen <= amount_fen:
        return None
    if facts != session.facts or session.priced_facts != facts:
        return None
    if unpaid_only and session.settled:
        return None
    return Lowered(price_fen - amount_fen, session.settled)


def reprice(
    session: ParkingSession,
    now: datetime,
    *,
    amount_fen: int,
    facts: int,
    unpaid_only: bool = False,
    **said: Any,
) -> Lowered | None:
    """Say that it costs less; None where it does not, or its facts have changed meanwhile."""
    lowered = lower_by(session, amount_fen, facts, unpaid_only=unpaid_only)
    if lowered is not None:
        session.trigger_event(
            SessionRepriced,
            timestamp=now,
            amount_fen=amount_fen,
            facts=facts,
            before_fen=session.price_fen,
            paid=lowered.paid,
            **said,
        )
    return lowered

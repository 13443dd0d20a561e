"""What the barrier of a facility is told, and why: it is opened for whoever stands before it.

Nobody is kept by a camera that has failed, nor for money: what is not paid is asked for later. So
there is one decision; why it was taken is said with it, and it moves no money and opens no session.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from citybrain.domain.parking import session_claims
from citybrain.domain.parking.session import ParkingSession

OPEN: Final = "open"


class Way(StrEnum):
    """Which way a vehicle goes."""

    IN = "in"
    OUT = "out"


class WhyOpen(StrEnum):
    """Why a barrier is opened. The codes are stable: events name them."""

    NOT_READ = "plate-not-read"
    INCOMPLETE = "plate-incomplete"
    TRAILER = "trailer-read"  # whose exit it is is worked out, or asked of an officer
    ENTERING = "entering"
    EXIT_NOT_SEEN = "exit-not-seen"  # it comes in, and was never seen leaving
    NO_ENTRY = "no-entry-seen"
    FREE = "free"
    PAID = "paid"
    IN_GRACE = "in-grace"  # it has become dearer since it was paid, and that is let go
    UNDER_WAY = "payment-under-way"
    HELD = "held"  # an officer looks at it before anybody is asked for money
    DEBIT = "debit"
    LATER = "pay-later"


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaving:
    """What a stay comes to by the moment of leaving; None where it cannot be priced now."""

    due_fen: int | None
    in_grace: bool
    may_debit: bool


def why_out(session: ParkingSession, leaving: Leaving) -> WhyOpen:
    """Why whoever leaves this stay is let out."""
    if session_claims.under_way(session.claims):
        return WhyOpen.UNDER_WAY
    if leaving.due_fen is None:
        return WhyOpen.LATER
    paid_fen = session_claims.prepaid_fen(session.claims, session.plate_id)
    if leaving.due_fen <= paid_fen:
        if leaving.in_grace:
            return WhyOpen.IN_GRACE
        return WhyOpen.PAID if paid_fen else WhyOpen.FREE
    if session.why_held is not None and not session.looked_at:
        return WhyOpen.HELD
    return WhyOpen.DEBIT if leaving.may_debit else WhyOpen.LATER

"""Of whom a session's claim is asked, once it is known better who had the vehicle when it arrived.

A debt is of whoever had the vehicle then. What was asked of somebody else goes back to them, paid
or not; what was asked of nobody is asked of whoever had it, once that is known.
"""

from datetime import datetime

from citybrain.domain.parking import session_claims
from citybrain.domain.parking.holding import ParkingPlate
from citybrain.domain.parking.payer import Why
from citybrain.domain.parking.session import ParkingSession
from citybrain.domain.parking.session_events import SessionPayerCorrected

HOLDER_KNOWN = "holder-known"
"""Why a claim on nobody is replaced."""

CLONED = "cloned-plate"
"""An officer saw that the vehicle bore the plate of another one: nobody is known to owe it."""

ASKED_ALL_THE_SAME = (
    Why.NOT_BOUND,
    Why.ENDED,
    Why.CONSENT_WITHDRAWN,
    Why.HIRED_OUT,
    Why.ABOVE_LIMIT,
    Why.ABOVE_DAY,
)
"""Why nobody is debited, and who had the vehicle owes it still. Where it is not sure who that was,
or they are dead or erased, nobody is asked."""


def why_not_theirs(session: ParkingSession, plate: ParkingPlate, holder: str | None) -> str | None:
    """Why the claim is not of whom it was asked; None where it is, or there is none.

    `holder` is the citizen who had the vehicle at the arrival, where one is known. What was paid
    stays, where the payer had hired the vehicle out, or is not known.
    """
    claim_id = session.claim
    if claim_id is None or session.voided:
        return None
    claim = session.claims[claim_id]
    if session_claims.is_prepayment(claim):
        return None  # whoever stood there paid it, and wanted to
    payer, held = claim["payer"], plate.at(session.arrived_at)
    if False in session.clones.values():
        return None if payer is None else CLONED
    if payer == holder:
        return None
    if payer is None:
        return None if claim["settled"] else HOLDER_KNOWN
    if held is not None and held.hire_id is not None:
        named = held.holder == payer and not claim["settled"]
        return Why.HIRED_OUT.value if named else None
    if held is not None or plate.had_gone(payer, session.arrived_at):
        return Why.NOT_HELD_THEN.value
    return None


def correct_payer(session: ParkingSession, now: datetime, reason: str) -> None:
    """What the claim asked of its payer is theirs no more."""
    claim_id = session.claim
    if claim_id is not None:
        session.trigger_event(
            SessionPayerCorrected,
            timestamp=now,
            claim_id=claim_id,
            payer=session.claims[claim_id]["payer"],
            reason=reason,
        )

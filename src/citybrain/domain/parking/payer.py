"""Who is debited for a plate at the moment of deciding that, or why nobody is.

Every look is at the streams as they stand: an end that is recorded before the debit is decided
counts, whatever the queue's age; a binding that was made after the arrival does as well.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from citybrain.city_day import city_day
from citybrain.domain.citizens import Citizen, stands
from citybrain.domain.parking.binding import PlateBinding
from citybrain.domain.parking.binding_events import BindingStatus
from citybrain.domain.parking.holding import ParkingPlate


class Why(StrEnum):
    """Why nobody is debited by itself. The codes are stable: sessions name them."""

    NOT_BOUND = "plate-not-bound"
    ENDED = "plate-binding-ended"
    CONTESTED = "plate-contested"
    NOT_HELD_THEN = "not-held-at-arrival"
    HIRED_OUT = "hired-out-at-arrival"
    CONSENT_WITHDRAWN = "consent-withdrawn"
    DECEASED = "person-deceased"
    ERASED = "person-erased"
    PROOF_TOO_OLD = "proof-too-old"
    ABOVE_LIMIT = "above-limit-per-debit"
    ABOVE_DAY = "above-limit-per-day"


@dataclass(frozen=True, slots=True)
class Payer:
    """Who is debited, by which binding, and how much one more debit may be today."""

    citizen_id: str
    binding_id: str
    limit_fen: int


def payer(
    plate: ParkingPlate,
    binding: PlateBinding,
    citizen: Citizen,
    *,
    arrived_at: datetime,
    amount_fen: int,
    now: datetime,
    session_id: str | None = None,
) -> Payer | Why:
    """Who pays so much, of the binding that holds the plate; `amount_fen` 0: nothing yet.

    What has been taken for the stay of `session_id` before is not counted a second time.
    """
    if binding.status != BindingStatus.ACTIVE or plate.holds != binding.id:
        return Why.ENDED
    if not stands(citizen, binding.consent_id):
        return Why.CONSENT_WITHDRAWN
    if citizen.died_on_sealed is not None:
        return Why.DECEASED
    if plate.contest is not None:
        return Why.CONTESTED
    if binding.good_until is None or now >= binding.good_until:
        return Why.PROOF_TOO_OLD
    held = plate.at(arrived_at)
    if held is None or held.holder != binding.citizen_id:
        return Why.NOT_HELD_THEN
    if held.hire_id is not None:
        return Why.HIRED_OUT
    left = binding.left_fen(city_day(now), session_id)
    if amount_fen > binding.per_debit_fen:
        return Why.ABOVE_LIMIT
    if amount_fen > left or left == 0:
        return Why.ABOVE_DAY
    return Payer(binding.citizen_id, binding.id, left)

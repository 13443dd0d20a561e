"""Reservations of berths: people, times, and a reservation as its decisions make it."""

from datetime import UTC, datetime, timedelta
from typing import Any

from citybrain.definitions.parking.reservations import ReservationDefinitions, ReservationRules
from citybrain.definitions.parking.rules import parking_rules_at
from citybrain.domain.actor import Actor, Role
from citybrain.domain.parking.arrivals import Sighting
from citybrain.domain.parking.reservation import ParkingReservation
from tests.given.services import DEFINITIONS

RULES: ReservationRules = DEFINITIONS.of(ReservationDefinitions).versions[0]
TWO = datetime(2026, 9, 14, 6, tzinfo=UTC)  # 14:00 in the city
PARKING_RULES = parking_rules_at(DEFINITIONS, TWO)
ANNA = Actor("citizen-" + "a" * 32, frozenset({Role.CITIZEN}))
BEN = Actor("citizen-" + "b" * 32, frozenset({Role.CITIZEN}))
OFFICER = Actor("officer-1", frozenset({Role.OFFICIAL}), "parking")
SECOND = Actor("officer-2", frozenset({Role.SUPERVISOR}), "parking")
PARKING = ("parking",)
BERTH, NEXT_BERTH = "Z1-020", "Z1-021"
CLAIM = "parking_claim-" + "1" * 32


def clock(text: str) -> datetime:
    """A time of that day in the city: `14:15:01`."""
    hour, minute, *seconds = text.split(":")
    since = timedelta(hours=int(hour), minutes=int(minute), seconds=float((seconds or ["0"])[0]))
    return datetime(2026, 9, 13, 16, tzinfo=UTC) + since


def plate_members(plate_id: str = "plate-" + "a" * 32) -> dict[str, Any]:
    """A plate as events have it."""
    return {
        "plate_id": plate_id,
        "plate_sealed": "sealed",
        "plate_class": "ordinary",
        "plate_complete": True,
        "plate_mended": False,
        "plates_version": "2018",
    }


OTHER = plate_members("plate-" + "b" * 32)


def held(
    at: str = "13:00",
    start: str = "14:00",
    end: str = "15:00",
    actor: Actor = ANNA,
    rules: ReservationRules = RULES,
) -> ParkingReservation:
    """Anna holds a berth."""
    now = clock(at)
    span = rules.span(now, BERTH, clock(start), clock(end))
    return ParkingReservation.hold(
        actor,
        now,
        reservation_id="parking_reservation-" + "1" * 32,
        span=span,
        terms=rules.terms(span, PARKING_RULES),
        plate=plate_members(),
        simulated=False,
    )


def paying(at: str = "13:00", **said: Any) -> ParkingReservation:
    """She has asked for it, and it is being debited."""
    reservation = held(at, **said)
    reservation.ask_deposit(ANNA, clock(at))
    return reservation


def confirmed(at: str = "13:00", **said: Any) -> ParkingReservation:
    """It is paid, and its calendar has it."""
    reservation = paying(at, **said)
    reservation.paid(clock(at), claim_id=CLAIM)
    reservation.confirm(clock(at))
    return reservation


def where(reservation: ParkingReservation) -> str:
    """Where it stands, in a word."""
    return reservation.status.value


def came(at: str, plate: dict[str, Any] | None = None) -> Sighting:
    """A vehicle came at a time."""
    return Sighting(at=clock(at), plate=plate, detection_id=f"d-{at}", confidence=97)


def free(**changes: int) -> ReservationRules:
    """Rules with other numbers: no deposit, as a rule."""
    none = {"deposit_fen": 0, "no_show_fee_fen": 0, "late_cancel_fee_fen": 0}
    return RULES.model_copy(update=none | changes)

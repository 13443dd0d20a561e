"""What it is time for: a hold runs out, a berth is watched, nobody came, a time is over."""

from datetime import datetime
from typing import ClassVar

from citybrain.domain.parking import arrivals
from citybrain.domain.parking.arrivals import NOBODY
from citybrain.domain.parking.reservation import ParkingReservation
from citybrain.domain.parking.reservation_events import ReservationStatus
from commands.handling import CommandContext
from commands.parking.arriving import LookAtBerth, look_for
from commands.parking.reservations import change_reservation
from commands.processes.alarms import StreamAlarms
from commands.services import Services


class ReservationDeadlines(StreamAlarms[ParkingReservation]):
    """The process manager of reservations that nobody goes on with.

    `look_at` tells who stands on a berth when it is looked at.
    """

    name: ClassVar[str] = "parking-reservation-deadlines"
    stream = ParkingReservation
    topics: ClassVar[tuple[str, ...]] = (
        "parking.reservation_held",
        "parking.reservation_deposit_asked",
        "parking.reservation_deposit_failed",
        "parking.reservation_confirmed",
        "parking.reservation_cancelled",
        "parking.reservation_checked_in",
        "parking.reservation_no_show",
        "parking.reservation_no_show_reversed",
        "parking.reservation_conflict_raised",
        "parking.reservation_conflict_ended",
        "parking.reservation_conflict_settled",
        "parking.reservation_given_back",
        "parking.reservation_moved",
        "parking.reservation_left",
    )

    def __init__(self, look_at: LookAtBerth) -> None:
        super().__init__()
        self._look_at = look_at

    def alarm_at(self, reservation: ParkingReservation) -> datetime | None:
        """When something follows though nobody does anything."""
        return arrivals.alarm_at(reservation)

    async def ring(
        self, reservation: ParkingReservation, context: CommandContext, services: Services
    ) -> None:
        """Look who stands there, where that matters, and do what it is time for."""
        look = NOBODY
        if reservation.status is ReservationStatus.CONFIRMED:
            look = await look_for(reservation, self._look_at, services)
        await change_reservation(
            reservation.id,
            context,
            services,
            lambda reservation, now: arrivals.wake(reservation, now, look),
        )

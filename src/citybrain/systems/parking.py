"""Parking: from a plate at a berth to money, reservations and arrears."""

from citybrain.definitions.parking.bindings import load_plate_bindings
from citybrain.definitions.parking.imports import load_counter_import
from citybrain.definitions.parking.permits import load_parking_permits
from citybrain.definitions.parking.plates import load_plate_reading, load_plates
from citybrain.definitions.parking.reservations import load_reservations
from citybrain.definitions.parking.rules import load_parking_rules
from citybrain.definitions.parking.tariffs import load_tariffs
from citybrain.domain.parking.anomaly import ParkingAnomaly
from citybrain.domain.parking.binding import PlateBinding
from citybrain.domain.parking.calendar import BerthCalendar
from citybrain.domain.parking.claim import Claim
from citybrain.domain.parking.counter import ParkingCounter
from citybrain.domain.parking.detection import ParkingDetection
from citybrain.domain.parking.holding import ParkingPlate
from citybrain.domain.parking.notice import ParkingNotice
from citybrain.domain.parking.permit import ParkingPermit
from citybrain.domain.parking.place import ParkingPlace
from citybrain.domain.parking.repricing_batch import ParkingRepricing
from citybrain.domain.parking.reservation import ParkingReservation
from citybrain.domain.parking.reservation_quota import ReservationQuota
from citybrain.domain.parking.session import ParkingSession
from citybrain.domain.parking.stray import StrayPayment
from citybrain.domain.parking.trailer import ParkingTrailer
from citybrain.http.parking import (
    anomalies,
    arrears,
    availability,
    barriers,
    berths,
    bindings,
    claims,
    detection,
    disputes,
    facilities,
    notices,
    paying,
    payments,
    permits,
    place_metrics,
    places,
    quoting,
    reductions,
    repricings,
    reservation_desk,
    revenue,
    seeing,
    session,
    stays,
    strays,
    under_tariff,
)
from citybrain.http.parking import reservations as reserving
from citybrain.http.parking.board import BOARD
from citybrain.http.parking.cds.mount import mount as mount_cds
from citybrain.http.parking.reach import REACH
from citybrain.intake.parking import detections as intake
from citybrain.systems.system import System
from commands.parking.erased import (
    ending_bindings_of_the_erased,
    ending_permits_of_the_erased,
    ending_reservations_of_the_erased,
)
from commands.parking.processes.arrivals import ParkingArrivals
from commands.parking.processes.charging import ParkingCharging, may_debit
from commands.parking.processes.collecting import Collecting
from commands.parking.processes.orders import OrderTimes
from commands.parking.processes.permits import PermitEndings
from commands.parking.processes.plate_bindings import PlateBindingAlarms, PlateBindings
from commands.parking.processes.reminding import ParkingReminders
from commands.parking.processes.repricings import ParkingRepricings, lower_what_is_unpaid
from commands.parking.processes.reservation_deadlines import ReservationDeadlines
from commands.parking.processes.reservation_notices import ReservationNotices
from commands.parking.processes.reservations import ReservationProcess
from commands.parking.processes.rights import ParkingRights
from commands.parking.processes.sessions import ParkingSessions
from commands.parking.processes.strays import ParkingStrays
from commands.parking.standing import standing_by
from commands.processes.batches import batched
from commands.processes.runner import in_order
from commands.processes.side_by_side import side_by_side
from commands.processes.telling import telling
from projections.parking import reservations
from projections.parking.anomalies import ParkingAnomalies
from projections.parking.berths import ParkingBerths, watching
from projections.parking.bindings import PlateBindingsModel, of_erased
from projections.parking.board import PARKING_BOARD
from projections.parking.cds_events import ParkingCdsEvents
from projections.parking.claims import ParkingClaims
from projections.parking.notices import ParkingNotices
from projections.parking.occupancy import ParkingOccupancy
from projections.parking.permits import ParkingPermitsModel, of_holder
from projections.parking.permits import of_erased as permits_of_erased
from projections.parking.places import ParkingPlaces
from projections.parking.repricings import ParkingRepricingsModel
from projections.parking.reservations import ParkingReservations
from projections.parking.revenue import ParkingRevenue
from projections.parking.session_ids import ended_between_as_of, of_plate
from projections.parking.sessions import ParkingSessionsModel
from projections.parking.strays import ParkingStraysModel

PARKING = System(
    name="parking",
    knows=("citizens",),
    streams=(
        ParkingDetection,
        ParkingPlace,
        ParkingCounter,
        ParkingSession,
        StrayPayment,
        ParkingTrailer,
        Claim,
        PlateBinding,
        ParkingPlate,
        BerthCalendar,
        ParkingReservation,
        ReservationQuota,
        ParkingPermit,
        ParkingRepricing,
        ParkingAnomaly,
        ParkingNotice,
    ),
    definitions=(
        load_plates,
        load_plate_reading,
        load_tariffs,
        load_parking_rules,
        load_counter_import,
        load_plate_bindings,
        load_reservations,
        load_parking_permits,
    ),
    processes=(
        batched(ParkingSessions()),
        side_by_side(ParkingCharging(of_plate)),
        side_by_side(Collecting(may_debit)),
        batched(OrderTimes()),
        in_order(ParkingStrays()),
        batched(ParkingReminders()),
        side_by_side(PlateBindings()),
        batched(PlateBindingAlarms()),
        side_by_side(ReservationProcess(reservations.free_beside)),
        batched(ReservationDeadlines(standing_by(watching))),
        in_order(ParkingArrivals()),
        telling(ReservationNotices()),
        in_order(PermitEndings(of_holder)),
        side_by_side(ParkingRights(of_plate)),
        side_by_side(ParkingRepricings(ended_between_as_of, of_plate)),
    ),
    projections=(
        ParkingPlaces(),
        ParkingOccupancy(),
        ParkingBerths(),
        ParkingSessionsModel(),
        ParkingStraysModel(),
        ParkingReservations(),
        ParkingCdsEvents(),
        PlateBindingsModel(),
        ParkingClaims(),
        ParkingPermitsModel(),
        ParkingRepricingsModel(),
        ParkingRevenue(),
        ParkingAnomalies(),
        ParkingNotices(),
        PARKING_BOARD,
    ),
    routes=(
        *detection.ROUTES,
        *barriers.ROUTES,
        *places.ROUTES,
        *facilities.ROUTES,
        *berths.ROUTES,
        *session.ROUTES,
        *seeing.ROUTES,
        *disputes.ROUTES,
        *stays.ROUTES,
        *strays.ROUTES,
        *payments.ROUTES,
        *reductions.ROUTES,
        *bindings.ROUTES,
        *availability.ROUTES,
        *quoting.ROUTES,
        *reservation_desk.ROUTES,
        *reserving.ROUTES,
        *claims.ROUTES,
        *paying.ROUTES,
        *arrears.ROUTES,
        *permits.ROUTES,
        *repricings.ROUTES,
        *under_tariff.ROUTES,
        *revenue.ROUTES,
        *anomalies.ROUTES,
        *place_metrics.ROUTES,
        *notices.ROUTES,
    ),
    intakes=(intake.DETECTIONS,),
    reach=REACH,
    board=BOARD,
    mounts=(mount_cds, disputes.mount),
    at_start=(lower_what_is_unpaid,),
    upkeep=(
        ending_bindings_of_the_erased(of_erased),
        ending_permits_of_the_erased(permits_of_erased),
        ending_reservations_of_the_erased(reservations.of_erased),
    ),
)

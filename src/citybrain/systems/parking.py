"""Parking: from a plate at a berth to money, reservations and arrears."""

from citybrain.definitions.parking.plates import load_plate_reading, load_plates
from citybrain.definitions.parking.rules import load_parking_rules
from citybrain.definitions.parking.tariffs import load_tariffs
from citybrain.domain.parking.detection import ParkingDetection
from citybrain.domain.parking.place import ParkingPlace
from citybrain.domain.parking.session import ParkingSession
from citybrain.http.parking import detection, places, session
from citybrain.http.parking.reach import REACH
from citybrain.systems.system import System
from commands.parking.processes.sessions import ParkingSessions
from commands.processes.batches import batched
from projections.parking.places import ParkingPlaces
from projections.parking.sessions import ParkingSessionsModel

PARKING = System(
    name="parking",
    knows=("citizens",),
    streams=(ParkingDetection, ParkingPlace, ParkingSession),
    definitions=(load_plates, load_plate_reading, load_tariffs, load_parking_rules),
    processes=(batched(ParkingSessions()),),
    projections=(ParkingPlaces(), ParkingSessionsModel()),
    routes=(*detection.ROUTES, *places.ROUTES, *session.ROUTES),
    reach=REACH,
)

"""Parking: from a plate at a berth to money, reservations and arrears."""

from citybrain.definitions.parking.plates import load_plate_reading, load_plates
from citybrain.definitions.parking.rules import load_parking_rules
from citybrain.definitions.parking.tariffs import load_tariffs
from citybrain.http.parking.reach import REACH
from citybrain.systems.system import System

PARKING = System(
    name="parking",
    knows=("citizens",),
    definitions=(load_plates, load_plate_reading, load_tariffs, load_parking_rules),
    reach=REACH,
)

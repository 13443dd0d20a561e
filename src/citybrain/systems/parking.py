"""Parking: from a plate at a berth to money, reservations and arrears."""

from citybrain.definitions.parking.plates import load_plate_reading, load_plates
from citybrain.http.parking.reach import REACH
from citybrain.systems.system import System

PARKING = System(
    name="parking", knows=("citizens",), definitions=(load_plates, load_plate_reading), reach=REACH
)

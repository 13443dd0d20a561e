"""Parking: from a plate at a berth to money, reservations and arrears."""

from citybrain.http.parking.reach import REACH
from citybrain.systems.system import System

PARKING = System(name="parking", knows=("citizens",), reach=REACH)

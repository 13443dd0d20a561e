"""Lamps: what is known of every lamp, and whether it works."""

from citybrain.domain.lamps.lamp import Lamp
from citybrain.http.lamps import lamp
from citybrain.http.lamps.board import BOARD
from citybrain.http.lamps.reach import REACH
from citybrain.systems.system import System
from projections.lamps.lamps import Lamps

LAMPS = System(
    name="lamps",
    streams=(Lamp,),
    projections=(Lamps(),),
    routes=lamp.ROUTES,
    reach=REACH,
    board=BOARD,
)

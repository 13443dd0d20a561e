"""Signals: lights that follow the queues, safe by construction."""

from citybrain.definitions.signals.corridors import load_corridors
from citybrain.definitions.signals.junctions import load_signals
from citybrain.domain.signals.signal import Signal
from citybrain.http.signals import (
    buses,
    controllers,
    corridors,
    degraded,
    junctions,
    layout,
    looking_back,
    map_message,
    observations,
    office,
    spat,
    spat_live,
)
from citybrain.http.signals.board import BOARD
from citybrain.http.signals.reach import REACH
from citybrain.intake.signals import observations as intake
from citybrain.systems.system import System
from commands.signals.handing_over import stand_by
from commands.signals.observation_upkeep import age_observations
from commands.signals.processes.control import controlling
from projections.signals.board import SIGNALS_BOARD
from projections.signals.changes import SignalChanges
from projections.signals.junctions import SignalJunctions
from projections.signals.lamps import SignalLamps

SIGNALS = System(
    name="signals",
    streams=(Signal,),
    definitions=(load_signals, load_corridors),
    processes=(controlling(),),
    projections=(SignalJunctions(), SignalLamps(), SignalChanges(), SIGNALS_BOARD),
    routes=(
        *junctions.ROUTES,
        *layout.ROUTES,
        *observations.ROUTES,
        *degraded.ROUTES,
        *office.ROUTES,
        *controllers.ROUTES,
        *buses.ROUTES,
        *spat.ROUTES,
        *spat_live.ROUTES,
        *map_message.ROUTES,
        *corridors.ROUTES,
        *looking_back.ROUTES,
    ),
    intakes=(intake.OBSERVATIONS,),
    reach={**REACH, **looking_back.REACH},
    board=BOARD,
    beside_others=stand_by,
    mounts=(spat_live.mount,),
    upkeep=(age_observations,),
)

"""To whose data each operation of signals reaches (`citybrain.http.reach`).

What lamps show is seen in the street: everybody may read it. Who has a junction in hand, for which
vehicle it is held, and why a light changed is for the office and for auditors; a junction is
nobody's.
"""

from citybrain.http.reach import NOBODYS, PUBLIC, Rows

BASE = "v1_signals_junctions_junction"
STEPS = (
    "service",
    "hand",
    "release",
    "shown",
    "plan",
    "strategy",
    "mode",
    "reset",
    "commands",
    "preemptions_preemption_end",
)
"""What officers of the department of a junction do to it."""

REACH: Rows = {
    "get_v1_signals_junctions": NOBODYS,
    f"get_{BASE}": NOBODYS,
    f"get_{BASE}_layout": NOBODYS,
    **{f"post_{BASE}_{step}": NOBODYS for step in STEPS},
    "post_v1_signals_routes": NOBODYS,
    "get_v1_signals_controllers_commands": NOBODYS,  # of the junctions that a token names
    "post_v1_signals_controllers_acknowledgements": NOBODYS,
    "post_v1_signals_buses_requests": NOBODYS,  # of the lines that a token names
    "get_v1_signals_corridors": PUBLIC,
    "get_v1_signals_map": PUBLIC,
    "get_v1_signals_spat": PUBLIC,
    "get_v1_signals_spat_live": PUBLIC,
    "post_v1_signals_observations_batch": NOBODYS,  # each item is of a device, or refused
    "get_v1_signals_observations": NOBODYS,
    "get_v1_signals_detectors": NOBODYS,
    "get_v1_signals_degraded": NOBODYS,
}

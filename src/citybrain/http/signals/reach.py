"""To whose data each operation of signals reaches (`citybrain.http.reach`).

What lamps show is seen in the street: everybody may read it. Who has a junction in hand, for which
vehicle it is held, and why a light changed is for the office and for auditors; a junction is
nobody's.
"""

from citybrain.http.reach import NOBODYS, PUBLIC, Rows

REACH: Rows = {
    "get_v1_signals_junctions": NOBODYS,
    "get_v1_signals_junctions_junction": NOBODYS,
    "get_v1_signals_map": PUBLIC,
    "get_v1_signals_spat": PUBLIC,
    "get_v1_signals_spat_live": PUBLIC,
    "post_v1_signals_observations_batch": NOBODYS,  # each item is of a device, or refused
    "get_v1_signals_observations": NOBODYS,
    "get_v1_signals_detectors": NOBODYS,
    "get_v1_signals_degraded": NOBODYS,
}

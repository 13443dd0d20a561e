"""To whose data the operations on lamps reach: they are nobody's."""

from citybrain.http.reach import NOBODYS, Rows

REACH: Rows = {
    "post_v1_lamps": NOBODYS,
    "post_v1_lamps_lamp_id_report": NOBODYS,
    "post_v1_lamps_lamp_id_mend": NOBODYS,
    "get_v1_lamps_lamp_id": NOBODYS,
    "get_v1_lamps": NOBODYS,
}

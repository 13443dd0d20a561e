"""To whose data the operations of the treasury reach: figures, in which there is nobody."""

from citybrain.http.reach import NOBODYS, Rows

REACH: Rows = {"get_v1_statistics_payments": NOBODYS}

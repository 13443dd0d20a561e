"""To whose data each operation of parking reaches (`citybrain.http.reach`)."""

from citybrain.http.reach import Rows

REACH: Rows = {}

"""The high-resolution log as CSV, with the columns that ATSPM tools read from controllers.

Times are the city's, without an offset, in tenths of a second, as controllers write them.
"""

import csv
import io
from collections.abc import Iterable
from datetime import datetime

from citybrain.city_day import CITY_ZONE
from citybrain.definitions.signals.junctions import DatedJunction
from projections.reading import Pool
from projections.signals import hires

HEADER = ("SignalID", "Timestamp", "EventCode", "EventParam")


async def written(pool: Pool, dated: DatedJunction, since: int, until: int) -> str:
    """The events of a junction from a moment until before another (ms since 1970), as CSV.

    `SignalID` is the junction's number, its code where it has none.
    """
    events = await hires.read(pool, dated.junction, dated.plans, since, until)
    return as_csv(str(dated.file.number or dated.file.junction), events)


def as_csv(signal: str, events: Iterable[hires.Logged]) -> str:
    """Events as lines, in their order."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")  # RFC 4180
    writer.writerow(HEADER)
    for event in events:
        writer.writerow((signal, _local(event.at), int(event.code), event.parameter))
    return out.getvalue()


def _local(ms: int) -> str:
    moment = datetime.fromtimestamp(ms // 1000, CITY_ZONE)
    return f"{moment:%Y-%m-%d %H:%M:%S}.{ms // 100 % 10}"

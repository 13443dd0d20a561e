"""What loops say by the thousand, as gateways send it over HTTP."""

import time
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from itertools import islice

import orjson

from citybrain.definitions.loading import PACKAGE_FOLDER, Definitions, Files
from citybrain.definitions.signals.junctions import load_signals
from citybrain.domain.signals.layout import DetectorKind

GATEWAYS = 2
BEGAN = datetime.fromtimestamp(time.time() - 60, UTC)
"""They say all as of a minute ago, a millisecond after the other."""


@lru_cache(maxsize=GATEWAYS)
def _loops(gateway: int) -> list[tuple[str, str]]:
    """The detectors of a gateway, by junction: one of so many shares of the city."""
    junctions = load_signals(Files(PACKAGE_FOLDER), Definitions()).junctions
    found = [
        (code, detector.code)
        for code, versions in sorted(junctions.items())
        for detector in versions[-1].junction.layout.detectors.values()
        if detector.kind is not DetectorKind.BUTTON
    ]
    return found[gateway::GATEWAYS]


def loops_body(number: int, gateway: int, size: int) -> bytes:
    """A gateway's `number`th batch; no detector says anything of a moment twice."""
    loops = _loops(gateway)
    moments = -(-size // len(loops))
    items = (
        {
            "junction": junction,
            "detector": detector,
            "at": at.isoformat(),
            "seconds": 1,
            "count": number % 2,
            "occupancy": 0.25,
        }
        for at in (
            BEGAN + timedelta(milliseconds=number * moments + each) for each in range(moments)
        )
        for junction, detector in loops
    )
    return orjson.dumps({"observations": list(islice(items, size))})

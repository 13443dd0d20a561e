"""The stretch of a stay in which nobody saw the vehicle. It is not asked for: see `presence`."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from citybrain.domain.parking.presence import Ending

NOT_SEEN_GOING: Final = frozenset({Ending.NOT_SEEN, Ending.SILENT, Ending.TAKEN})
"""It ended at its last proof, because nobody saw it go."""


@dataclass(frozen=True, slots=True)
class Unseen:
    """From the last proof on; `until` the next sign of the place, None where there was none."""

    begins: datetime
    until: datetime | None = None


def unseen_at_the_end(left_at: datetime, signs: Iterable[datetime]) -> Unseen:
    """Of a stay that ended so. `signs` are when those were that it names."""
    return Unseen(left_at, min((at for at in signs if at > left_at), default=None))

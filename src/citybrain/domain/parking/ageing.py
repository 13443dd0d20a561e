"""How old a debt is: half-open buckets of whole days of 24 hours since it was due.

Never by calendar days: those drift with the hour at which somebody asks. The same question as of
the same moment has the same answer whenever it is asked.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise


@dataclass(frozen=True, slots=True)
class Bucket:
    """Ages from `begins` on, and less than `ends`; without end where that is None."""

    begins: timedelta
    ends: timedelta | None

    @property
    def name(self) -> str:
        """In days, as in `7-30`, or `30+`."""
        return f"{self.begins.days}{'+' if self.ends is None else f'-{self.ends.days}'}"


def buckets(edges: Sequence[timedelta]) -> tuple[Bucket, ...]:
    """All buckets, the youngest first, divided at these ages (`ParkingRules.arrears_edges`)."""
    ages = (timedelta(0), *edges)
    return (*(Bucket(*ends) for ends in pairwise(ages)), Bucket(ages[-1], None))


def bucket_of(due_at: datetime, at: datetime, edges: Sequence[timedelta]) -> Bucket | None:
    """In which bucket a debt is as of `at`; in none before it is due."""
    for bucket in reversed(buckets(edges)):
        if at - due_at >= bucket.begins:
            return bucket
    return None

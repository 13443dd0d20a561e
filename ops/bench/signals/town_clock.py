"""The clock of a made-up city: ours, or one that goes slower.

Where a city's seconds are longer than ours, each of its processes has that much more of a busy
machine in one of them, as on a faster one: so it can be seen what a core of its own would do. What
goes by the machine's clock (a look at the log each 50 ms) is done more often in a second then.
"""

import asyncio
import time
from dataclasses import dataclass
from datetime import UTC, datetime


@dataclass(frozen=True, slots=True)
class TownClock:
    """Shows `zero` (seconds since 1970) as we do, and goes so many times slower from then on."""

    zero: float
    slower: float = 1.0

    @classmethod
    def starting(cls, slower: float) -> "TownClock":
        """One that shows our time now."""
        return cls(time.time(), slower)

    def of(self, ours: float) -> float:
        """What it shows at a moment of ours; both are seconds since 1970."""
        return self.zero + (ours - self.zero) / self.slower

    def seconds(self) -> float:
        """What it shows, in seconds since 1970."""
        return self.of(time.time())

    def now(self) -> datetime:
        """What it shows."""
        return datetime.fromtimestamp(self.seconds(), UTC)

    async def sleep(self, seconds: float) -> None:
        """For so many of its seconds."""
        await asyncio.sleep(max(0.0, seconds * self.slower))

"""Which junctions' streams have grown, and up to which position: read once for all who wait.

Each controller waits for what is new of its junctions. One look at the log serves all that wait in
this process, and there is one every `EVERY_SECONDS` at most.
"""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass

from citybrain.domain.signals.signal import Signal, junction_and_day
from citybrain.eventstore import EventStore
from commands.services import Services

EVERY_SECONDS = 0.05
MOST = 10_000
"""Positions that are looked through; where there are more, it begins anew behind them."""

MOVED = """
SELECT originator_id, max(notification_id) AS position, max(originator_version) AS version
FROM stored_events
WHERE notification_id > $1 AND notification_id <= $2
  AND originator_id >= $3 || '-' AND originator_id < $3 || '.'
GROUP BY originator_id
"""


@dataclass(frozen=True, slots=True)
class Move:
    """The last event of a junction: its stream and version, and its position in the log."""

    stream: str
    version: int
    position: int


class Moves:
    """What is known of the log behind `since`, up to `position`."""

    def __init__(self, store: EventStore) -> None:
        self._store = store
        self._coming: asyncio.Task[None] | None = None
        self._looked_at = 0.0
        self._last: dict[str, Move] = {}
        self.since = self.position = 0

    async def look(self) -> None:
        """Know all that was in the log when this was called. Raises `StoreUnavailable`."""
        if self._coming is None:
            self._coming = asyncio.create_task(self._look())
        await asyncio.shield(self._coming)

    def of(self, junctions: Sequence[str], after: int) -> list[str]:
        """Those of the junctions whose streams have grown behind a position from `since` on."""
        return [
            each for each in junctions if each in self._last and self._last[each].position > after
        ]

    def last(self, junction: str) -> Move | None:
        """Its last event, as far as that lies behind `since`."""
        return self._last.get(junction)

    async def _look(self) -> None:
        await asyncio.sleep(max(0.0, self._looked_at + EVERY_SECONDS - time.monotonic()))
        self._looked_at, self._coming = time.monotonic(), None  # who asks now waits for the next
        head = await self._store.head()
        if self.position == 0 or head > self.position + MOST:
            self.since, self._last = head, {}
        elif head > self.position:
            rows = await self._store.pool.fetch(MOVED, self.position, head, Signal.category)
            for row in rows:
                junction, _ = junction_and_day(row["originator_id"])
                before = self._last.get(junction)
                if before is None or row["position"] > before.position:
                    self._last[junction] = Move(
                        row["originator_id"], row["version"], row["position"]
                    )
        self.position = max(self.position, head)


def moves(services: Services) -> Moves:
    """Those that this process knows of."""
    return services.held(Moves, lambda services: Moves(services.store))

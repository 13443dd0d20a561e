"""Whether another database than that of the log is there: it is asked each second.

On a connection of its own, with a short time to answer: one that hangs is found out as fast as one
that is gone, and nobody else waits for it.
"""

import asyncio
import time

import asyncpg
import structlog
from prometheus_client import Gauge

from citybrain.eventstore.connecting import Connector
from citybrain.faults import AGAIN_LATER

log = structlog.get_logger(__name__)

LOOK_SECONDS = 1.0
ANSWER_SECONDS = 2.0

AWAY = Gauge(
    "citybrain_read_database_away",
    "1: the database of the read models, or their standby, does not answer",
    ["database"],
)


class Presence:
    """A database, by what it is for; `run` asks until it is cancelled."""

    def __init__(self, name: str, connector: Connector, process: str) -> None:
        self._name = name
        self._connector = connector
        self._process = process
        self._away_since: float | None = None

    @property
    def away(self) -> bool:
        """It did not answer when it was asked last."""
        return self._away_since is not None

    @property
    def away_for(self) -> float:
        """Seconds since it answered no more; 0 while it does."""
        return 0.0 if self._away_since is None else time.monotonic() - self._away_since

    async def run(self) -> None:
        """Ask, and connect again where the connection is lost."""
        while True:
            try:
                await self._ask()
            except (*AGAIN_LATER, asyncpg.PostgresError) as error:
                if not self.away:
                    log.warning("database_away", database=self._name, error=type(error).__name__)
                self.note_failure()
            await asyncio.sleep(LOOK_SECONDS)

    def note_failure(self) -> None:
        """It does not answer."""
        self._away_since = self._away_since or time.monotonic()
        AWAY.labels(self._name).set(1)

    async def _ask(self) -> None:
        """Until it does not answer any more: raises what says so."""
        connection = await self._connector.connect(f"citybrain-looks {self._process}")
        try:
            while True:
                await connection.execute("SELECT 1", timeout=ANSWER_SECONDS)
                if self.away:
                    log.info("database_answers", database=self._name)
                self._away_since = None
                AWAY.labels(self._name).set(0)
                await asyncio.sleep(LOOK_SECONDS)
        finally:
            connection.terminate()

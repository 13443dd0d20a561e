"""What a process knows to be in the log, and what it does where the log does not have it any more.

A standby that takes over without the newest commits, and a restore to a moment, leave a log that
ends before what somebody has seen: its next positions come a second time, with other content.
Whoever saw them would leave the new events out, or take states that never were for true. So a
process compares its newest event with the log whenever it has a new connection, and whenever it
reads on. Where that is not there it appends nothing and leads nothing from then on, and says so.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import asyncpg
import structlog
from prometheus_client import Gauge

from citybrain.eventstore.types import RecordedEvent, StoreUnavailable

log = structlog.get_logger(__name__)

RETRY_SECONDS = 60
WENT_BACK = Gauge(
    "citybrain_log_went_back", "1: the log lacks what this process has seen of it; it has stopped"
)
LOOK = """
SELECT (SELECT coalesce(max(notification_id), 0) FROM stored_events) AS head,
    EXISTS (
        SELECT FROM stored_events
        WHERE notification_id = $1 AND originator_id = $2 AND originator_version = $3
          AND metadata ->> 'command_id' IS NOT DISTINCT FROM $4
    ) AS there
"""


class LogWentBack(StoreUnavailable):
    """The log does not have what was in it; nothing is appended or applied until it is looked at.

    After `citybrain incarnation begin`, processes are to be started anew.
    """

    code = "log-went-back"

    def __init__(self, position: int, head: int) -> None:
        super().__init__(
            f"the log does not have what was at position {position}; it ends at {head} now. A "
            "standby took over without the newest commits, or the database was restored: look at "
            "what is lost, say `citybrain incarnation begin`, then start this process anew",
            retry_after_seconds=RETRY_SECONDS,
            position=position,
            head=head,
        )


class Mark(NamedTuple):
    """An event, told from any other that comes at its position: by its stream and command."""

    position: int
    stream_id: str
    version: int
    command_id: str | None


def mark_of(event: RecordedEvent) -> Mark:
    """The mark of an event of the log."""
    command = event.metadata.get("command_id")
    return Mark(event.position, event.stream_id, event.version, command)


class Witness:
    """The newest event that one process has seen."""

    def __init__(self) -> None:
        self.newest: Mark | None = None
        self.gone: LogWentBack | None = None
        """Why nothing goes on; it stays until the process ends."""
        self.at_once: list[Callable[[], None]] = []
        """What is done when the log proves to have gone back."""

    def saw(self, mark: Mark) -> None:
        """This is in the log."""
        if self.newest is None or mark.position > self.newest.position:
            self.newest = mark

    def require(self) -> None:
        """Raises `LogWentBack` where it is known to have."""
        if self.gone is not None:
            raise self.gone

    async def look(self, connection: "asyncpg.Connection[Any] | asyncpg.Pool[Any]") -> None:
        """Raises `LogWentBack` where the newest event is not in the log of this connection."""
        self.require()
        newest = self.newest
        if newest is None:
            return
        row = await connection.fetchrow(LOOK, *newest)
        assert row is not None
        if not row["there"]:
            raise self.went_back(newest.position, row["head"])

    def went_back(self, position: int, head: int) -> LogWentBack:
        """It has, and this is what is to be raised."""
        if self.gone is None:
            self.gone = LogWentBack(position, head)
            WENT_BACK.set(1)
            log.error("log_went_back", position=position, head=head, why=self.gone.message)
            for act in self.at_once:
                act()
        return self.gone

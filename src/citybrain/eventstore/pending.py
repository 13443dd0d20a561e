"""One append between its caller and its commit."""

import asyncio
import time
from collections.abc import Sequence
from uuid import UUID

from citybrain.eventstore.types import Appended, IdempotencyRecord, Metadata, NewEvent


class PendingAppend:
    """An append that waits for its commit; `outcome` is set exactly once."""

    __slots__ = (
        "command_id",
        "events",
        "expected",
        "idempotency",
        "metadata_json",
        "outcome",
        "since",
        "size",
        "stream_id",
    )

    def __init__(
        self,
        stream_id: str,
        expected: int,
        events: Sequence[NewEvent],
        metadata: Metadata,
        idempotency: IdempotencyRecord | None,
        size: int,
    ) -> None:
        self.stream_id = stream_id
        self.expected = expected
        self.events = events
        self.metadata_json = metadata.to_json()
        self.command_id: UUID = metadata.command_id
        self.idempotency = idempotency
        self.size = size
        self.since = time.monotonic()
        self.outcome: asyncio.Future[Appended] = asyncio.get_running_loop().create_future()

    def succeed(self, appended: Appended) -> None:
        """Acknowledge, unless the caller has left."""
        if not self.outcome.done():
            self.outcome.set_result(appended)

    def fail(self, error: Exception, cause: BaseException | None = None) -> None:
        """Answer with `error`, unless the caller has left."""
        if not self.outcome.done():
            error.__cause__ = cause
            self.outcome.set_exception(error)

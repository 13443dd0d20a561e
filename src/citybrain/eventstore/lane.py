"""One append connection: a prepared call of `append_events`, and the look-up after a break."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import asyncpg

from citybrain.columns import array
from citybrain.eventstore.pending import PendingAppend
from citybrain.eventstore.witness import Witness
from citybrain.faults import CONNECTION_LOST

STATEMENT_TIMEOUT_SECONDS = 30.0
FENCE_MILLISECONDS = 5_000

APPEND = """
SELECT versions, positions FROM append_events(
    $1::text::text[], $2::text::text[], $3::text::int[], $4::text::bigint[], $5::text::int[], $6,
    $7::text::text[], $8, $9, $10::text::text[], $11, $12::text::int[], $13::text::int[])
"""

IDENTIFY = "SELECT pid, backend_start FROM pg_stat_activity WHERE pid = pg_backend_pid()"

FENCE = """
SELECT pg_terminate_backend(pid, $3) FROM pg_stat_activity
WHERE pid = $1 AND backend_start = $2 AND pid <> pg_backend_pid()
"""

LOOK_UP = """
SELECT a.place, max(e.originator_version) AS version, max(e.notification_id) AS position
FROM unnest($1::text[], $2::bigint[], $3::text[]) WITH ORDINALITY
       AS a(stream, expected, command, place)
JOIN stored_events e
  ON e.originator_id = a.stream
 AND e.originator_version > a.expected
 AND e.notification_id > $4
 AND e.metadata ->> 'command_id' = a.command
GROUP BY a.place
"""


class Lane:
    """A connection that writes one batch at a time; `lost` is called when it ends."""

    def __init__(
        self,
        connect: Callable[[], Awaitable["asyncpg.Connection[Any]"]],
        lost: Callable[[], None],
        witness: Witness,
    ) -> None:
        self._connect = connect
        self._witness = witness
        self._lost = lost
        self._connection: asyncpg.Connection[Any] | None = None
        self._statement: Any = None
        self._backend: tuple[int, Any] | None = None

    @property
    def connected(self) -> bool:
        """Whether the connection looks alive from here."""
        return self._connection is not None and not self._connection.is_closed()

    async def connect(self) -> None:
        """Open the connection and prepare the append; raises one of `CONNECTION_LOST`.

        Raises `LogWentBack` where it leads to a log that lacks what was seen.
        """
        connection = await self._connect()
        try:
            await self._witness.look(connection)
            self._statement = await connection.prepare(APPEND)
            row = await connection.fetchrow(IDENTIFY)
        except BaseException:
            connection.terminate()
            raise
        assert row is not None
        connection.add_termination_listener(lambda _: self._lost())
        self._connection, self._backend = connection, (row["pid"], row["backend_start"])

    async def reconnect_after_fence(self) -> None:
        """Open a new connection and make sure that the old backend can write nothing more."""
        old = self._backend
        if self._connection is not None:
            self._connection.terminate()
            self._connection = None
        await self.connect()
        assert self._connection is not None
        if old is not None and old != self._backend:
            try:
                gone = await self._connection.fetchval(FENCE, *old, FENCE_MILLISECONDS)
            except CONNECTION_LOST:
                self._backend = old
                raise
            if gone is False:
                self._backend = old
                raise TimeoutError("the old backend has not ended yet")

    async def close(self) -> None:
        """Close the connection."""
        if self._connection is not None and not self._connection.is_closed():
            await self._connection.close()

    async def append(self, batch: Sequence[PendingAppend]) -> tuple[list[int], list[int]]:
        """Write a batch in one transaction; versions and positions as `append_events` says."""
        streams: dict[str, int] = {}
        stream, stream_of, expected, counts, metadata = [], [], [], [], []
        e_append, e_place, e_topic, e_state = [], [], [], []
        several = any(len(pending.events) != 1 for pending in batch)
        for number, pending in enumerate(batch, 1):
            stream_id = pending.stream_id
            stream.append(stream_id)
            stream_of.append(streams.setdefault(stream_id, len(streams) + 1))
            expected.append(pending.expected)
            counts.append(len(pending.events))
            metadata.append(pending.metadata_json)
            for place, (topic, state) in enumerate(pending.events):
                if several:
                    e_append.append(number)
                    e_place.append(place)
                e_topic.append(topic)
                e_state.append(state)
        keys = fingerprints = answers = None
        if any(pending.idempotency for pending in batch):
            records = [pending.idempotency for pending in batch]
            keys = array([record and record.key for record in records])
            fingerprints = [record and record.fingerprint for record in records]
            answers = [record and record.answer for record in records]
        rows = await self._statement.fetch(
            array(streams),
            array(stream),
            array(stream_of),
            array(expected),
            array(counts),
            metadata,
            keys,
            fingerprints,
            answers,
            array(e_topic),
            e_state,
            array(e_append) if several else None,
            array(e_place) if several else None,
            timeout=STATEMENT_TIMEOUT_SECONDS,
        )
        return rows[0]["versions"], rows[0]["positions"]

    async def written(
        self, batch: Sequence[PendingAppend], after: int
    ) -> dict[int, tuple[int, int]]:
        """Which members of `batch` are stored: index → (version, position).

        `after`: a position known before the batch was sent; rows up to it are not looked at.
        """
        assert self._connection is not None
        rows = await self._connection.fetch(
            LOOK_UP,
            [pending.stream_id for pending in batch],
            [max(pending.expected, 0) for pending in batch],
            [str(pending.command_id) for pending in batch],
            after,
            timeout=STATEMENT_TIMEOUT_SECONDS,
        )
        return {row["place"] - 1: (row["version"], row["position"]) for row in rows}

"""What read models have applied ahead of the log (docs/decisions/0031).

A model has all events up to the position of its checkpoint. Of some streams it has more: a row says
up to which version. Rows are written by those who feed it (`feeder`), and are forgotten when the
checkpoint has passed them.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import asyncpg

from citybrain.errors import CitybrainError
from citybrain.eventstore import RecordedEvent
from citybrain.eventstore.locks import KEY

HOLD = f"SELECT pg_advisory_xact_lock({KEY})"
SHARE = f"SELECT pg_advisory_xact_lock_shared({KEY})"
AHEAD = """
SELECT stream_id, version FROM streams_ahead WHERE projection = $1 AND stream_id = ANY($2)
"""
ALL_AHEAD = "SELECT stream_id, version FROM streams_ahead WHERE projection = $1"
FORGET = """
DELETE FROM streams_ahead WHERE projection = $1 AND stream_id = ANY($2) AND position <= $3
"""
STEP = """
INSERT INTO streams_ahead AS a (projection, stream_id, was, version, position, recorded_at)
SELECT $1, s.* FROM unnest($2::text[], $3::bigint[], $4::bigint[], $5::bigint[], $6::timestamptz[])
    AS s (stream_id, was, version, position, recorded_at) ORDER BY s.stream_id
ON CONFLICT (projection, stream_id) DO UPDATE
SET was = excluded.was, version = excluded.version, position = excluded.position,
    recorded_at = excluded.recorded_at
WHERE a.version = excluded.was
"""


class StreamMoved(CitybrainError):
    """Somebody else applied events of the same stream; plan again."""

    code = "stream-moved"


async def hold(connection: "asyncpg.Connection[Any]", model: str) -> None:
    """Until the transaction ends nobody feeds the model."""
    await connection.execute(HOLD, f"feeding:{model}")


async def share(connection: "asyncpg.Connection[Any]", model: str) -> None:
    """Until the transaction ends the model's checkpoint passes nothing that it wants."""
    await connection.execute(SHARE, f"feeding:{model}")


async def ahead(
    connection: "asyncpg.Connection[Any] | asyncpg.Pool[Any]", model: str, streams: Sequence[str]
) -> dict[str, int]:
    """The versions of those of these streams that are ahead of the checkpoint."""
    return {row[0]: row[1] for row in await connection.fetch(AHEAD, model, streams)}


async def all_ahead(connection: "asyncpg.Connection[Any]", model: str) -> dict[str, int]:
    """The versions of all streams that are ahead of the checkpoint."""
    return {row[0]: row[1] for row in await connection.fetch(ALL_AHEAD, model)}


async def step(
    connection: "asyncpg.Connection[Any]",
    model: str,
    was: Mapping[str, int],
    last: Mapping[str, tuple[int, int, datetime]],
) -> None:
    """Say that streams are at `last` (version, position, time), each from where it `was`.

    Raises `StreamMoved` where one is not there any more.
    """
    done = await connection.execute(
        STEP,
        model,
        list(last),
        [was[stream] for stream in last],
        *map(list, zip(*last.values(), strict=True)),
    )
    if done != f"INSERT 0 {len(last)}":
        raise StreamMoved(f"another one feeds the same streams of {model}")


async def passed(
    connection: "asyncpg.Connection[Any]", model: str, streams: Sequence[str], position: int
) -> None:
    """The checkpoint has come to a position: what is said of these streams up to it is past."""
    await connection.execute(FORGET, model, streams, position)


def missing(events: Sequence[RecordedEvent], versions: Mapping[str, int]) -> list[RecordedEvent]:
    """Those of the events that are not among what was applied ahead."""
    return [event for event in events if event.version > versions.get(event.stream_id, 0)]

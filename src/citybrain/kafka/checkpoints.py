"""How far the log is in Kafka, kept in PostgreSQL.

A checkpoint says that every event of a category up to its position is in the topic. It is moved by
compare-and-set: whoever was stopped and wakes moves nothing that somebody else has moved since.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import asyncpg

from citybrain.errors import CitybrainError

CREATE = """
INSERT INTO kafka_topics (topic, category, partitions) VALUES ($1, $2, $3)
ON CONFLICT (topic) DO NOTHING
"""
READ = """
SELECT t.partitions, t.position, t.revision, array_agg(p.partition) AS numbers,
    array_agg(p.position) AS positions, array_agg(p.next_offset) AS offsets
FROM kafka_topics t LEFT JOIN kafka_partitions p USING (topic)
WHERE topic = $1 GROUP BY t.topic
"""
MOVE = """
WITH moved AS (
    UPDATE kafka_topics
    SET position = $3, revision = revision + 1, moved_at = clock_timestamp()
    WHERE topic = $1 AND revision = $2
      AND $7 = (SELECT incarnation FROM log_incarnations ORDER BY number DESC LIMIT 1)
    RETURNING topic
), sent AS (
    INSERT INTO kafka_partitions (topic, partition, position, next_offset)
    SELECT topic, s.* FROM moved, unnest($4::int[], $5::bigint[], $6::bigint[]) s
    ON CONFLICT (topic, partition)
    DO UPDATE SET position = excluded.position, next_offset = excluded.next_offset
)
SELECT count(*) FROM moved
"""
MOVE_PAST = """
UPDATE kafka_topics t
SET position = s.position, revision = t.revision + 1, moved_at = clock_timestamp()
FROM unnest($1::text[], $2::bigint[], $3::bigint[]) s (topic, revision, position)
WHERE t.topic = s.topic AND t.revision = s.revision
RETURNING t.topic
"""


class CheckpointMoved(CitybrainError):
    """Another publisher has moved the checkpoint: what it says now counts."""

    code = "kafka-checkpoint-moved"


@dataclass(slots=True)
class Sent:
    """What is in a partition: the position of its last event, and the offset behind it."""

    position: int = 0
    next_offset: int = 0


@dataclass(slots=True)
class Checkpoint:
    """How far a topic is."""

    topic: str
    partitions: int
    position: int
    revision: int
    sent: list[Sent]
    incarnation: UUID
    """Of the log that is published."""


async def read(
    connection: "asyncpg.Pool[Any]", topic: str, category: str, partitions: int, incarnation: UUID
) -> Checkpoint:
    """The checkpoint of a topic; one that nothing was sent to has so many partitions."""
    await connection.execute(CREATE, topic, category, partitions)
    (row,) = await connection.fetch(READ, topic)
    sent = [Sent() for _ in range(row["partitions"])]
    for number, position, offset in zip(
        row["numbers"], row["positions"], row["offsets"], strict=True
    ):
        if number is not None:
            sent[number] = Sent(position, offset)
    return Checkpoint(topic, row["partitions"], row["position"], row["revision"], sent, incarnation)


async def move(
    connection: "asyncpg.Connection[Any]",
    checkpoint: Checkpoint,
    position: int,
    sent: Mapping[int, Sent],
) -> None:
    """Move a checkpoint, with what some partitions have now; raises `CheckpointMoved`."""
    moved = await connection.fetchval(
        MOVE,
        checkpoint.topic,
        checkpoint.revision,
        position,
        list(sent),
        [each.position for each in sent.values()],
        [each.next_offset for each in sent.values()],
        checkpoint.incarnation,
    )
    if not moved:
        raise CheckpointMoved(f"the checkpoint of {checkpoint.topic} or the log was changed")
    checkpoint.position, checkpoint.revision = position, checkpoint.revision + 1
    for number, each in sent.items():
        checkpoint.sent[number] = each


async def pass_by(
    connection: "asyncpg.Connection[Any]", past: Sequence[tuple[Checkpoint, int]]
) -> None:
    """Move checkpoints to positions up to which there is nothing more; one that was moved stays."""
    rows = await connection.fetch(
        MOVE_PAST,
        [checkpoint.topic for checkpoint, _ in past],
        [checkpoint.revision for checkpoint, _ in past],
        [position for _, position in past],
    )
    moved = {row["topic"] for row in rows}
    for checkpoint, position in past:
        if checkpoint.topic in moved:
            checkpoint.position, checkpoint.revision = position, checkpoint.revision + 1

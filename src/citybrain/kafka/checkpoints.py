"""How far the log is in Kafka, kept in PostgreSQL.

A checkpoint says that every event of a category up to its position is in the topic. It is moved by
compare-and-set: whoever was stopped and wakes moves nothing that somebody else has moved since.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
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
WITH here AS (
    SELECT topic, category, position FROM kafka_topics WHERE topic = ANY($1) AND position < $2
), newest AS (
    SELECT split_part(originator_id, '-', 1) AS category, max(notification_id) AS position
    FROM stored_events
    WHERE notification_id > (SELECT min(position) FROM here) AND notification_id <= $2
    GROUP BY 1
)
UPDATE kafka_topics t SET position = $2, revision = revision + 1, moved_at = clock_timestamp()
FROM here h LEFT JOIN newest n USING (category)
WHERE t.topic = h.topic AND t.position = h.position AND coalesce(n.position, 0) <= h.position
RETURNING t.topic, t.revision
"""
BEHIND = """
SELECT t.topic, t.position, (
    SELECT recorded_at FROM stored_events
    WHERE notification_id > t.position AND notification_id <= $2
      AND split_part(originator_id, '-', 1) = t.category
    ORDER BY notification_id LIMIT 1
) AS oldest
FROM kafka_topics t WHERE t.topic = ANY($1)
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
    connection: "asyncpg.Connection[Any]",
    topics: Sequence[str],
    head: int,
    known: Mapping[str, Checkpoint],
) -> None:
    """Move those topics to `head` whose categories have nothing up to there that was not sent.

    `known` are checkpoints to be brought up to date.
    """
    for topic, revision in await connection.fetch(MOVE_PAST, topics, head):
        if topic in known:
            known[topic].position, known[topic].revision = head, revision


async def behind(
    pool: "asyncpg.Pool[Any]", topics: Sequence[str], head: int
) -> dict[str, tuple[int, datetime | None]]:
    """Where topics are, and when the oldest event was recorded that they lack up to `head`."""
    rows = await pool.fetch(BEHIND, topics, head)
    return {topic: (position, oldest) for topic, position, oldest in rows}

"""How far topics are behind the log: in positions, and in the age of the oldest event they lack.

The log is looked through once for each topic, a stretch at a time, from where the topic stands: a
topic that is stopped for a day, or whose streams are quiet, costs no more than one that is not.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from citybrain.eventstore import EventStore

STRETCH = 100_000  # positions that are looked through at once
STANDS = "SELECT topic, position, revision FROM kafka_topics WHERE topic = ANY($1)"
FIRST_MISSING = """
SELECT t.topic, e.position, e.recorded_at
FROM unnest($1::text[], $2::text[], $3::bigint[], $4::bigint[]) t (topic, category, after, up_to)
CROSS JOIN LATERAL (
    SELECT notification_id AS position, recorded_at FROM stored_events
    WHERE notification_id > t.after AND notification_id <= t.up_to
      AND split_part(originator_id, '-', 1) = t.category
    ORDER BY notification_id LIMIT 1
) e
"""


@dataclass(slots=True)
class Behind:
    """One topic. What lies between `position` and `looked` has nothing for it but `missing`."""

    topic: str
    category: str
    position: int = 0
    revision: int = -1
    """Of its checkpoint, when this was looked at; −1 where it has none yet."""
    looked: int = 0
    missing: tuple[int, datetime] | None = None
    """Position and time of recording of the oldest event that it lacks."""

    def stands(self, position: int, revision: int) -> None:
        """Take in where its checkpoint is."""
        if position < self.position or revision < self.revision:  # it went back
            self.looked, self.missing = position, None
        self.position, self.revision = position, revision
        self.looked = max(self.looked, position)
        if self.missing is not None and self.missing[0] <= position:
            self.looked, self.missing = position, None


async def look(store: EventStore, topics: Sequence[Behind], head: int) -> None:
    """Bring these up to date, as far as a stretch of the log goes."""
    by_name = {each.topic: each for each in topics}
    for topic, position, revision in await store.pool.fetch(STANDS, list(by_name)):
        by_name[topic].stands(position, revision)
    open_ = [each for each in topics if each.missing is None and each.looked < head]
    ends = [min(head, each.looked + STRETCH) for each in open_]
    found = {
        topic: (position, recorded_at)
        for topic, position, recorded_at in await store.pool.fetch(
            FIRST_MISSING,
            [each.topic for each in open_],
            [each.category for each in open_],
            [each.looked for each in open_],
            ends,
        )
    }
    for each, end in zip(open_, ends, strict=True):
        each.missing = found.get(each.topic)
        each.looked = end if each.missing is None else each.missing[0] - 1

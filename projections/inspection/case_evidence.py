"""Of which cases a photo is evidence: who may see it follows from whose they are."""

from collections.abc import Iterator, Sequence
from typing import Any

import asyncpg

from citybrain.columns import arrays
from citybrain.eventstore import RecordedEvent
from projections.projection import Order
from projections.reading import Pool, fetch

TABLES = """
CREATE TABLE evidence (
    sha256  text COLLATE "C" NOT NULL,
    case_id text COLLATE "C" NOT NULL,
    PRIMARY KEY (sha256, case_id)
);
"""
MERGED = "case.detection_merged"
STEPS = ("reported", "handled", "task_finished", "milestone_reached", "checked")
ADD = """
INSERT INTO evidence SELECT * FROM unnest($1::text::text[], $2::text::text[])
ON CONFLICT DO NOTHING
"""


class CaseEvidence:
    """The read model `case_evidence`."""

    name = "case_evidence"
    version = 1
    order = Order.STREAM
    topics = frozenset({MERGED, *(f"case.{step}" for step in STEPS)})
    tables = TABLES

    async def apply(
        self, connection: "asyncpg.Connection[Any]", events: Sequence[RecordedEvent]
    ) -> None:
        """Add what the batch names."""
        pairs = sorted({(sha256, event.stream_id) for event in events for sha256 in _named(event)})
        if pairs:
            await connection.execute(ADD, *arrays(pairs))


def _named(event: RecordedEvent) -> Iterator[str]:
    said = event.data["detection"] if event.topic == MERGED else event.data
    yield from said["evidence_sha256"]


DEPARTMENTS = """
SELECT coalesce(array_agg(DISTINCT department) FILTER (WHERE department IS NOT NULL), '{}')
           AS departments,
       count(*) AS cases
FROM case_evidence.evidence JOIN case_desk.cases USING (case_id)
LEFT JOIN LATERAL unnest(departments) AS department ON true WHERE sha256 = $1
"""


async def departments_of(pool: Pool, sha256: str) -> list[str] | None:
    """The departments that have a case of which the photo is evidence; None where it is of none."""
    (row,) = await fetch(pool, DEPARTMENTS, sha256)
    return list(row["departments"]) if row["cases"] else None

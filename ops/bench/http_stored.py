"""Whether all that was acknowledged over HTTP is stored, and nothing else."""

import asyncpg

from ops.bench.workbench import BenchFailed

FACTS = """
SELECT count(*) FILTER (WHERE topic = 'case.reported') AS reported, count(*) AS events,
       coalesce(max(notification_id), 0) AS last,
       (SELECT count(*) FROM idempotency_records) AS keys FROM stored_events
"""


async def verify(url: str, acknowledged: int) -> None:
    """Raises `BenchFailed` where a report is missing, or there are others."""
    connection = await asyncpg.connect(url)
    try:
        facts = await connection.fetchrow(FACTS)
    finally:
        await connection.close()
    assert facts is not None
    if not facts["reported"] == facts["keys"] == acknowledged:
        raise BenchFailed(
            f"{acknowledged} reports were acknowledged, {facts['reported']} are stored "
            f"with {facts['keys']} idempotency keys"
        )
    if facts["last"] != facts["events"]:
        raise BenchFailed(f"{facts['events']} events end at position {facts['last']}")

"""How far the process managers are, what they set aside, and doing that again."""

from dataclasses import dataclass
from functools import partial
from typing import Any

import asyncpg
import structlog
from prometheus_client import Gauge

from citybrain.errors import Refused
from citybrain.eventstore import EventStore, StoreUnavailable
from citybrain.eventstore.locks import is_held
from citybrain.faults import AGAIN_LATER
from commands.processes.runner import ProcessManager, context_of
from commands.services import Services

log = structlog.get_logger(__name__)

STATUS = f"""
SELECT p.process, p.position, p.updated_at,
       (SELECT count(*) FROM parked_commands c WHERE c.process = p.process) AS parked,
       {is_held("'process:' || p.process")} AS running
FROM process_checkpoints p ORDER BY p.process
"""  # noqa: S608
PARKED = """
SELECT process, position, stream_id, topic, error, attempts, parked_at
FROM parked_commands WHERE $1::text IS NULL OR process = $1 ORDER BY process, position LIMIT $2
"""
MEASURE = """
SELECT process, position,
    (SELECT count(*) FROM parked_commands p WHERE p.process = c.process) AS parked
FROM process_checkpoints c
"""
UNPARK = "DELETE FROM parked_commands WHERE process = $1 AND position = $2"
FAILED_AGAIN = """
UPDATE parked_commands SET attempts = attempts + 1, error = $3, parked_at = clock_timestamp()
WHERE process = $1 AND position = $2
"""
SHOWN = 100
RETRIED_AT_ONCE = 10_000

POSITION = Gauge("citybrain_process_position", "Log position a process has reached", ["process"])
PARKED_NOW = Gauge("citybrain_parked_commands", "Commands that are set aside now", ["process"])


@dataclass(frozen=True, slots=True)
class Retried:
    """What became of the parked commands of a process manager."""

    sent: int
    still_parked: int


async def process_status(store: EventStore) -> list[dict[str, Any]]:
    """Position, parked commands and whether somebody leads it, for each process manager."""
    return [dict(row) for row in await store.pool.fetch(STATUS)]


async def measure(pool: "asyncpg.Pool[Any]") -> None:
    """Set the gauges to what PostgreSQL says, whoever leads; there are none where it cannot."""
    try:
        rows = await pool.fetch(MEASURE)
    except (StoreUnavailable, *AGAIN_LATER) as error:
        log.warning("positions_unknown", error=type(error).__name__)
        rows = []
    for gauge in (POSITION, PARKED_NOW):
        gauge.clear()
    for row in rows:
        POSITION.labels(row["process"]).set(row["position"])
        PARKED_NOW.labels(row["process"]).set(row["parked"])


async def parked_commands(store: EventStore) -> list[dict[str, Any]]:
    """Events whose commands could not be sent, the first hundred."""
    return [dict(row) for row in await store.pool.fetch(PARKED, None, SHOWN)]


async def retry_parked(services: Services, manager: ProcessManager) -> Retried:
    """React to what is parked again, in log order. A refusal means that it has been done."""
    store = services.store
    sent = still_parked = 0
    for row in await store.pool.fetch(PARKED, manager.name, RETRIED_AT_ONCE):
        (event,) = await store.read_all(row["position"] - 1, limit=1)
        try:
            await manager.react(event, services, partial(context_of, manager, event))
        except Refused as refusal:
            log.debug("process_refused", process=manager.name, code=refusal.code)
        except Exception as error:
            log.warning("command_still_parked", process=manager.name, position=event.position)
            await store.pool.execute(
                FAILED_AGAIN, manager.name, event.position, type(error).__name__
            )
            still_parked += 1
            continue
        await store.pool.execute(UNPARK, manager.name, event.position)
        sent += 1
    return Retried(sent, still_parked)

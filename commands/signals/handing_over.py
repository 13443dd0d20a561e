"""Observations that reached a process which does not control their junction go to one that does.

Each process judges what is said of the junctions that it controls, from its own memory. Others
check what they are sent and leave it, by shard, in a table that the log of PostgreSQL does not
carry (UNLOGGED); whoever controls the shard takes it away every `TAKEN_EVERY_SECONDS`. So an
observation through another process is seen that much later; what lies there when PostgreSQL crashes
is lost, and detectors say it anew. Who hands over answers that a reading is recorded also where the
other one knows it already.
"""

import asyncio
from collections.abc import Collection, Sequence
from contextlib import suppress

import orjson
import structlog

from citybrain.domain.signals.detector_health import Fault, Standing
from citybrain.domain.signals.signal_events import milliseconds
from commands.processes.batches import AWAY
from commands.services import Services
from commands.signals.observation_upkeep import write_of
from commands.signals.observed import observed
from commands.signals.observing import take_over
from commands.signals.sharing import SHARDS, shard_of
from commands.signals.streams import JunctionUnknown

log = structlog.get_logger(__name__)

TAKEN_EVERY_SECONDS = 0.1
TAKE = """
DELETE FROM signal_handed_over WHERE id IN (
    SELECT id FROM signal_handed_over WHERE shard = ANY($1) OR shard IS NULL
    ORDER BY id LIMIT 200 FOR UPDATE SKIP LOCKED
) RETURNING id, items
"""
"""Rows without a shard are those of a release that had none."""

FAILURES = """
SELECT junction, detector, fault, since FROM signal_detectors
WHERE standing = $1 AND fault IS NOT NULL
"""


def stand_by(services: Services) -> None:
    """From now on other processes judge what is said: hand it over."""
    observed(services).give_up(range(SHARDS))


async def take_shards(shards: Collection[int], services: Services) -> None:
    """Judge what is said of the junctions of these. Raises one of `AWAY`.

    Detectors that had failed must first behave for the set time.
    """
    observed(services).take(shards, services.clock())
    await recall_failures(shards, services)


async def give_up_shards(shards: Collection[int], services: Services) -> None:
    """Hand over from now on; what is in memory is written, as far as the store is there."""
    known = observed(services).give_up(shards)
    try:
        await write_of(known, services, whole=True)
    except AWAY as error:
        log.warning("observations_lost", error=type(error).__name__)


async def collect_observations(services: Services) -> None:
    """Take in what other processes were told of the junctions of this one, until cancelled."""
    pool = services.store.pool
    while True:
        with suppress(*AWAY):  # what is handed over lies there until the store is back
            while rows := await pool.fetch(TAKE, observed(services).shards):
                for row in sorted(rows, key=lambda row: row["id"]):
                    await take_over(_items(row["items"]), services)
        await asyncio.sleep(TAKEN_EVERY_SECONDS)


async def recall_failures(shards: Collection[int], services: Services) -> None:
    """What the process before had found: who has failed is not believed by being heard once."""
    now = services.clock()
    for row in await services.store.pool.fetch(FAILURES, Standing.FAILED):
        if shard_of(row["junction"]) not in shards:
            continue
        with suppress(JunctionUnknown):
            seen = observed(services).seen(row["junction"], now).detectors.get(row["detector"])
            if seen is not None:
                seen.health.had_failed(Fault(row["fault"]), row["since"], milliseconds(now))


def _items(stored: bytes) -> Sequence[object]:
    items: Sequence[object] = orjson.loads(stored)
    return items

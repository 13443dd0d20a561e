"""Observations that reached a process which does not control the junctions go to the one that does.

One process controls all junctions, and judges from its own memory. Others check what they are sent
and leave it in a table that the log of PostgreSQL does not carry (UNLOGGED); the one that controls
takes it away every `TAKEN_EVERY_SECONDS`. So an observation through another process is seen that
much later; what lies there when PostgreSQL crashes is lost, and detectors say it anew. Who hands
over answers that a reading is recorded also where the other one knows it already.
"""

import asyncio
from collections.abc import Sequence
from contextlib import suppress

import orjson
import structlog

from citybrain.domain.signals.detector_health import Fault, Standing
from citybrain.domain.signals.signal_events import milliseconds
from citybrain.eventstore import EventStore
from commands.processes.batches import AWAY
from commands.services import Services
from commands.signals.observation_reads import STANDINGS
from commands.signals.observation_upkeep import write_observations
from commands.signals.observed import observed
from commands.signals.observing import take_over
from commands.signals.streams import JunctionUnknown

log = structlog.get_logger(__name__)

TAKEN_EVERY_SECONDS = 0.2
TAKE = """
DELETE FROM signal_handed_over WHERE id IN (
    SELECT id FROM signal_handed_over ORDER BY id LIMIT 50 FOR UPDATE SKIP LOCKED
) RETURNING id, items
"""


def stand_by(services: Services) -> None:
    """From now on another process judges what is said: hand it over."""
    memory = observed(services)
    memory.mine = False
    memory.begin_anew(services.clock())


async def control_observations(store: EventStore, services: Services) -> None:
    """Judge what is said of all junctions, in this process and in others, until cancelled.

    Detectors that had failed must first behave for the set time. At the end what is in memory is
    written, as far as the store is there. Raises one of `AWAY` where it is not, when it begins.
    """
    memory = observed(services)
    memory.begin_anew(services.clock())
    await recall_failures(services)
    memory.mine = True
    try:
        while True:
            with suppress(*AWAY):  # what is handed over lies there until the store is back
                while rows := await store.pool.fetch(TAKE):
                    for row in sorted(rows, key=lambda row: row["id"]):
                        await take_over(_items(row["items"]), services)
            await asyncio.sleep(TAKEN_EVERY_SECONDS)
    finally:
        try:
            await write_observations(services, whole=True)
        except AWAY as error:
            log.warning("observations_lost", error=type(error).__name__)
        stand_by(services)


async def recall_failures(services: Services) -> None:
    """What the process before had found: who has failed is not believed by being heard once."""
    now = services.clock()
    for row in await services.store.pool.fetch(STANDINGS):
        if row["standing"] != Standing.FAILED or row["fault"] is None:
            continue
        with suppress(JunctionUnknown):
            seen = observed(services).seen(row["junction"], now).detectors.get(row["detector"])
            if seen is not None:
                seen.health.had_failed(Fault(row["fault"]), row["since"], milliseconds(now))


def _items(stored: bytes) -> Sequence[object]:
    items: Sequence[object] = orjson.loads(stored)
    return items

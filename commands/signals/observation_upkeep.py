"""Five minutes of detectors are written while the process serves, and grow old once an hour."""

import asyncio
from collections.abc import Iterable

import structlog

from citybrain.definitions.signals.junctions import SignalDefinitions
from citybrain.domain.signals.layout import Detector
from commands.processes.batches import AWAY
from commands.services import Services
from commands.signals.observation_reads import WRITTEN_EVERY_MS
from commands.signals.observation_store import Key, observation_store
from commands.signals.observed import observed
from commands.signals.seen import SeenJunction

log = structlog.get_logger(__name__)

AT_A_TURN = 100
"""So many junctions are looked through at one turn of the loop."""


async def keep_observations(services: Services) -> None:
    """Every few seconds write what is over and how detectors stand, until cancelled.

    What fails is written the next time.
    """
    while True:
        await asyncio.sleep(WRITTEN_EVERY_MS / 1000)
        try:
            await write_observations(services)
        except AWAY as error:
            log.warning("observations_not_written", error=type(error).__name__)
        except Exception:
            log.exception("observations_not_written")


async def write_observations(services: Services, *, whole: bool = False) -> None:
    """Write what is over, with `whole` also what is not; and how detectors stand."""
    memory = observed(services)
    seen = [each for each in memory.all_seen() if memory.controls(each.junction.code)]
    await write_of(seen, services, whole=whole)


async def write_of(
    seen: Iterable[SeenJunction], services: Services, *, whole: bool = False
) -> None:
    """The same of some junctions. Raises one of `AWAY`."""
    store, junctions = observation_store(services), list(seen)
    for first in range(0, len(junctions), AT_A_TURN):
        part = junctions[first : first + AT_A_TURN]
        detectors = [each for junction in part for each in junction.detectors.values()]
        await store.write(detectors, whole=whole)
        await store.judge(detectors)
        await asyncio.sleep(0)  # others go on between


async def age_observations(services: Services) -> None:
    """Keep only the sums of what is long over, and those for so many days."""
    definitions = services.definitions.of(SignalDefinitions)

    def detector_of(key: Key) -> Detector | None:
        dated = definitions.at(key[0], key[2])
        return None if dated is None else dated.junction.layout.detectors.get(key[1])

    store = observation_store(services)
    await store.seal(detector_of)
    await store.forget()

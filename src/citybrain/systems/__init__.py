"""The systems of the city, and what they have together.

A new system is its rooms, its descriptor beside this file, and its line in `SYSTEMS`:
`make new-system NAME=…` puts all of it in place.
"""

from pathlib import Path

from citybrain.definitions import Definitions
from citybrain.definitions.loading import load, refuse_unread
from citybrain.domain.stream import register_stream
from citybrain.errors import InvalidInput
from citybrain.systems.applications import APPLICATIONS
from citybrain.systems.citizens import CITIZENS
from citybrain.systems.inspection import INSPECTION
from citybrain.systems.parking import PARKING
from citybrain.systems.platform import PLATFORM
from citybrain.systems.signals import SIGNALS
from citybrain.systems.system import System
from citybrain.systems.treasury import TREASURY
from commands.processes.runner import Process
from projections.projection import Projection

SYSTEMS: tuple[System, ...] = (
    PLATFORM,  # first: all others stand on it
    CITIZENS,
    APPLICATIONS,
    INSPECTION,
    PARKING,
    SIGNALS,
    TREASURY,
)
PROJECTIONS: tuple[Projection, ...] = tuple(p for system in SYSTEMS for p in system.projections)
PROCESSES: tuple[Process, ...] = tuple(p for system in SYSTEMS for p in system.processes)


class UnknownProjection(InvalidInput):
    """There is no projection of this name."""

    code = "unknown-projection"


class UnknownProcess(InvalidInput):
    """There is no process manager of this name."""

    code = "unknown-process"


def projection_named(name: str) -> Projection:
    """The projection; raises `UnknownProjection`."""
    for projection in PROJECTIONS:
        if projection.name == name:
            return projection
    known = ", ".join(projection.name for projection in PROJECTIONS)
    raise UnknownProjection(f"there is no projection {name!r}; there are {known}")


def process_named(name: str) -> Process:
    """The process manager and how it is run; raises `UnknownProcess`."""
    for process in PROCESSES:
        if process.manager.name == name:
            return process
    known = ", ".join(process.manager.name for process in PROCESSES)
    raise UnknownProcess(f"there is no process {name!r}; there are {known}")


def load_definitions(override: Path | None = None) -> Definitions:
    """All systems' definitions, a city's own folder over ours; raises `DefinitionError`.

    So it does of a file that nobody reads: whoever wrote it takes it to be in force.
    """
    if override is not None:
        refuse_unread(override)
    return load((loader for system in SYSTEMS for loader in system.definitions), override)


def register_streams() -> None:
    """Make the topics of all streams known to the replay code (idempotent)."""
    for system in SYSTEMS:
        for stream in system.streams:
            register_stream(stream)

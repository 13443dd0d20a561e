"""Whose read models and process managers run beside a test: those of the system that it is about.

To start all of the city's costs more than most tests do with them.
"""

from collections.abc import Sequence

from citybrain.systems.applications import APPLICATIONS
from citybrain.systems.citizens import CITIZENS
from citybrain.systems.inspection import INSPECTION
from citybrain.systems.parking import PARKING
from citybrain.systems.platform import PLATFORM
from citybrain.systems.system import System
from citybrain.systems.treasury import TREASURY

FOR_CITIZENS = (PLATFORM, CITIZENS, APPLICATIONS)
FOR_INSPECTION = (PLATFORM, INSPECTION)
FOR_APPLICATIONS = (PLATFORM, CITIZENS, APPLICATIONS, TREASURY)
FOR_PARKING = (PLATFORM, CITIZENS, PARKING, TREASURY)


def models(systems: Sequence[System]) -> list[str]:
    """The names of their read models."""
    return [projection.name for system in systems for projection in system.projections]

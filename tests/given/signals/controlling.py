"""A process that controls junctions, until it is killed: arguments are a folder, and a fast clock.

`python -m tests.given.signals.controlling DATA_DIR BEGAN ZERO`: the clock shows ZERO (seconds since
1970) at the real moment BEGAN, and goes `FASTER` times as fast.
"""

import asyncio
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from citybrain.eventstore import open_event_store
from citybrain.settings import Settings
from citybrain.systems import register_streams
from commands.signals.processes import control
from tests.given.services import services_over

FASTER = 40.0


def fast_clock(began: float, zero: float) -> Callable[[], datetime]:
    """The same in every process."""
    return lambda: datetime.fromtimestamp(zero + (time.time() - began) * FASTER, UTC)


async def main(data_dir: Path, began: float, zero: float) -> None:
    """Control what is ours."""
    register_streams()
    control.CLOCK_SECONDS, control.LEAD_SECONDS = 0.02, 0.05
    async with open_event_store(Settings(data_dir=data_dir)) as store:
        services = services_over(store)
        services.clock = fast_clock(began, zero)
        await control.SignalControlProcess().run(store, services)


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), float(sys.argv[2]), float(sys.argv[3])))

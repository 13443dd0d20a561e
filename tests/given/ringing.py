"""A process that wakes sleepers, until it is killed: `python -m tests.given.ringing DATA_DIR`."""

import asyncio
import sys
from pathlib import Path
from typing import Any

from citybrain.eventstore import open_event_store
from citybrain.notifications import SilentNotifier
from citybrain.settings import Settings
from commands.processes.batches import BatchRunner
from commands.services import Services
from tests.given.sleepers import Sleepers

NOTHING: Any = None  # what no sleeper needs


async def main(data_dir: Path) -> None:
    """Lead, or stand by."""
    async with open_event_store(Settings(data_dir=data_dir)) as store:
        services = Services(store, NOTHING, NOTHING, SilentNotifier())
        await BatchRunner(store, Sleepers(), services).run()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))

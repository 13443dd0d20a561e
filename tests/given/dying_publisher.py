"""A publisher that dies when Kafka has taken a batch and PostgreSQL does not know it yet."""

import asyncio
import os
import signal
import sys
from typing import Any

import pytest

from citybrain.eventstore import open_event_store
from citybrain.kafka import checkpoints
from citybrain.kafka.publisher import Publisher
from citybrain.settings import Settings


async def main(batches: int) -> None:
    """Publish, and die by SIGKILL behind so many batches."""
    settings, move, taken = Settings(), checkpoints.move, 0

    async def moved(*arguments: Any) -> None:
        nonlocal taken
        _, checkpoint, position, _ = arguments
        taken += position > checkpoint.position
        if taken == batches:
            os.kill(os.getpid(), signal.SIGKILL)
        await move(*arguments)

    pytest.MonkeyPatch().setattr(checkpoints, "move", moved)
    async with open_event_store(settings) as store:
        await Publisher(settings, store, settings.kafka_categories).run()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1])))

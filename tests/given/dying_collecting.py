"""A server's workers that die while they collect a claim, once.

`python -m tests.given.dying_collecting STEP WHEN`: killed `before` the gateway is told this step,
or when what it said is about to be recorded (`recording`). A file in the data folder says that it
died; the next one lives, as one without arguments does.
"""

import asyncio
import os
import signal
import sys
from typing import Any

import pytest

from citybrain.app import open_runtime
from citybrain.domain.parking.payment import Step
from citybrain.observability import configure_logging
from citybrain.settings import Settings
from commands.parking.processes.collecting import _Drive
from tests.given.at_work import FOR_PARKING

DIED = "died"


async def main(step: Step | None, when: str) -> None:
    """Run the workers until killed."""
    settings = Settings()
    configure_logging("WARNING", "console")
    if step is not None and not (settings.data_dir / DIED).exists():
        _die_at(settings, step, when)
    async with open_runtime(settings, faces=False, at_work=FOR_PARKING):
        print("ready", flush=True)
        await asyncio.Event().wait()


def _die_at(settings: Settings, fatal: Step, when: str) -> None:
    tell, record = _Drive._tell, _Drive.record

    def die() -> None:
        (settings.data_dir / DIED).touch()
        os.kill(os.getpid(), signal.SIGKILL)

    async def deadly_tell(self: Any, claim: Any, step: Any) -> Any:
        if step.step is fatal and when == "before":
            die()
        return await tell(self, claim, step)

    async def deadly_record(self: Any, claim: Any, step: Any, receipt: Any) -> None:
        if step.step is fatal:
            die()
        await record(self, claim, step, receipt)

    patch = pytest.MonkeyPatch()
    patch.setattr(_Drive, "_tell", deadly_tell)
    patch.setattr(_Drive, "record", deadly_record)


if __name__ == "__main__":
    fatal, moment = sys.argv[1:] or ("", "")
    asyncio.run(main(Step(fatal) if fatal else None, moment))

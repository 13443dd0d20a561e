"""A server's workers that die at one step of the process manager, once.

`python -m tests.given.dying_server STEP WHEN`: killed `before` the step begins, when what it
did outside is about to be recorded (`recording`), or when only the entitlement has been
(`claimed`). A file in the data folder says that it died; the next one lives.
"""

import asyncio
import os
import signal
import sys
from typing import Any

import pytest

from citybrain.app import open_runtime
from citybrain.domain.applications.application import Application, Step
from citybrain.observability import configure_logging
from citybrain.settings import Settings
from commands.applications.processes import application
from tests.given.at_work import FOR_APPLICATIONS

DIED = "died"


async def main(step: Step, when: str) -> None:
    """Run the workers until killed."""
    settings = Settings()
    configure_logging("WARNING", "console")
    if not (settings.data_dir / DIED).exists():
        _die_at(settings, step, when)
    async with open_runtime(settings, faces=False, at_work=FOR_APPLICATIONS):
        print("ready", flush=True)
        await asyncio.Event().wait()


def _die_at(settings: Settings, fatal: Step, when: str) -> None:
    drive = application._Drive
    began = drive.__init__

    def die() -> None:
        (settings.data_dir / DIED).touch()
        os.kill(os.getpid(), signal.SIGKILL)

    def prepared(self: Any, *arguments: Any) -> None:
        began(self, *arguments)
        work = self._steps[fatal]

        async def deadly(application: Application) -> Any:
            if when == "before":
                die()
            self._change = dying
            if when != "claimed":
                self._claims._saved = dying
            return await work(application)

        async def dying(*_: Any) -> None:
            die()

        self._steps[fatal] = deadly

    pytest.MonkeyPatch().setattr(drive, "__init__", prepared)


if __name__ == "__main__":
    asyncio.run(main(Step(sys.argv[1]), sys.argv[2]))

"""A server's workers that die while they take a reservation further, once.

`python -m tests.given.dying_reservations STEP WHEN`: killed `before` the step begins; in its
`middle`, when what comes first has been recorded and what comes next has not; or when all of it is
done and the reservation is about to say so (`recording`). A file in the data folder says that it
died; the next one lives, as one without arguments does.
"""

import asyncio
import os
import signal
import sys
from typing import Any

import pytest

from citybrain.app import open_runtime
from citybrain.domain.parking.reservation import ParkingReservation
from citybrain.observability import configure_logging
from citybrain.settings import Settings
from commands.parking.processes import reservations
from commands.parking.processes.reservations import Drive, Step
from commands.parking.reserving import Claiming
from tests.given.at_work import FOR_PARKING

DIED = "died"
BEGUN = {
    Step.RELEASE: (Claiming, "_count_no_more"),
    Step.CLAIM: (reservations, "request_payment"),
    Step.SECURE: (Claiming, "_on_calendar"),
}
"""What comes second in a step: whoever dies there has done the first half of it."""


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
    began = Drive.__init__

    def die() -> None:
        (settings.data_dir / DIED).touch()
        os.kill(os.getpid(), signal.SIGKILL)

    async def dying(*_: Any, **__: Any) -> None:
        die()

    def prepared(self: Any, *arguments: Any) -> None:
        began(self, *arguments)
        work = self.steps[fatal]

        async def deadly(reservation: ParkingReservation) -> bool:
            if fatal is Step.RELEASE and not reservation.is_over:
                return bool(await work(reservation))
            if when == "before":
                die()
            if when == "recording":
                self._change = dying
            if when == "middle":
                pytest.MonkeyPatch().setattr(*BEGUN[fatal], dying)
            return bool(await work(reservation))

        self.steps[fatal] = deadly

    pytest.MonkeyPatch().setattr(Drive, "__init__", prepared)


if __name__ == "__main__":
    fatal, moment = sys.argv[1:] or ("", "")
    asyncio.run(main(Step(fatal) if fatal else None, moment))

"""A controller in the street beside the server, a second at a time, and what it showed."""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from citybrain.definitions.signals.junctions import DatedJunction, SignalDefinitions
from citybrain.domain.signals.lamps import Shown
from citybrain.domain.signals.signal_events import milliseconds
from commands.signals.controllers import note_centre
from commands.signals.sharing import SHARDS
from ops.simulators.signals.controller import Controller, Link
from tests.given.api import Api
from tests.given.signals.controlled import Centre

STEP = timedelta(seconds=1)


def dated(centre: Centre, junction: str) -> DatedJunction:
    found = centre.services.definitions.of(SignalDefinitions).at(junction, centre.clock())
    assert found is not None
    return found


@dataclass
class Kerb:
    """One junction's controller, its way to the server, and the lamps that people saw.

    `slow_ms`: how far its clock is behind. `cut`: whether the way is interrupted. `decides`:
    whether the control process runs.
    """

    centre: Centre
    link: Link
    controller: Controller
    slow_ms: int = 0
    cut: bool = False
    decides: bool = True
    seen: list[tuple[int, dict[str, Shown]]] = field(default_factory=list)
    refused: list[dict[str, Any]] = field(default_factory=list)

    @classmethod
    def of(cls, api: Api, centre: Centre, junction: str) -> "Kerb":
        assert api.runtime.development is not None
        name = f"signal:{junction}"
        token = api.runtime.development.token(name, ["gateway"])
        controller = Controller(dated(centre, junction))
        return cls(centre, Link(api.session, api.url, token, [controller]), controller)

    @property
    def own_clock(self) -> int:
        return milliseconds(self.centre.clock()) - self.slow_ms

    async def run(self, seconds: float) -> None:
        """Time passes: the centre decides, the controller hears of it, acts, and says so."""
        for _ in range(round(seconds / STEP.total_seconds())):
            self.centre.clock.now += STEP
            if self.decides:
                await self.centre.run(0)
                await note_centre(self.centre.services.store, range(SHARDS), self.centre.clock())
            if not self.cut:
                await self.link.ask(self.own_clock)
            self.controller.step(self.own_clock)
            self.seen.append((self.own_clock, self.controller.shown(self.own_clock)))
            if not self.cut:
                self.refused += await self.link.tell(self.own_clock)
        await self.centre.hear()

    def green(self) -> list[str]:
        return sorted(code for code, each in self.seen[-1][1].items() if each is Shown.GREEN)

    def unsafe(self) -> list[str]:
        """What must not have been seen, by the file alone: together, too soon, in wrong order."""
        file, found = self.controller.dated.file, []
        greens: dict[str, int] = {}
        before: dict[str, Shown] = {}
        for at, lamps in self.seen:
            for one, other in file.conflicts:
                if lamps[one] is lamps[other] is Shown.GREEN:
                    found.append(f"{one} and {other} at {at}")
            for code, shown in lamps.items():
                was = before.get(code)
                if was is Shown.ENDING and shown is Shown.GREEN:
                    found.append(f"{code} from yellow to green at {at}")
                if was is Shown.GREEN and shown is Shown.RED:
                    found.append(f"{code} from green to red at {at}")
                if was not in (None, Shown.GREEN) and shown is Shown.GREEN:
                    for ending, starting in file.intergreens.items():
                        needed = starting.get(code, 0) * 1000 - 1000
                        if code in starting and at - greens.get(ending, 0) < needed:
                            found.append(f"{code} green too soon after {ending} at {at}")
                if shown is Shown.GREEN:
                    greens[code] = at
            before = lamps
        return found

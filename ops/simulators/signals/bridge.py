"""The bridge between a street and whoever decides: controllers that show what they are told.

The centre may stop answering, and the bridge may be started anew in the middle: controllers go on
by themselves with proper changes, as in a real street, and are taken back through clearances. Here
the centre is in this process; its aggregate, strategies and rules are the real ones.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from citybrain.definitions.signals.sumo_import import PLAN
from citybrain.domain.signals import people
from citybrain.domain.signals.lamps import Lamp, Shown
from citybrain.domain.signals.requesting import SILENT
from citybrain.domain.signals.signal import CENTRE
from citybrain.domain.signals.waking import fall_back
from ops.simulators.signals.cameras import Cameras, Sight
from ops.simulators.signals.controller import Controller
from ops.simulators.signals.driving import Driven, from_ms, letters
from ops.simulators.signals.monitor import Monitor
from ops.simulators.signals.placing import Placed, Plan
from ops.simulators.signals.street import Street

LAMPS = "lamps"
DIFFER_MS = 2000
"""How long what is shown may differ from what was decided before the centre gives up."""


@dataclass(slots=True)
class Centre:
    """Who decides, for one junction. It decides only while what is shown is what it decided."""

    driven: Driven
    _asked_at: int | None = None
    _agreed_at: int = 0

    def exchange(self, at: int, sight: Sight, shown: Mapping[str, Shown]) -> frozenset[str] | None:
        """Which groups are to be green; None while the junction goes on by itself."""
        signal, junction = self.driven.signal, self.driven.junction
        now, agrees = from_ms(at), self.driven.shown(at) == dict(shown)
        before = at if self._asked_at is None else self._asked_at
        self._asked_at, self._agreed_at = at, at if agrees else self._agreed_at
        if signal.mode == CENTRE and at - before >= junction.watchdog_ms:
            fall_back(signal, now, SILENT, "watchdog")
        elif signal.mode == CENTRE and at - self._agreed_at > DIFFER_MS:
            fall_back(signal, now, LAMPS, "bridge")
        elif signal.mode != CENTRE and agrees:
            people.change_mode(signal, now, CENTRE, by="centre", reason="agrees again")
        self.driven.decide(sight)
        if signal.mode != CENTRE:
            return None
        return frozenset(signal.groups)


@dataclass(slots=True)
class Bridge:
    """All junctions of a street: their controllers, cameras and monitors, and the centre."""

    plan: Plan
    centres: Mapping[str, Centre]
    monitors: dict[str, Monitor] = field(default_factory=dict)
    _controllers: dict[str, Controller] = field(default_factory=dict)
    _cameras: dict[str, Cameras] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for each in self.plan.junctions:
            signal = self.centres[each.light].driven.signal
            self.monitors[each.light] = Monitor(each.dated.file)
            self._controllers[each.light] = _running(each, dict(signal.lamps))
            self._cameras[each.light] = Cameras(self.plan.net, each)

    def restart(self, street: Street) -> None:
        """It was away and remembers nothing: it reads off the street what the lamps show."""
        for each in self.plan.junctions:
            lamps = read_off(each, street.shown(each.light), street.now * 1000)
            self._controllers[each.light] = _running(each, lamps)
            self._cameras[each.light] = Cameras(self.plan.net, each)

    def step(self, street: Street, *, answers: bool = True) -> None:
        """One second. `answers`: whether the centre can be reached."""
        at, lights = street.now * 1000, {}
        for each in self.plan.junctions:
            controller = self._controllers[each.light]
            sight = self._cameras[each.light].look(street, at)
            if answers:
                groups = self.centres[each.light].exchange(at, sight, controller.shown(at))
                controller.remote = groups is not None
                controller.target, controller.heard = groups or frozenset(), at
            controller.step(at)
            shown = controller.shown(at)
            self.monitors[each.light].look(street.now, shown)
            lights[each.light] = letters(each, shown)
        street.step(lights)

    @property
    def alone(self) -> dict[str, bool]:
        """By light, whether its controller goes on by itself."""
        return {light: not each.remote for light, each in self._controllers.items()}


def _running(placed: Placed, lamps: dict[str, Lamp]) -> Controller:
    """A controller in the middle of its work."""
    return Controller(placed.dated, lamps, all_red_until=0, plan=PLAN)


def read_off(placed: Placed, state: str, at: int) -> dict[str, Lamp]:
    """The lamps as one who remembers nothing reads them off the street.

    Each colour counts as if it had begun now: every minimum and clearance is kept once more. A
    clearance of people on foot shows red as well, so each red of theirs counts as one.
    """
    lamps = {}
    groups = placed.dated.junction.groups
    for link, letter in zip(placed.links, state.lower(), strict=True):
        if link.group is None:
            continue
        group = groups[link.group]
        ends = group.ending_ms if letter == "y" or group.on_foot else 0
        lamps[link.group] = Lamp(at) if letter == "g" else Lamp(None, at, at + ends)
    return lamps

"""The simulated street fails as the real one does (S33): nobody is left before a lamp for ever."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from citybrain.definitions.signals.sumo_import import NETWORKS_OWN
from citybrain.domain.signals.lamps import Shown
from citybrain.domain.signals.signal_events import ModeChanged
from citybrain.domain.signals.strategies import STRATEGIES
from ops.simulators.signals.bridge import Bridge, Centre
from ops.simulators.signals.cameras import Cameras
from ops.simulators.signals.demand import write_demand
from ops.simulators.signals.driving import Driven, letters
from ops.simulators.signals.monitor import Monitor
from ops.simulators.signals.placing import placed
from ops.simulators.signals.scenarios import prepare
from ops.simulators.signals.street import Handling, Records, Street


@dataclass
class World:
    """A street with its bridge, and which light changed when."""

    street: Street
    bridge: Bridge
    centres: dict[str, Centre]
    alone: dict[int, bool] = field(default_factory=dict)
    states: dict[int, str] = field(default_factory=dict)

    def run(self, until: int, *, answers: bool = True) -> None:
        while self.street.now < until:
            second = self.street.now
            self.bridge.step(self.street, answers=answers)
            self.alone[second] = self.bridge.alone["A"]
            self.states[second] = self.street.shown("A")

    def changes(self, begin: int, end: int) -> int:
        """How often the light at A changed in these seconds."""
        seconds = range(begin + 1, end)
        return sum(self.states[each] != self.states[each - 1] for each in seconds)

    @property
    def wrong(self) -> list[str]:
        return [text for each in self.bridge.monitors.values() for text in each.found]


@contextmanager
def world(folder: Path, strategy: str) -> Iterator[World]:
    scenario = prepare("twin", folder)
    demand = write_demand(scenario, 0, 1.0, folder / "demand.xml")
    records = Records(folder / "trips.xml", folder / "statistics.xml")
    plan = placed(scenario.net, NETWORKS_OWN)
    centres = {each.light: Centre(Driven(each, STRATEGIES[strategy], 0)) for each in plan.junctions}
    with Street(
        scenario, scenario.net, demand.path, records, seed=0, handling=Handling()
    ) as street:
        bridge = Bridge(plan, centres)
        yield World(street, bridge, centres)


def test_s33_the_api_stops_answering_and_comes_back(tmp_path: Path) -> None:
    with world(tmp_path, "max-pressure") as it:
        it.run(60)
        it.run(260, answers=False)
        it.run(420)
    assert not it.alone[68]
    assert it.alone[70]  # the watchdog's ten seconds after the last answer, at 59
    assert it.changes(70, 260) >= 8  # it does not stay as it was left
    assert not it.alone[419]
    assert it.changes(360, 420) >= 2  # and is led again
    assert it.wrong == []
    events = it.centres["A"].driven.events
    modes = [event.mode for event in events if isinstance(event, ModeChanged)]
    assert modes == ["centre", "local", "centre"]


def test_s33_the_bridge_is_started_again_in_mid_run(tmp_path: Path) -> None:
    with world(tmp_path, "max-pressure") as it:
        it.run(97)
        it.bridge.restart(it.street)
        it.run(300)
    assert not it.alone[299]
    assert it.wrong == []


def test_s33_restarted_while_a_light_is_yellow(tmp_path: Path) -> None:
    with world(tmp_path, "max-pressure") as it:
        second = 60
        it.run(second)
        while "y" not in it.street.shown("A"):
            second += 1
            it.run(second)
        it.bridge.restart(it.street)
        it.run(second + 150)
    assert it.wrong == []
    assert not it.alone[second + 149]


def test_controllers_add_nothing_of_their_own(tmp_path: Path) -> None:
    with world(tmp_path, "max-pressure") as it:
        it.run(240)
        bridged = {light: each.driven.events for light, each in it.centres.items()}
    with world(tmp_path, "max-pressure") as it:
        driven = [each.driven for each in it.centres.values()]
        cameras = [Cameras(it.bridge.plan.net, each.placed) for each in driven]
        while it.street.now < 240:
            at = it.street.now * 1000
            for each, camera in zip(driven, cameras, strict=True):
                each.decide(camera.look(it.street, at))
            shown = {each.placed.light: letters(each.placed, each.shown(at)) for each in driven}
            it.street.step(shown)
    assert bridged == {each.placed.light: each.events for each in driven}
    assert min(len(events) for events in bridged.values()) > 20


def test_the_monitor_sees_what_must_never_be_seen(tmp_path: Path) -> None:
    scenario = prepare("twin", tmp_path)
    (junction, _) = placed(scenario.net, NETWORKS_OWN).junctions
    one, other = junction.dated.file.conflicts[0]
    red = dict.fromkeys(junction.dated.junction.groups, Shown.RED)

    def wrong(*shown: dict[str, Shown]) -> list[str]:
        monitor = Monitor(junction.dated.file)
        for second, each in enumerate(shown):
            monitor.look(second, red | each)
        return monitor.found

    green, yellow = {one: Shown.GREEN}, {one: Shown.ENDING}
    assert wrong(*[green] * 6, *[yellow] * 3, {}, {other: Shown.GREEN}) == []
    assert "green together" in wrong(green | {other: Shown.GREEN})[0]
    assert "from green to red" in wrong(*[green] * 6, {})[0]
    assert "yellow to green" in wrong(*[green] * 6, *[yellow] * 3, green)[0]
    assert "2 s of yellow" in wrong(*[green] * 6, *[yellow] * 2, {})[0]
    assert "was green for 2 s" in wrong({}, *[green] * 2, *[yellow] * 3)[0]
    assert f"2 s after {one} ended" in wrong(*[green] * 6, *[yellow] * 2, {other: Shown.GREEN})[-1]

"""A run from its name to its figures, in a process of its own: libsumo holds one simulation.

The same scenario, seed, scale, controller and safety times give the same figures in any process.
"""

import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol

from citybrain.definitions.signals.sumo_import import NETWORKS_OWN, SafetyTimes
from citybrain.definitions.signals.sumo_net import Net
from citybrain.domain.signals.strategies import STRATEGIES
from ops.simulators.signals.baselines import KINDS, with_programs
from ops.simulators.signals.buses import Buses, lines_of, with_lines
from ops.simulators.signals.cameras import Cameras
from ops.simulators.signals.demand import write_demand
from ops.simulators.signals.driving import Driven, letters, side_by_side
from ops.simulators.signals.emergency import Emergencies
from ops.simulators.signals.failures import Failing, Failures
from ops.simulators.signals.losses import Losses
from ops.simulators.signals.measuring import Outcome, outcome
from ops.simulators.signals.placing import Plan, placed
from ops.simulators.signals.scenarios import Scenario, prepare
from ops.simulators.signals.street import BLUE, Handling, Records, Street
from ops.simulators.signals.waits import Waits

LOCAL = "local"
"""The junctions by themselves: each follows its plan, nobody proposes anything."""
DRAIN_SECONDS = 7200
LOCKED_SECONDS = 900


DEFAULT_HANDLING, NONE_FAILS = Handling(), Failing()


@dataclass(frozen=True, slots=True)
class Run:
    """What is run. `drain`: for how long after the window those who are left may go on.

    `window`: the scenario's first so many seconds only; None all of it. `preempt`: whether
    emergency vehicles ask for junctions. `by_time`: whether it is kept what is lost when. `buses`:
    whether those that are late ask for priority.
    """

    scenario: str
    strategy: str
    seed: int = 0
    scale: float = 1.0
    times: SafetyTimes = NETWORKS_OWN
    handling: Handling = DEFAULT_HANDLING
    drain: int = DRAIN_SECONDS
    window: int | None = None
    failing: Failing = NONE_FAILS
    preempt: bool = False
    by_time: bool = False
    buses: bool = False


class Watcher(Protocol):
    """Measures something on the street, second by second."""

    def look(self, street: Street) -> None: ...


class Asking(Protocol):
    """Vehicles that ask junctions for something, second by second; `at` in milliseconds."""

    def look(self, street: Street, at: int) -> None: ...


@dataclass(slots=True)
class Report:
    """What it came to. `locked`: since when nobody arrived any more; None where they did."""

    run: Run
    outcome: Outcome
    ended: int
    locked: int | None
    waits: Waits
    losses: Losses
    emergencies: Emergencies
    buses: Buses
    violations: list[str] = field(default_factory=list)
    events: int = 0
    refusals: int = 0
    seconds: float = 0.0


def perform(run: Run) -> Report:
    """Make a run in this process."""
    began = time.perf_counter()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        scenario = prepare(run.scenario, folder)
        if run.window is not None:
            scenario = replace(scenario, end=scenario.begin + run.window)
        demand = write_demand(scenario, run.seed, run.scale, folder / "demand.rou.xml")
        records = Records(folder / "trips.xml", folder / "statistics.xml")
        plan, shown = placed(scenario.net, run.times), scenario.net
        if run.strategy in KINDS:
            shown = folder / "baseline.net.xml"
            with_programs(scenario.net, run.strategy, run.times, shown)
        with Street(
            scenario,
            shown,
            demand.path,
            records,
            seed=run.seed,
            handling=run.handling,
            additional=scenario.additional,
        ) as street:
            driven = _driven(run, scenario, street, plan)
            waits = Waits.of(plan.net, [each.light for each in plan.junctions])
            losses = Losses(scenario.begin)
            asking = {each.placed.light: each for each in driven if run.preempt}
            emergencies = Emergencies(asking)
            buses = Buses(
                {each.placed.light: each for each in driven if run.buses}, lines_of(scenario.own)
            )
            watchers = (waits, losses) if run.by_time else (waits,)
            locked = _drive(run, scenario, street, plan.net, driven, (emergencies, buses), watchers)
            ended = street.now
        until = ended if locked is None else scenario.end + run.drain
        found = outcome(demand, records, run.handling, ended, until)
    report = Report(run, found, ended, locked, waits, losses, emergencies, buses)
    for each in driven:
        report.violations += [
            f"{each.placed.light} rule {one.rule} at {one.at} {' '.join(one.groups)}: {one.text}"
            for one in each.violations(ended)
        ]
        report.events += len(each.events)
        report.refusals += sum(type(one).__name__ == "WishRefused" for one in each.events)
    report.seconds = time.perf_counter() - began
    return report


def _driven(run: Run, scenario: Scenario, street: Street, plan: Plan) -> list[Driven]:
    """The junctions under the strategy of a run; none under one of the simulator's own."""
    if run.strategy in KINDS:
        return []
    junctions, own = plan.junctions, scenario.own
    if run.buses and own is not None:
        routes = {code: street.route(line.begins, line.to) for code, line in lines_of(own).items()}
        junctions = tuple(with_lines(each, plan.net, routes, own) for each in junctions)
    strategy = None if run.strategy == LOCAL else STRATEGIES[run.strategy]
    return side_by_side(junctions, strategy, scenario.begin)


def _drive(
    run: Run,
    scenario: Scenario,
    street: Street,
    net: Net,
    driven: list[Driven],
    asking: Sequence[Asking],
    watchers: Sequence[Watcher],
) -> int | None:
    """Second by second, until everybody has arrived, time is over, or the streets are locked.

    They are where nobody arrives for a quarter of an hour; the moment from which on is returned.
    """
    cameras = [
        (
            each,
            Cameras(net, each.placed),
            Failures(each.placed, run.failing, run.seed, scenario.begin),
        )
        for each in driven
    ]
    arrived_at, horizon = street.now, scenario.end + run.drain
    while street.now < horizon:
        at = street.now * 1000
        for vehicles in asking:
            vehicles.look(street, at)
        for each, camera, failures in cameras:
            sight = camera.look(street, at)
            each.decide(failures.seen(sight) if run.failing.share else sight)
        street.step({each.placed.light: letters(each.placed, each.shown(at)) for each in driven})
        for watcher in watchers:
            watcher.look(street)
        if street.now >= scenario.end and street.is_empty:
            return None
        if street.arrived or not street.on_the_road:
            arrived_at = street.now
        if street.now - arrived_at >= LOCKED_SECONDS:
            return arrived_at
    return None


def figures(report: Report) -> dict[str, Any]:
    """A run as one row, JSON-able; `delay_s` is absent where it is invalid."""
    trips, on_foot = report.outcome.trips.values(), report.waits.on_foot
    row: dict[str, Any] = {
        "scenario": report.run.scenario,
        "strategy": report.run.strategy,
        "seed": report.run.seed,
        "scale": report.run.scale,
        "failing": str(report.run.failing),
        "preempt": report.run.preempt,
        "buses": report.run.buses,
        "demand": len(report.outcome.trips),
        **report.outcome.counts,
        "invalid": list(report.outcome.invalid),
        "locked_at_s": report.locked,
        "ended_s": report.ended,
        "longest_red_s": report.waits.longest_red,
        "longest_on_foot_s": max(on_foot, default=None),
        "on_foot_s": round(sum(on_foot) / len(on_foot), 2) if on_foot else None,
        "waited_on_foot": len(on_foot),
        "violations": len(report.violations),
        "events": report.events,
        "refusals": report.refusals,
        "wall_s": round(report.seconds, 1),
    }
    if not report.outcome.invalid and trips:
        count = len(trips)
        row |= {
            "delay_s": round(report.outcome.mean_delay, 2),
            **{f"{kind}_delay_s": _rounded(report, kind) for kind in ("bus", "emergency")},
            "travel_s": round(sum(each.travel for each in trips) / count, 2),
            "waiting_s": round(sum(each.waiting for each in trips) / count, 2),
            "stops": round(sum(each.stops for each in trips) / count, 3),
        }
    if report.run.by_time:
        row |= _by_time(report)
    return row


def _by_time(report: Report) -> dict[str, Any]:
    """What the others lost by ten seconds, and of each emergency vehicle what it took, in seconds.

    `emergency_spans`: from the beginning of the run, when it first asked and was through.
    """
    found, begin = report.outcome, report.losses.begin
    others = [each.delay for code, each in found.trips.items() if found.kinds[code] != BLUE]
    return {
        "others_lost": [round(each) for each in report.losses.lost],
        "others_delay_s": round(sum(others) / len(others), 3) if others else None,
        "bus_lines": _lines(report),
        "bus_priorities": report.buses.granted,
        "emergency_trips_s": {
            code: round(each.travel + each.entered_late, 1)
            for code, each in sorted(found.trips.items())
            if found.kinds[code] == BLUE and each.arrived is not None
        },
        "emergency_spans_s": {
            code: [at // 1000 - begin for at in span]
            for code, span in sorted(report.emergencies.spans.items())
        },
    }


def _lines(report: Report) -> dict[str, Any]:
    """Of each bus line its headway, and when its buses entered and arrived, in seconds."""
    trips, found = report.outcome.trips, {}
    for code, line in report.buses.lines.items():
        of = [each for name, each in trips.items() if name.rpartition(".")[0] == code]
        arrived = sorted((each.arrived, each.travel) for each in of if each.arrived is not None)
        found[code] = {
            "headway_s": line.every,
            "entered": sorted(round(at - travel, 1) for at, travel in arrived),
            "arrived": [at for at, _ in arrived],
        }
    return found


def _rounded(report: Report, kind: str) -> float | None:
    delay = report.outcome.mean_delay_of(kind)
    return None if delay is None else round(delay, 2)

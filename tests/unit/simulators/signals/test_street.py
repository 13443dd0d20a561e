"""The street: one way of setting lamps, plans as the simulator runs them, runs that repeat."""

from pathlib import Path
from typing import Any

import libsumo
import pytest

from ops.bench.signals.campaign import carried_out
from ops.simulators.signals.demand import write_demand
from ops.simulators.signals.runs import Run, figures, perform
from ops.simulators.signals.scenarios import prepare
from ops.simulators.signals.street import Handling, LightsDiffer, Records, Street

SECONDS = 120


def street(folder: Path) -> Street:
    scenario = prepare("twin", folder)
    demand = write_demand(scenario, 0, 1.0, folder / "demand.xml")
    records = Records(folder / "trips.xml", folder / "statistics.xml")
    return Street(scenario, scenario.net, demand.path, records, seed=0, handling=Handling())


def without_time(row: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name not in ("wall_s", "times")}


def test_s34_what_the_simulator_shows_otherwise_stops_the_run(tmp_path: Path) -> None:
    with street(tmp_path) as running:
        red = "r" * len(running.shown("A"))
        running.step({"A": red})
        assert running.shown("A") == red
        libsumo.trafficlight.setProgram("A", "0")  # somebody else takes the wheel
        with pytest.raises(LightsDiffer, match="light A"):
            running.step({"A": red})


def test_junctions_by_themselves_show_what_the_simulators_own_program_shows() -> None:
    ours = figures(perform(Run("twin", "local", window=SECONDS)))
    its = figures(perform(Run("twin", "sumo-static", window=SECONDS)))
    alike = ("delay_s", "travel_s", "waiting_s", "stops", "ended_s")
    assert {name: ours[name] for name in alike} == {name: its[name] for name in alike}
    assert ours["violations"] == 0


def test_a_run_repeats_exactly_in_any_process() -> None:
    run = Run("twin", "fixed", seed=1, window=SECONDS)
    (there,) = carried_out([run], 1, lambda done, of: None)
    assert without_time(there) == without_time(figures(perform(run)))


def test_streets_shorter_than_a_car_are_not_taken_for_full() -> None:
    row = figures(perform(Run("close", "adaptive", window=240)))
    assert row["locked_at_s"] is None
    assert row["delay_s"] < 20  # 30 to 60 where they are, as long as the plan takes
    assert row["violations"] == 0

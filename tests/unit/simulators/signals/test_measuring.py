"""What a run cost: over all demand, and nothing where the simulator helped (S31, S32)."""

from pathlib import Path

import pytest

from ops.simulators.signals.demand import Demand, write_demand
from ops.simulators.signals.measuring import Outcome, RunInvalid, outcome
from ops.simulators.signals.runs import Run, figures, perform
from ops.simulators.signals.scenarios import ScenarioUnknown, prepare
from ops.simulators.signals.street import Handling, Records

ROWS = (
    '<tripinfo id="1" depart="105" departDelay="5" arrival="305" duration="200" timeLoss="20"'
    ' waitingTime="9" waitingCount="1"/>'
    '<tripinfo id="2" depart="2900" departDelay="100" arrival="-1" duration="700" timeLoss="60"'
    ' waitingTime="30" waitingCount="2"/>'
)


def written(folder: Path, rows: str, teleports: int = 0) -> Records:
    """Records as the simulator writes them."""
    records = Records(folder / "trips.xml", folder / "statistics.xml")
    records.trips.write_text(f"<tripinfos>{rows}</tripinfos>")
    records.statistics.write_text(f'<statistics><teleports total="{teleports}"/></statistics>')
    return records


def three_cars(folder: Path, handling: Handling | None = None, teleports: int = 0) -> Outcome:
    """One has arrived, one is on the road, one wanted to depart at 3000 and never entered."""
    demand = Demand(folder / "demand.xml", {"1": 100.0, "2": 2800.0, "3": 3000.0})
    records = written(folder, ROWS, teleports)
    return outcome(demand, records, handling or Handling(), ended=3600, until=3600)


def test_s31_three_cars_three_averages(tmp_path: Path) -> None:
    found = three_cars(tmp_path)
    assert round(found.mean_delay, 2) == 261.67
    assert found.counts == {"arrived": 1, "on_the_road": 1, "never_entered": 1}


def test_s31_the_simulator_may_say_itself_who_never_entered(tmp_path: Path) -> None:
    row = (
        '<tripinfo id="3" depart="-1" departDelay="600" arrival="-1" duration="0" timeLoss="0"'
        ' waitingTime="0" waitingCount="0"/>'
    )
    demand = Demand(tmp_path / "demand.xml", {"1": 100.0, "2": 2800.0, "3": 3000.0})
    found = outcome(demand, written(tmp_path, ROWS + row), Handling(), ended=3600, until=3600)
    assert round(found.mean_delay, 2) == 261.67
    assert found.counts["never_entered"] == 1


def test_where_the_streets_are_locked_all_who_are_left_stand_to_the_end(tmp_path: Path) -> None:
    demand = Demand(tmp_path / "demand.xml", {"1": 100.0, "2": 2800.0, "3": 3000.0})
    found = outcome(demand, written(tmp_path, ROWS), Handling(), ended=3600, until=4600)
    assert found.mean_delay == (25 + 1160 + 1600) / 3


@pytest.mark.parametrize(
    ("handling", "teleports"),
    [
        (Handling(teleport_s=300), 0),
        (Handling(blocker_s=60), 0),
        (Handling(collisions="remove"), 0),
        (Handling(collisions="teleport"), 0),
        (Handling(), 4),
    ],
)
def test_s32_there_is_no_mean_where_cars_vanish(
    tmp_path: Path, handling: Handling, teleports: int
) -> None:
    with pytest.raises(RunInvalid):
        _ = three_cars(tmp_path, handling, teleports).mean_delay


def test_s32_a_run_with_teleporting_is_marked_and_has_no_mean() -> None:
    row = figures(perform(Run("twin", "local", window=60, handling=Handling(teleport_s=300))))
    assert row["invalid"] == ["vehicles are taken off the street after 300 s"]
    assert "delay_s" not in row


def test_demand_depends_on_scenario_seed_and_scale_alone(tmp_path: Path) -> None:
    scenario = prepare("twin", tmp_path)
    one = write_demand(scenario, 3, 1.0, tmp_path / "one.xml")
    same = write_demand(scenario, 3, 1.0, tmp_path / "same.xml")
    other = write_demand(scenario, 4, 1.0, tmp_path / "other.xml")
    more = write_demand(scenario, 3, 1.6, tmp_path / "more.xml")
    assert one.path.read_bytes() == same.path.read_bytes()
    assert one.departs != other.departs
    assert 1.4 < len(more.departs) / len(one.departs) < 1.8


def test_in_a_town_people_walk_from_border_to_border_and_wait_at_its_crossings(
    tmp_path: Path,
) -> None:
    scenario = prepare("square", tmp_path)
    demand = write_demand(scenario, 0, 1.0, tmp_path / "demand.xml")
    walks = demand.path.read_text().count("<walk ")
    assert scenario.own is not None
    assert 0.8 < walks / (scenario.own.on_foot * scenario.own.seconds / 3600) < 1.2
    assert len(demand.departs) > 800, "people are no vehicles"
    row = figures(perform(Run("square", "local", window=60, drain=120)))
    assert row["waited_on_foot"] > 0
    assert 0 < row["on_foot_s"] <= row["longest_on_foot_s"] <= 180


def test_a_scenario_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ScenarioUnknown, match="nowhere"):
        prepare("nowhere", tmp_path)

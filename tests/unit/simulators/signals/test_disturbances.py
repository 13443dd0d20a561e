"""Cameras that fail and ambulances that ask: what the junctions are told of it."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from citybrain.definitions.signals.sumo_import import NETWORKS_OWN
from citybrain.domain.signals.signal_events import PreemptionEnded, PreemptionGranted
from citybrain.domain.signals.strategies.strategy import ExitSeen, LaneSeen, Observations
from ops.simulators.signals.cameras import Sight
from ops.simulators.signals.demand import write_demand
from ops.simulators.signals.driving import Driven, letters
from ops.simulators.signals.emergency import Emergencies
from ops.simulators.signals.failures import Failing, Failure, Failures
from ops.simulators.signals.placing import Placed, placed
from ops.simulators.signals.runs import Run, figures, perform
from ops.simulators.signals.scenarios import prepare
from ops.simulators.signals.street import Handling, Records, Street


@pytest.fixture
def junction(tmp_path: Path) -> Placed:
    return placed(prepare("twin", tmp_path).net, NETWORKS_OWN).junctions[0]


def seen_at(junction: Placed, second: int, how: Failure, share: float = 1.0) -> Sight:
    """What is seen of a junction with one vehicle on each lane."""
    layout = junction.dated.junction.layout
    lanes = {code: LaneSeen(((20.0, 9.0),)) for code in layout.lanes}
    exits = {code: ExitSeen(10.0) for code in layout.exits}
    crossed = dict.fromkeys(layout.movements, 1)
    observations = Observations(second * 1000, lanes, exits, crossed)
    failures = Failures(junction, Failing(share, how), 0, 0)
    return failures.seen(Sight(observations, frozenset()))


@pytest.mark.parametrize(
    ("how", "known_after"), [(Failure.SILENT, 60), (Failure.STUCK, 300), (Failure.CHATTER, 120)]
)
def test_a_camera_that_fails_is_believed_until_that_is_known(
    junction: Placed, how: Failure, known_after: int
) -> None:
    before, after = (seen_at(junction, at, how) for at in (known_after - 1, known_after))
    assert all(each.trusted for each in before.observations.lanes.values())
    assert not any(each.trusted for each in after.observations.lanes.values())
    assert before.observations.crossed == after.observations.crossed == {}
    told = {each.room for each in before.observations.exits.values()}
    assert (told == {None}) is (how is Failure.SILENT), "what it says is believed, if it says it"
    assert {each.room for each in after.observations.exits.values()} == {None}
    assert after.waiting == junction.dated.junction.groups.keys()  # nobody is forgotten
    assert bool(before.waiting) is (how is not Failure.SILENT)


def test_some_cameras_fail_and_the_others_do_not(junction: Placed) -> None:
    lanes = seen_at(junction, 500, Failure.SILENT, 0.5).observations.lanes.values()
    assert {each.trusted for each in lanes} == {True, False}


def test_with_all_cameras_gone_the_plan_serves_everybody() -> None:
    run = Run("twin", "max-pressure", window=180, failing=Failing(1.0, Failure.SILENT))
    row = figures(perform(run))
    assert (row["violations"], row["on_the_road"], row["never_entered"]) == (0, 0, 0)
    assert row["failing"] == "100% silent"


@contextmanager
def with_ambulances(folder: Path) -> Iterator[tuple[Street, list[Driven]]]:
    scenario = prepare("arterial", folder)
    demand = write_demand(scenario, 0, 1.0, folder / "demand.xml")
    text = demand.path.read_text().replace('type="bus"', 'type="emergency"')  # sooner than 420 s
    demand.path.write_text(text)
    records = Records(folder / "trips.xml", folder / "statistics.xml")
    plan = placed(scenario.net, NETWORKS_OWN)
    driven = [Driven(each, None, 0) for each in plan.junctions]
    with Street(
        scenario, scenario.net, demand.path, records, seed=0, handling=Handling()
    ) as street:
        yield street, driven


def test_an_ambulance_asks_when_it_is_near_and_says_when_it_has_passed(tmp_path: Path) -> None:
    with with_ambulances(tmp_path) as (street, driven):
        emergencies = Emergencies({each.placed.light: each for each in driven})
        while street.now < 200:
            at = street.now * 1000
            emergencies.look(street, at)
            for each in driven:
                each.decide(Sight(Observations(at), frozenset()))
            street.step(
                {each.placed.light: letters(each.placed, each.shown(at)) for each in driven}
            )
    first = driven[0].events
    assert any(isinstance(each, PreemptionGranted) for each in first)
    ended = [each.reason for each in first if isinstance(each, PreemptionEnded)]
    assert ended == ["passed"]
    assert [found for each in driven for found in each.violations(200)] == []

"""The measuring mode and the server decide the same of the same observations, change by change."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from citybrain.definitions.signals.sumo_import import NETWORKS_OWN
from citybrain.definitions.signals.writing import write_junction
from citybrain.domain.signals.signal_events import moment
from citybrain.settings import Settings
from ops.simulators.signals.demand import write_demand
from ops.simulators.signals.placing import Plan, placed
from ops.simulators.signals.scenarios import Scenario, prepare
from ops.simulators.signals.street import Handling, Records, Street
from tests.given.api import Api
from tests.given.signals.controlled import Centre
from tests.given.signals.through_api import EARLIEST_MS, ThroughTheApi, in_process
from tests.given.storm import STORM

SECONDS = 120 if STORM == 1 else 3600


@pytest.fixture
def with_workers() -> bool:
    return False  # the test says when the control process looks


@pytest.fixture
def scenario(tmp_path: Path) -> Scenario:
    return prepare("twin", tmp_path)


@pytest.fixture
def plan(scenario: Scenario) -> Plan:
    return placed(scenario.net, NETWORKS_OWN)


@pytest.fixture
def change_settings(tmp_path: Path, plan: Plan) -> Callable[[Settings], None]:
    for each in plan.junctions:
        write_junction(tmp_path / "city", each.dated.file, ())

    def change(settings: Settings) -> None:
        settings.definitions_dir = tmp_path / "city"

    return change


@contextmanager
def street(scenario: Scenario, folder: Path) -> Iterator[Street]:
    demand = write_demand(scenario, 0, 1.0, folder / "demand.xml")
    records = Records(folder / "trips.xml", folder / "statistics.xml")
    with Street(
        scenario, scenario.net, demand.path, records, seed=0, handling=Handling()
    ) as running:
        yield running


@pytest.mark.storm
@pytest.mark.parametrize("strategy", ["adaptive", "max-pressure"] if STORM > 1 else ["adaptive"])
async def test_the_measuring_mode_decides_as_the_server_does(
    api: Api, scenario: Scenario, plan: Plan, tmp_path: Path, strategy: str
) -> None:
    with street(scenario, tmp_path) as running:
        measured = in_process(plan, running, strategy, SECONDS)
    centre = await Centre.of(api.runtime.services, moment(EARLIEST_MS))
    with street(scenario, tmp_path) as running:
        through = ThroughTheApi(api, centre, plan)
        await through.begin(strategy, running.now)
        await through.run(running, SECONDS)
    found = await through.decisions()
    assert found == measured
    assert all(len(each) > SECONDS // 60 for each in found.values())

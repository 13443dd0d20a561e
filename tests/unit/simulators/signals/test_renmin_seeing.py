"""What the detectors of Renmin Road say: of their zones, and no more."""

from pathlib import Path

import pytest

from citybrain.definitions.signals.sumo_net import read_net
from citybrain.domain.signals.strategies.strategy import ExitSeen, LaneSeen, Observations
from commands.signals.observation_items import Moments, code_of, read_item
from ops.simulators.signals.cameras import Sight
from ops.simulators.signals.placing import Placed
from ops.simulators.signals.renmin.network import build
from ops.simulators.signals.renmin.placing import defined, place
from ops.simulators.signals.renmin.seeing import PRESSED_AGAIN_MS, Detectors, zones

AT = 1_790_000_000_000


@pytest.fixture(scope="module")
def placed(tmp_path_factory: pytest.TempPathFactory) -> Placed:
    path: Path = build(defined(), tmp_path_factory.mktemp("renmin"))
    return place(read_net(path), defined())[0]


def sight(placed: Placed, at: int = AT, *, waiting: frozenset[str] = frozenset()) -> Sight:
    layout = placed.dated.junction.layout
    lanes = {code: LaneSeen() for code in layout.lanes}
    lanes["W1"] = LaneSeen(((3.0, 0.0), (99.0, 8.0), (101.0, 14.0)))
    exits = {code: ExitSeen(7.5) for code in layout.exits}
    seen = Observations(at, lanes, exits, {"WR": 1, "WT1": 2, "NT": 4}, {"WL": 1500})
    return Sight(seen, waiting)


def test_a_camera_tells_of_its_own_lane_within_its_zone(placed: Placed) -> None:
    said = {each["detector"]: each for each in Detectors(placed).items(sight(placed), AT)}
    assert said["CW1"]["vehicles"] == [(3.0, 0.0), (99.0, 8.0)]
    assert said["CW1"]["crossed"] == {"WR": 1, "WT1": 2}
    assert (said["CW1"]["count"], said["CW1"]["in_box"]) == (3, {})
    assert said["CW3"]["in_box"] == {"WL": 1500}
    assert said["CXN1"]["room"] == 7.5
    cameras = {code for code, each in said.items() if "room" in each or "vehicles" in each}
    assert cameras == {code for code in placed.dated.junction.layout.detectors if code[0] == "C"}


def test_each_item_is_one_that_the_server_reads(placed: Placed) -> None:
    items = Detectors(placed).items(sight(placed, waiting=frozenset({"P1"})), AT)
    wire = [{**each, "vehicles": [list(v) for v in each.get("vehicles", ())]} for each in items]
    read = [read_item(each, Moments()) for each in wire]
    assert {each.at for each in read} == {AT}
    assert {code_of(each, "junction") for each in wire} == {"renmin_1"}


def test_who_waits_presses_now_and_then_and_lets_go(placed: Placed) -> None:
    detectors, found = Detectors(placed), []
    for second in range(PRESSED_AGAIN_MS // 1000 + 2):
        at = AT + 1000 * second
        items = detectors.items(sight(placed, at, waiting=frozenset({"P1"})), at)
        found += [(second, each["occupied"]) for each in items if each["detector"] == "B1"]
        assert not any(each["detector"] == "B2" for each in items)
    assert found == [(0, True), (1, False), (5, True), (6, False)]


def test_no_camera_sees_further_than_its_definition_says(placed: Placed) -> None:
    found = zones(placed)
    assert (found["W1"], found["W3"], found["N2"], found["XE1"]) == (100, 80, 60, 80)
    assert found.keys() == placed.lanes.keys() | placed.exits.keys()

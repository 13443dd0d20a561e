"""Renmin Road in the simulator: each lane, movement, crossing and lamp of its definitions."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from citybrain.definitions.signals.junctions import DatedJunction
from citybrain.definitions.signals.sumo_net import Net, read_net
from citybrain.domain.signals.layout import DetectorKind
from commands.signals.buses import BusRequest
from ops.simulators.signals.placing import Placed
from ops.simulators.signals.renmin.buses import Buses
from ops.simulators.signals.renmin.demand import write
from ops.simulators.signals.renmin.network import build
from ops.simulators.signals.renmin.placing import defined, place
from ops.simulators.signals.scenarios import Scenario
from ops.simulators.signals.street import Handling, Records, Street

Pair = tuple[DatedJunction, Placed]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(defined(), tmp_path_factory.mktemp("renmin"))


@pytest.fixture(scope="module")
def net(built: Path) -> Net:
    return read_net(built)


@pytest.fixture(scope="module")
def pairs(net: Net) -> list[Pair]:
    return list(zip(defined(), place(net, defined()), strict=True))


def test_each_lane_is_there_as_long_as_it_is_said(net: Net, pairs: list[Pair]) -> None:
    for dated, placed in pairs:
        assert placed.lanes.keys() == dated.junction.layout.lanes.keys()
        for code, lane in dated.junction.layout.lanes.items():
            parts = [net.lanes[each] for each, _ in placed.lanes[code]]
            length = sum(each.length for each in parts)
            assert length == pytest.approx(lane.length_m, abs=0.5), f"{placed.light} {code}"
            assert {each.speed for each in parts} == {lane.speed_m_per_s}


def test_each_exit_leads_to_the_lane_that_it_names(net: Net, pairs: list[Pair]) -> None:
    by_code = {placed.light: placed for _, placed in pairs}
    for dated, placed in pairs:
        assert placed.exits.keys() == dated.junction.layout.exits.keys()
        for code, way_out in dated.junction.layout.exits.items():
            sumo = placed.exits[code][0][0]
            length = net.lanes[sumo].length
            if way_out.leads_to is not None:
                junction, lane = way_out.leads_to
                (near, _), (behind, _) = by_code[junction].lanes[lane]
                assert behind == sumo
                length += net.lanes[near].length
            assert length == pytest.approx(way_out.length_m, abs=0.5)


def test_each_movement_is_a_connection_and_each_lamp_has_a_group(pairs: list[Pair]) -> None:
    for dated, placed in pairs:
        assert placed.ways.keys() == dated.junction.layout.movements.keys()
        groups = [each.group for each in placed.links]
        assert len(groups) == len(placed.ways) + sum(map(len, placed.crossings.values()))
        assert set(groups) == set(dated.junction.groups)
        assert not any(each.free or each.on_red for each in placed.links)


def test_a_bus_asks_for_each_junction_and_says_when_it_has_passed(built: Path) -> None:
    flows = write(built.parent / "few.rou.xml", scale=0.2)
    nowhere = Path(os.devnull)
    buses, said = Buses(), list[dict[str, Any]]()
    scenario, records = Scenario("renmin", built, 0, 0), Records(nowhere, nowhere)
    with Street(scenario, built, flows, records, seed=1, handling=Handling()) as street:
        while street.now < 420:
            said += buses.drive(street, street.now * 1000)
            street.step({})
    first = [each for each in said if each["request"] == "bus-east.0"]
    asked = dict.fromkeys((each["junction"], each["line"]) for each in first)
    assert list(asked) == [(each.junction.code, "renmin_east") for each in defined()]
    passed = [each["junction"] for each in first if each.get("passed")]
    assert passed == [junction for junction, _ in asked]
    assert all(BusRequest.model_validate(each) for each in said)
    late = [each["late_s"] for each in first if "late_s" in each]
    assert -60 < min(late) <= max(late) < 120, "it knows its stops and its timetable"


def test_people_cross_the_arms_that_the_definition_says(net: Net, pairs: list[Pair]) -> None:
    for dated, placed in pairs:
        x, y = _middle(net, list(placed.ways.values()))
        for group, bearings in dated.file.crossings.items():
            found = set()
            for edge in placed.crossings[group]:
                east, north = _middle(net, [(f"{edge}_0",)])
                if abs(east - x) > abs(north - y):
                    found.add(90 if east > x else 270)
                else:
                    found.add(0 if north > y else 180)
            assert found == set(bearings)


def _middle(net: Net, lanes: list[tuple[str, ...]]) -> tuple[float, float]:
    points = [point for of in lanes for lane in of for point in net.lanes[lane].shape]
    x, y = (sum(each) / len(points) for each in zip(*points, strict=True))
    return x, y


def test_who_yields_on_the_street_does_so_in_the_definition(pairs: list[Pair]) -> None:
    for dated, placed in pairs:
        junction, yielding = dated.junction, dict[str, set[str]]()
        for one, other in _green_together(placed):
            yielding.setdefault(one, set()).add(other)
        said = {
            (placed_group(placed, code), placed_group(placed, other))
            for code, each in junction.layout.movements.items()
            for other in each.yields_to
        }
        on_foot = {(one, other) for one in yielding for other in yielding[one] if other[0] == "P"}
        assert said == {("V2", "V2")}
        assert on_foot == {("V1", "P1"), ("V2", "P2")}  # who turns right lets people cross
        assert {(one, other) for one in yielding for other in yielding[one]} == said | on_foot


def placed_group(placed: Placed, movement: str) -> str | None:
    return placed.dated.junction.layout.movements[movement].group


def _green_together(placed: Placed) -> Iterator[tuple[str, str]]:
    """Groups that may be green together, though on a link of the first one yields to the other."""
    stages = placed.dated.junction.stages.values()
    for link in placed.links:
        for other in link.first:
            one, there = link.group, placed.links[other].group
            if one and there and any({one, there} <= stage for stage in stages):
                yield one, there


def test_each_zone_of_a_camera_lies_on_the_street(net: Net, pairs: list[Pair]) -> None:
    for dated, placed in pairs:
        for detector in dated.junction.layout.detectors.values():
            if detector.kind is DetectorKind.BUTTON:
                assert detector.group in placed.crossings
                continue
            assert detector.lane is not None
            parts = placed.lanes.get(detector.lane) or placed.exits[detector.lane]
            assert detector.to_m <= sum(net.lanes[each].length for each, _ in parts)

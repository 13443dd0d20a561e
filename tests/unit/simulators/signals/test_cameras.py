"""What cameras see of a street: who crossed a stop line, and who is on the way to one."""

from dataclasses import dataclass, field
from typing import cast

import pytest

from citybrain.definitions.signals.sumo_import import NETWORKS_OWN
from ops.simulators.signals.cameras import Cameras
from ops.simulators.signals.placing import Plan, placed
from ops.simulators.signals.scenarios import prepare
from ops.simulators.signals.street import Seen, Street


@pytest.fixture(scope="module")
def side(tmp_path_factory: pytest.TempPathFactory) -> Plan:
    """Three junctions along a road; the last has lanes of 3 m before a stop line."""
    return placed(prepare("side", tmp_path_factory.mktemp("side")).net, NETWORKS_OWN)


@dataclass
class Still:
    """A street on which vehicles are where they are put: by vehicle, lane and metres before its
    end."""

    plan: Plan
    there: dict[str, tuple[str, float]] = field(default_factory=dict)

    def lane(self, lane: str) -> tuple[Seen, ...]:
        length = self.plan.net.lanes[lane].length
        return tuple(
            Seen(vehicle, length - before, 10.0)
            for vehicle, (on, before) in self.there.items()
            if on == lane
        )

    def lane_of(self, vehicle: str) -> str | None:
        found = self.there.get(vehicle)
        return None if found is None else found[0]

    def waiting_at(self, crossings: frozenset[str]) -> dict[str, str]:
        return {}


def test_who_drives_over_a_stub_within_a_second_has_crossed(side: Plan) -> None:
    junction = next(each for each in side.junctions if each.light == "C")
    street, cameras = Still(side), Cameras(side.net, junction)

    def crossed(second: int, there: dict[str, tuple[str, float]]) -> dict[str, int]:
        street.there = there
        found = cameras.look(cast(Street, street), second * 1000).observations.crossed
        return dict(found)

    (box,) = (each for each in junction.ways["E1T"][:1])
    lane, metres = junction.lanes["E_2"][1]
    assert lane == "E_G_0"
    assert metres == pytest.approx(15.04)
    assert crossed(0, {"a": ("E_G_0", 20.0), "b": ("G_C_0", 1.0)}) == {}
    assert crossed(1, {"a": (":G_0_0", 6.0), "b": (box, 8.0)}) == {"E1T": 1}
    assert crossed(2, {"a": (box, 10.0), "b": (junction.leaves["E1T"], 50.0)}) == {"E1T": 1}
    assert crossed(3, {"a": (box, 1.0)}) == {}, "each crosses once"


def test_who_leaves_a_junction_is_not_expected_back(side: Plan) -> None:
    """North of C a lane of 12 m leads on, and around to the next stop line as well."""
    layout = next(each for each in side.junctions if each.light == "C").dated.junction.layout
    assert layout.exits["XN1"].leads_to is None
    assert layout.lanes["E1"].upstream == ("E_1", "E_2", "E_3")
    behind = {each.lanes[code][-1][0] for each in side.junctions for code in each.lanes}
    assert "C_F_0" not in behind

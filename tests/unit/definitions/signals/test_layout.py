"""Lanes, exits, movements and detectors of a junction's file: what fits, and what is refused."""

from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from citybrain.definitions.loading import Definitions, Files
from citybrain.definitions.signals.junctions import load_signals
from citybrain.definitions.yaml_file import DefinitionError
from citybrain.domain.signals.layout import DetectorKind, Layout, Turn
from tests.given.signals.x1 import X1, ZERO, loaded, written

Change = Callable[[dict[str, Any]], None]

STREETS: dict[str, Any] = {
    "lanes": {
        "N1": {"length": 120.5, "speed": 13.9},
        "N2": {"length": 8, "speed": 13.9, "upstream": ["N3"]},
        "N3": {"length": 90, "speed": 13.9},
        "S1": {"length": 120, "speed": 13.9},
        "E1": {"length": 120, "speed": 13.9},
    },
    "exits": {
        "XN": {"length": 200},
        "XS": {"length": 200, "leads_to": ["x1", "N1"]},
        "XE": {"length": 200},
    },
    "movements": {
        "NT": {"lane": "N1", "exit": "XS", "turn": "through", "group": "V1"},
        "NL": {"lane": "N2", "exit": "XE", "turn": "left", "group": "L1"},
        "ST": {"lane": "S1", "exit": "XN", "turn": "through", "group": "V1"},
        "ET": {"lane": "E1", "exit": "XN", "turn": "right", "group": "V2"},
        "EL": {"lane": "E1", "exit": "XS", "turn": "left", "group": "V2"},
        "SR": {"lane": "S1", "exit": "XE", "turn": "right"},
    },
    "detectors": {
        "C1": {"kind": "camera", "device": "cam-1", "lane": "N1", "zone": [0, 100]},
        "D3": {"kind": "loop", "device": "x1-loops", "lane": "N3", "zone": [40, 42]},
        "CX": {"kind": "camera", "device": "cam-1", "lane": "XS", "zone": [0, 80]},
        "B1": {"kind": "button", "device": "x1-buttons", "group": "P1"},
    },
}


def streets(change: Change = lambda said: None) -> dict[str, Any]:
    said = deepcopy({**X1, **STREETS})
    change(said)
    return said


def refused(folder: Path, change: Change) -> list[str]:
    """What is said of a file, without its path."""
    path = written(folder, streets(change))
    with pytest.raises(DefinitionError) as error:
        load_signals(Files(folder), Definitions())
    found = str(error.value).splitlines()
    assert all(each.startswith(f"{path}:") for each in found)
    return [each.removeprefix(f"{path}:") for each in found]


def test_the_streets_of_a_junction_are_read(tmp_path: Path) -> None:
    layout = loaded(tmp_path, streets()).junction.layout
    assert layout.lanes["N1"].length_m == 120.5
    assert layout.exits["XS"].leads_to == ("x1", "N1")
    assert layout.movements["NL"].turn is Turn.LEFT
    assert layout.movements["SR"].group is None
    assert layout.detectors["D3"].kind is DetectorKind.LOOP
    assert (layout.detectors["D3"].from_m, layout.detectors["D3"].to_m) == (40, 42)
    assert layout.detectors["D3"].longest_presence_ms == 300_000
    assert [each.code for each in layout.of_lane("E1")] == ["ET", "EL"]
    assert [each.code for each in layout.of_group("V1")] == ["NT", "ST"]


def test_s25_a_lane_behind_two_short_ones_is_seen_once_and_shared(tmp_path: Path) -> None:
    def two_stubs(said: dict[str, Any]) -> None:
        said["lanes"]["N1"] = {"length": 0.92, "speed": 13.9, "upstream": ["N3"]}
        del said["detectors"]["C1"]

    layout = loaded(tmp_path, streets(two_stubs)).junction.layout
    assert layout.lanes_seen(["N1", "N2"]) == ("N1", "N3", "N2")
    assert [each.code for each in layout.reached_from("N3")] == ["NT", "NL"]


def test_how_far_a_lane_behind_a_short_one_is_from_the_stop_line(tmp_path: Path) -> None:
    """As the file says; where it does not, nothing lies between."""
    unsaid = loaded(tmp_path, streets()).junction
    assert unsaid.layout.lanes["N3"].to_stop_line_m == 8
    assert unsaid.layout.lanes["N2"].to_stop_line_m == 0
    said = loaded(tmp_path, streets(sets("to_stop_line", to={"N3": 19.5}))).junction
    assert said.layout.lanes["N3"].to_stop_line_m == 19.5
    assert unsaid.version != said.version


def test_a_file_that_says_nothing_of_streets_keeps_its_version(tmp_path: Path) -> None:
    found = loaded(tmp_path)
    assert found.junction.layout == Layout()
    assert found.junction.version == "2026-01-01+2d599e32"


def test_the_junctions_along_a_road_are_linked_both_ways() -> None:
    found = load_signals(Files(), Definitions())
    for here in (f"renmin_{place}" for place in range(1, 5)):
        dated = found.at(here, ZERO)
        assert dated is not None
        for exit_ in dated.junction.layout.exits.values():
            if exit_.leads_to is None:
                continue
            there = found.at(exit_.leads_to[0], ZERO)
            assert there is not None
            back = [each.leads_to for each in there.junction.layout.exits.values()]
            assert here in {each[0] for each in back if each is not None}
            assert there.junction.layout.lanes[exit_.leads_to[1]].length_m == exit_.length_m


def sets(*path: str, to: Any) -> Change:
    """A change of one value."""

    def change(said: dict[str, Any]) -> None:
        for each in path[:-1]:
            said = said[each]
        said[path[-1]] = to

    return change


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (sets("movements", "NT", "lane", to="N9"), "there is no lane 'N9'"),
        (sets("movements", "NT", "exit", to="X9"), "there is no exit 'X9'"),
        (sets("movements", "NT", "group", to="V9"), "there is no group 'V9'"),
        (sets("movements", "NT", "yields_to", to=["Q"]), "there is no movement 'Q'"),
        (sets("lanes", "N2", "upstream", to=["N9"]), "there is no lane 'N9'"),
        (sets("lanes", "N2", "upstream", to=["N2"]), "N2 does not lie behind itself"),
        (sets("lanes", "N2", "upstream", to=["N3", "N3"]), "each is seen once (S25)"),
        (sets("detectors", "C1", "lane", to="N9"), "there is no lane or exit 'N9'"),
        (sets("detectors", "B1", "group", to="P9"), "there is no group 'P9'"),
        (sets("exits", "XS", "leads_to", to=["x2", "N1"]), "there is no junction 'x2'"),
        (sets("exits", "XS", "leads_to", to=["x1", "N9"]), "junction x1 has no lane 'N9'"),
        (sets("exits", "N1", to={"length": 5}), "N1 is a lane and an exit"),
        (sets("exits", "X5", to={"length": 5}), "no movement leads to exit X5"),
        (sets("lanes", "N5", to={"length": 5, "speed": 9.0}), "no movement begins on lane N5"),
        (sets("movements", "NT", "group", to="P1"), "P1 is a group of people on foot"),
        (sets("movements", "NL", "group", to="V1"), "no movement has group L1"),
        (sets("stages", to={"A": ["V1"], "C": ["V2"]}), "no stage serves movement NL: one with L1"),
        (
            sets("movements", "NZ", to=STREETS["movements"]["NT"]),
            "NZ goes from N1 to XS, as NT does",
        ),
        (
            sets("movements", "NL", "lane", to="N1"),
            "no stage has all groups of lane N1 green together, L1, V1",
        ),
        (sets("movements", "NT", "yields_to", to=["NT"]), "NT does not yield to itself"),
        (
            sets("movements", "NL", "on_red", to=True),
            "NL turns left: only a right turn goes on red",
        ),
        (
            sets("permissive", to=[{"turn": "L1", "against": "V1"}]),
            "no movement of L1 `yields_to` one of V1",
        ),
        (sets("detectors", "C1", "zone", to=[0, 121]), "reaches 121 m, N1 is 120.5 m long"),
        (sets("detectors", "C1", "zone", to=[5, 5]), "the zone of C1 ends at 5 m, before it"),
        (sets("detectors", "C1", "zone", to=None), "camera C1 needs its `lane` and its `zone`"),
        (sets("detectors", "C1", "group", to="P1"), "only a button has a group"),
        (sets("detectors", "B1", "group", to="V1"), "button B1 needs the `group` of people"),
        (sets("detectors", "B1", "lane", to="N1"), "button B1 has no lane and no zone"),
        (sets("to_stop_line", to={"N1": 5.0}), "there is no lane behind a short one 'N1'"),
        (sets("crossings", to={"V1": [90]}), "V1 is no group of people on foot"),
        (sets("lanes", "N1", "lamps", to=3), "Extra inputs are not permitted"),
    ],
)
def test_what_is_wrong_is_named_with_its_line(tmp_path: Path, change: Change, message: str) -> None:
    assert any(message in each for each in refused(tmp_path, change))


def test_a_turn_through_those_who_are_green_is_said_twice(tmp_path: Path) -> None:
    def permissive(said: dict[str, Any]) -> None:
        said["conflicts"].remove(["V1", "L1"])
        del said["intergreens"]["V1"]["L1"], said["intergreens"]["L1"]["V1"]
        said["stages"] = {"A": ["V1", "L1"], "B": ["P1", "V1"], "C": ["V2", "P2"]}
        said["plans"]["day"]["splits"] = [
            {"stage": "B", "seconds": 42},
            {"stage": "A", "seconds": 18},
            {"stage": "C", "seconds": 30},
        ]
        said["movements"]["NL"]["yields_to"] = ["ST"]

    (said,) = refused(tmp_path, permissive)
    assert "NL turns left through ST, both are green: say so in `permissive`" in said

"""The simulator's own controllers run under the same safety times as ours."""

import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from citybrain.definitions.signals.sumo_import import NETWORKS_OWN, SafetyTimes
from ops.simulators.signals.baselines import with_programs

LEFT_GOES_ON = (
    ("GGgrr", 29),
    ("yygrr", 5),
    ("rrGrr", 8),
    ("rryrr", 5),
    ("rrrGG", 38),
    ("rrryy", 5),
)
"""Two straight links and a left turn that goes on alone, then the other street: 90 s."""


def phases(folder: Path, controller: str, times: SafetyTimes) -> list[tuple[str, float]]:
    rows = "".join(f'<phase duration="{each}" state="{state}"/>' for state, each in LEFT_GOES_ON)
    net, to = folder / "net.xml", folder / "out.xml"
    net.write_text(f'<net><tlLogic id="a" type="static">{rows}</tlLogic></net>')
    with_programs(net, controller, times, to)
    found = ET.parse(to).getroot().iter("phase")
    return [(each.get("state", ""), float(each.get("duration", "0"))) for each in found]


def test_with_the_networks_own_times_its_plan_is_as_it_was(tmp_path: Path) -> None:
    assert phases(tmp_path, "sumo-static", NETWORKS_OWN) == list(LEFT_GOES_ON)


def test_what_a_yellow_needs_less_goes_to_the_green_before_it(tmp_path: Path) -> None:
    found = phases(tmp_path, "sumo-static", SafetyTimes(5.0, 3.0, "network"))
    assert found == [
        ("GGgrr", 31),
        ("yygrr", 3),
        ("rrGrr", 10),
        ("rryrr", 3),
        ("rrrGG", 40),
        ("rrryy", 3),
    ]


def test_all_red_stands_where_somebody_becomes_green(tmp_path: Path) -> None:
    found = phases(tmp_path, "sumo-static", SafetyTimes(5.0, None, 2.0))
    assert found == [
        ("GGgrr", 29),
        ("yygrr", 5),
        ("rrGrr", 6),
        ("rryrr", 5),
        ("rrrrr", 2),
        ("rrrGG", 36),
        ("rrryy", 5),
        ("rrrrr", 2),
    ]


@pytest.mark.parametrize("controller", ["sumo-actuated", "sumo-delay"])
def test_adaptive_ones_keep_the_minimum_green(tmp_path: Path, controller: str) -> None:
    phases(tmp_path, controller, SafetyTimes(7.0, None, 2.0))
    root = ET.parse(tmp_path / "out.xml").getroot()
    greens = [each for each in root.iter("phase") if each.get("minDur")]
    assert [each.get("minDur") for each in greens] == ["7", "7", "7"]
    assert [each.get("state") for each in greens] == ["GGgrr", "rrGrr", "rrrGG"]

"""The picture of a junction: its lanes, its movements by group, its stages, and a plan."""

from datetime import UTC, datetime
from math import hypot
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from citybrain.audit.signals.junction_drawing import draw_junction
from citybrain.audit.signals.sketch import LANE, Sketch, sketch
from citybrain.definitions.loading import Definitions, Files
from citybrain.definitions.signals.junctions import DatedJunction, dated, load_signals
from citybrain.definitions.signals.sumo_import import import_net
from tests.given.signals.nets import CROSSING
from tests.given.signals.x1 import loaded

SVG = "{http://www.w3.org/2000/svg}"


def ours() -> DatedJunction:
    found = load_signals(Files(), Definitions()).at("renmin_1", datetime(2026, 9, 1, tzinfo=UTC))
    assert found is not None
    return found


def titles(picture: str) -> list[str]:
    return [each.text or "" for each in ET.fromstring(picture).iter(f"{SVG}title")]


def on_paper(found: DatedJunction) -> Sketch:
    sketched = sketch(found.file)
    assert sketched is not None
    return sketched


def test_every_movement_is_drawn_and_again_in_each_stage_that_serves_it() -> None:
    found = ours()
    said = titles(draw_junction(found, "day"))
    for code, movement in found.file.movements.items():
        stages = sum(movement.group in groups for groups in found.file.stages.values())
        assert sum(each.startswith(f"{code}:") for each in said) == 1 + stages
    assert "NL: N2 to XE2, left, group V2, yields to ST" in said
    assert any(each.startswith("V1 green 0–22 s") for each in said)


def test_a_turn_is_dashed_only_in_stages_in_which_it_yields() -> None:
    junctions = import_net(CROSSING)
    drawing = ET.fromstring(draw_junction(dated(junctions["c"].file), "day"))
    paths = [
        (path.get("stroke-dasharray"), path.get("stroke-width"))
        for path in drawing.iter(f"{SVG}path")
        if (title := path.find(f"{SVG}title")) is not None and (title.text or "").startswith("W2L:")
    ]
    in_stages = [dashed is not None for dashed, width in paths if width == "5"]
    stages = [
        {"ET", "ER"} & set(groups)
        for groups in junctions["c"].file.stages.values()
        if "WL" in groups
    ]
    assert in_stages == [bool(each) for each in stages]
    assert {True, False} == set(in_stages)


def test_drivers_keep_to_the_right() -> None:
    """Who comes from the north drives on the west side, the lane at the kerb furthest out."""
    sketched = on_paper(ours())
    (north,) = [arm for arm in sketched.arms if "N1" in arm.lanes]
    (kerb, aside), (_, inner) = sketched.lane("N1"), sketched.lane("N2")
    assert kerb.at(100, aside)[0] < kerb.at(100, inner)[0] < 0 < north.at(100, -LANE)[0]
    arm, out = sketched.exit("XN1")
    assert arm is north
    assert north.at(100, out)[0] > 0


def test_lanes_and_exits_of_one_street_are_one_arm_across_north() -> None:
    imported = import_net(CROSSING)["c"].file
    turned = imported.model_copy(
        update={
            "lanes": {
                code: lane.model_copy(update={"bearing": 355.0}) if code in ("N1", "N2") else lane
                for code, lane in imported.lanes.items()
            }
        }
    )
    arms = on_paper(dated(turned)).arms
    assert len(arms) == 4
    (north,) = [arm for arm in arms if "N1" in arm.lanes]
    assert north.exits == ("XN1",)
    assert north.bearing == pytest.approx(356.7, abs=0.1)


def test_no_two_arms_lie_on_one_another() -> None:
    for each in import_net(CROSSING).values():
        sketched = on_paper(dated(each.file))
        stops = [
            arm.at(sketched.box, sketched.lane(code)[1])
            for arm in sketched.arms
            for code in arm.lanes
        ]
        for place, (x, y) in enumerate(stops):
            assert all(hypot(x - a, y - b) >= LANE * 0.99 for a, b in stops[place + 1 :])


def test_people_cross_the_arms_that_the_file_says() -> None:
    picture = draw_junction(ours(), "day")
    texts = [each.text for each in ET.fromstring(picture).iter(f"{SVG}text")]
    assert texts.count("P1") == 2 + 1  # at both arms, and as a row of the plan


def test_a_junction_without_lanes_is_drawn_by_its_plan_alone(tmp_path: Path) -> None:
    found = loaded(tmp_path)
    assert sketch(found.file) is None
    assert "V1 green 0–22 s" in titles(draw_junction(found, "day"))

"""The streets before a junction as a strategy has them: how long they are, and how far is seen."""

from dataclasses import replace
from pathlib import Path

import pytest

from citybrain.domain.signals.junction import Junction
from citybrain.domain.signals.layout import Detector, DetectorKind, Lane
from citybrain.domain.signals.strategies.approaches import Approach, approaches
from tests.given.signals.advised import with_streets
from tests.given.signals.x1 import Street, loaded

SEEN_M = 150.0


def main(folder: Path, *behind: Lane) -> Approach:
    """Lane `main` of X1, 20 m long, with these lanes behind it; cameras see 100 m of each."""
    junction: Junction = with_streets(Street(loaded(folder))).junction
    lanes = {
        **junction.layout.lanes,
        "main": Lane("main", 20.0, 10.0, tuple(each.code for each in behind)),
        **{each.code: each for each in behind},
    }
    cameras = {
        code: Detector(code, DetectorKind.CAMERA, "cam", lane=code, to_m=min(100.0, lane.length_m))
        for code, lane in lanes.items()
    }
    layout = replace(junction.layout, lanes=lanes, detectors=cameras)
    found = approaches(replace(junction, layout=layout), SEEN_M).lanes
    return next(each for each in found if each.lane == "main")


def test_streets_beside_one_another_are_no_longer_than_the_longest_of_them(tmp_path: Path) -> None:
    one, other = Lane("one", 90.0, 10.0, (), 28.0), Lane("other", 40.0, 10.0, (), 25.0)
    found = main(tmp_path, one, other)
    assert found.length_m == 118.0
    assert found.way_m(("other",)) == 65.0
    assert found.way_m(("one", "other")) == 118.0
    assert not found.one_street
    behind = main(tmp_path, one, Lane("far", 60.0, 10.0, (), 125.0))
    assert (behind.length_m, behind.one_street) == (185.0, True)


@pytest.mark.parametrize(
    ("behind", "seen"),
    [
        ((), 20.0),
        ((Lane("one", 40.0, 10.0, (), 28.0),), 68.0),
        ((Lane("one", 90.0, 10.0, (), 28.0), Lane("two", 300.0, 10.0, (), 125.0)), SEEN_M),
    ],
)
def test_who_comes_is_seen_through_short_lanes(
    tmp_path: Path, behind: tuple[Lane, ...], seen: float
) -> None:
    assert main(tmp_path, *behind).seen_m == seen

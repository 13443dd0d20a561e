"""What a process makes of what detectors say: the street as a strategy sees it."""

from dataclasses import replace
from pathlib import Path

from citybrain.domain.signals.layout import Detector, DetectorKind, Lane
from citybrain.domain.signals.observation import Reading
from commands.signals.seen import SeenJunction
from tests.given.signals.advised import with_streets
from tests.given.signals.x1 import Street, loaded

AT = 1_790_000_000_000


def test_s25_who_is_behind_a_short_lane_is_seen_as_far_from_the_stop_line_as_he_is(
    tmp_path: Path,
) -> None:
    """A camera says how far from the end of its lane."""
    junction = with_streets(Street(loaded(tmp_path))).junction
    lanes = {
        **junction.layout.lanes,
        "main": Lane("main", 4.0, 13.9, ("behind",)),
        "behind": Lane("behind", 120.0, 13.9, (), 15.5),
    }
    cameras = {
        code: Detector(code, DetectorKind.CAMERA, "cam", lane=code, to_m=lanes[code].length_m)
        for code in ("main", "behind")
    }
    junction = replace(junction, layout=replace(junction.layout, lanes=lanes, detectors=cameras))
    seen = SeenJunction(junction, AT)
    seen.detectors["main"].take(Reading(AT, 1000, vehicles=((1.5, 0.0),)))
    seen.detectors["behind"].take(Reading(AT, 1000, vehicles=((2.0, 0.0), (80.0, 9.0))))
    found = seen.latest(AT).lanes
    assert found["main"].vehicles == ((1.5, 0.0),)
    assert found["behind"].vehicles == ((17.5, 0.0), (95.5, 9.0))

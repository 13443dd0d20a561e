"""Distances on the sphere."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from citybrain.geo.distance import degrees_around, metres_between

ROUNDING = 1e-6  # of a radius

latitudes = st.floats(-80, 80)


def test_known_distances_of_a_sphere() -> None:
    assert metres_between(0, 0, 0, 180) == pytest.approx(20_015_087, rel=1e-6)
    assert metres_between(0, 0, 1, 0) == pytest.approx(111_195, rel=1e-6)
    assert metres_between(60, 10, 60, 11) == pytest.approx(111_195 / 2, rel=1e-4)


@given(latitudes, st.floats(-170, 170), st.floats(-1, 1), st.floats(-1, 1), st.floats(1, 5000))
def test_whoever_is_near_enough_lies_in_the_box_around(
    latitude: float, longitude: float, up: float, right: float, radius_m: float
) -> None:
    north, east = degrees_around(latitude, radius_m)
    more_north, more_east = 2 * up * north, 2 * right * east
    if metres_between(latitude, longitude, latitude + more_north, longitude + more_east) > radius_m:
        return
    assert abs(more_north) <= north * (1 + ROUNDING)
    assert abs(more_east) <= east * (1 + ROUNDING)


@given(latitudes, st.floats(-179, 179), latitudes, st.floats(-179, 179))
def test_there_is_as_far_as_back(
    latitude: float, longitude: float, other_latitude: float, other_longitude: float
) -> None:
    there = metres_between(latitude, longitude, other_latitude, other_longitude)
    back = metres_between(other_latitude, other_longitude, latitude, longitude)
    assert there == pytest.approx(back, abs=1e-6)
    assert metres_between(latitude, longitude, latitude, longitude) == 0

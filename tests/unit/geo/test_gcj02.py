"""GCJ-02 and back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from citybrain.geo.distance import metres_between
from citybrain.geo.gcj02 import Crs, from_wgs84, gcj02_to_wgs84, to_wgs84, wgs84_to_gcj02


def test_a_known_place_is_shifted_as_maps_show_it() -> None:
    """The Gate of Heavenly Peace, on a satellite picture and on a map."""
    latitude, longitude = wgs84_to_gcj02(39.90734, 116.39108)
    assert metres_between(latitude, longitude, 39.90874, 116.39732) < 2


@given(st.floats(18, 53), st.floats(74, 135))
def test_there_and_back_again_differs_by_less_than_a_hundredth_of_a_millimetre(
    latitude: float, longitude: float
) -> None:
    shifted = wgs84_to_gcj02(latitude, longitude)
    assert 10 < metres_between(latitude, longitude, *shifted) < 1500
    back = gcj02_to_wgs84(*shifted)
    assert metres_between(latitude, longitude, *back) < 1e-5
    assert back == pytest.approx((latitude, longitude), abs=1e-9, rel=0)
    assert to_wgs84(*from_wgs84(latitude, longitude, Crs.GCJ02), Crs.GCJ02) == back


@pytest.mark.parametrize("place", [(51.5, 0.1), (-33.9, 151.2), (40.7, -74.0)])
def test_outside_of_china_nothing_is_shifted(place: tuple[float, float]) -> None:
    assert wgs84_to_gcj02(*place) == place == gcj02_to_wgs84(*place)
    assert from_wgs84(*place, Crs.GCJ02) == to_wgs84(*place, Crs.GCJ02) == place


def test_who_speaks_wgs84_is_left_alone() -> None:
    assert from_wgs84(34.7, 113.6, Crs.WGS84) == to_wgs84(34.7, 113.6, Crs.WGS84) == (34.7, 113.6)

"""The soak tells a heap that goes on growing from one whose caches are full."""

import random

import pytest

from ops.bench.soak import Seen, slope_of
from ops.bench.workbench import BenchFailed


def test_caches_that_fill_and_then_hold_are_no_slope() -> None:
    chance = random.Random(17)
    seen = [
        Seen(at, 200 + min(at, 100_000) / 2000 + chance.gauss(0, 0.3))
        for at in range(0, 400_000, 2_000)
    ]
    slope = slope_of(seen)
    assert slope.is_zero
    assert abs(slope.mb) < 0.5


def test_what_keeps_two_hundred_bytes_of_each_command_is_found() -> None:
    chance = random.Random(17)
    seen = [Seen(at, 200 + at * 2e-4 + chance.gauss(0, 0.3)) for at in range(0, 400_000, 2_000)]
    slope = slope_of(seen)
    assert slope.mb == pytest.approx(20, rel=0.05)
    assert not slope.is_zero


@pytest.mark.parametrize("seen", [[], [Seen(0, 200.0), Seen(10, 200.0)], [Seen(5, 200.0)] * 9])
def test_too_little_to_tell_is_said(seen: list[Seen]) -> None:
    with pytest.raises(BenchFailed):
        slope_of(seen)

"""Green waves: how wide a band is, on a circle."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from citybrain.domain.signals.corridor import arcs, widest_band
from citybrain.domain.signals.plans import Served, greens
from tests.given.signals.x1 import loaded

CYCLE = 90_000
Greens = list[tuple[int, int]]


@pytest.mark.parametrize(("offset", "width"), [(30, 30), (40, 30), (50, 20), (85, 0)])
def test_s29_a_green_wave_is_counted(offset: int, width: int) -> None:
    """J1 and J2, 450 m apart, 15 m/s; J1 green [0, 40), J2 [offset, offset + 30)."""
    first = arcs([(0, 40_000)], CYCLE)
    second = arcs([(offset * 1000, (offset + 30) * 1000)], CYCLE)
    band = widest_band([first, second], [0, 450 * 1000 // 15], CYCLE)
    assert band.width == width * 1000


def test_a_band_crosses_the_end_of_the_cycle() -> None:
    first, second = arcs([(80_000, 100_000)], CYCLE), arcs([(5_000, 30_000)], CYCLE)
    band = widest_band([first, second], [0, 15_000], CYCLE)
    assert (band.begin, band.width) == (80_000, 20_000)


def test_of_two_greens_in_a_cycle_the_wider_band_is_taken() -> None:
    first = arcs([(0, 10_000), (40_000, 60_000)], CYCLE)
    band = widest_band([first, arcs([(0, CYCLE)], CYCLE)], [0, 7_000], CYCLE)
    assert (band.begin, band.width) == (40_000, 20_000)


def test_where_all_is_green_the_band_is_the_cycle() -> None:
    assert widest_band([arcs([(5, CYCLE + 5)], CYCLE)] * 3, [0, 1, 2], CYCLE).width == CYCLE


second_greens = st.lists(
    st.tuples(st.integers(0, 59), st.integers(1, 40)).map(lambda each: (each[0], sum(each))),
    max_size=3,
)


@given(st.lists(st.tuples(second_greens, st.integers(0, 200)), min_size=1, max_size=4))
def test_the_band_is_what_a_count_of_every_second_finds(roads: list[tuple[Greens, int]]) -> None:
    cycle = 60

    def is_green(green: Greens, at: int) -> bool:
        return any((at - begin) % cycle < min(end - begin, cycle) for begin, end in green)

    through = [all(is_green(green, at + later) for green, later in roads) for at in range(cycle)]
    longest = run = 0
    for each in through * 2:
        run = run + 1 if each else 0
        longest = max(longest, min(run, cycle))
    band = widest_band([arcs(green, cycle) for green, _ in roads], [x for _, x in roads], cycle)
    assert band.width == longest
    assert all(through[(band.begin + step) % cycle] for step in range(band.width))


def test_the_greens_of_a_plan_are_what_its_lamps_show(tmp_path: Path) -> None:
    """A is green at 0, B at 42, C at 60; V1 ends 20 s before B, since P1 has to clear."""
    found = loaded(tmp_path)
    shown = greens(found.junction, found.plans["day"])
    assert shown["V1"] == (Served(0, 22_000, 25_000),)
    assert shown["P1"] == (Served(-8_000, 22_000, 42_000),)  # V2 has cleared before P2 has
    assert shown["L1"] == (Served(42_000, 55_000, 58_000),)
    assert shown["P2"] == (Served(60_000, 76_000, 90_000),)

"""How even headways are: coefficient of variation and excess waiting time."""

from typing import Any

import pytest

from ops.bench.signals.bus_table import bus_priorities, regularity


def test_even_headways_have_no_excess() -> None:
    found = regularity([(300, [0, 300, 600, 900]), (300, [150, 450, 750])])
    assert (found.variation, found.excess) == (0.0, 0.0)


def test_who_comes_by_chance_comes_more_often_in_a_wide_gap() -> None:
    found = regularity([(300, [0, 100, 600])])
    assert found.variation == pytest.approx(200 / 300)
    assert found.excess == pytest.approx((100**2 + 500**2) / (2 * 600) - 150)


def row(buses: bool, arrived: list[float]) -> dict[str, Any]:
    return {
        "scenario": "arterial",
        "scale": 1.0,
        "failing": "",
        "strategy": "fixed",
        "seed": 0,
        "preempt": False,
        "buses": buses,
        "others_delay_s": 21.0 if buses else 20.0,
        "bus_delay_s": 50.0,
        "bus_priorities": 3,
        "bus_lines": {"m1": {"headway_s": 300, "entered": [0, 280, 600], "arrived": arrived}},
    }


def test_runs_are_held_against_those_of_the_same_seed() -> None:
    (found,) = bus_priorities([row(False, [200, 400, 800]), row(True, [200, 500, 800])])
    assert found.without.variation == pytest.approx(1 / 3)
    assert (found.with_it.variation, found.granted, found.cost) == (0.0, 3, 1.0)
    assert bus_priorities([row(True, [200, 500, 800])]) == []

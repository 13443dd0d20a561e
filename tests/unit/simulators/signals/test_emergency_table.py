"""What pre-emption gained and cost: pairs of runs of the same seed."""

from typing import Any

import pytest

from ops.bench.signals.emergency import priorities, recovery


def row(preempt: bool, seed: int = 0, **said: Any) -> dict[str, Any]:
    """A run as the bench prints it, as far as the table reads it."""
    found = {
        "scenario": "arterial",
        "scale": 1.0,
        "failing": "",
        "strategy": "fixed",
        "seed": seed,
        "preempt": preempt,
        "buses": False,
        "others_delay_s": 20.0,
        "others_lost": [100] * 60,
        "emergency_trips_s": {"one": 100.0},
        "emergency_spans_s": {},
    }
    return found | said


def disturbed(seed: int = 0) -> dict[str, Any]:
    """One vehicle passes between 100 s and 150 s; then others lose more for ten minutes' fifth."""
    lost = [100] * 10 + [110] * 6 + [130] * 6 + [100] * 38
    spans = {"one": [100, 150]}
    return row(
        True, seed, others_lost=lost, emergency_spans_s=spans, emergency_trips_s={"one": 70.0}
    )


def test_cost_is_of_all_others_for_each_vehicle() -> None:
    (found,) = priorities([row(False), row(False, 1), disturbed(), disturbed(1)])
    assert (found.seeds, found.vehicles) == (2, 2)
    assert (found.without, found.with_it) == (100.0, 70.0)
    assert (found.cost, found.error) == (6 * 10 + 6 * 30, 0.0)


def test_others_have_recovered_when_they_lose_no_more_than_without() -> None:
    assert recovery([(row(False), disturbed())]) == 60.0
    assert recovery([(disturbed(), disturbed())]) == 0.0
    never = disturbed() | {"others_lost": [100] * 10 + [101] * 50}
    assert recovery([(row(False), never)]) is None


def test_what_comes_after_the_next_vehicle_is_not_counted_for_the_first() -> None:
    spans = {"one": [100, 150], "two": [260, 300]}
    lost = [100] * 16 + [100] * 10 + [900] * 5 + [100] * 29
    found = disturbed() | {"others_lost": lost, "emergency_spans_s": spans}
    assert recovery([(row(False), found)]) == 0.0


@pytest.mark.parametrize("missing", [True, False])
def test_a_run_without_its_pair_or_without_such_vehicles_is_no_row(missing: bool) -> None:
    rows = [disturbed()] if missing else [row(False, emergency_trips_s={}), disturbed()]
    assert priorities(rows) == []

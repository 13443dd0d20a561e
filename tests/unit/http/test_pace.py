"""How fast connections of one address may come: a burst, then so many a second, each by itself."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from citybrain.http.connections import Pace


def admitted(pace: Pace, whose: str, times: list[float]) -> int:
    return sum(pace.admits(whose, now) for now in times)


def test_at_once_and_then_by_and_by() -> None:
    pace = Pace(per_second=10, at_once=5)
    assert admitted(pace, "rude", [100.0] * 1000) == 5
    assert admitted(pace, "honest", [100.0] * 5) == 5, "whom nobody else's haste concerns"
    assert admitted(pace, "rude", [100.0 + n / 1000 for n in range(1, 1001)]) == 10
    assert admitted(pace, "rude", [200.0] * 1000) == 5


def test_what_is_refused_costs_nothing_later() -> None:
    pace = Pace(per_second=1, at_once=1)
    assert [pace.admits("x", now) for now in (0.0, 0.1, 0.2, 0.9, 1.0, 1.1)] == [
        *(True, False, False, False),
        *(True, False),
    ]


def test_nobody_is_remembered_who_has_all_of_theirs() -> None:
    pace = Pace(per_second=10, at_once=5)
    for number in range(1000):
        pace.admits(str(number), 0.0)
    pace.admits("0", 0.0)
    pace.forget(0.15)
    assert len(pace) == 1
    pace.forget(0.25)
    assert len(pace) == 0


@given(st.lists(st.floats(0, 10), min_size=1, max_size=200), st.integers(1, 20))
def test_never_more_than_burst_and_rate_allow(gaps: list[float], at_once: int) -> None:
    pace, now, came = Pace(per_second=3, at_once=at_once), 0.0, 0
    for gap in gaps:
        now += gap
        came += pace.admits("x", now)
    assert came <= at_once + 3 * (now - gaps[0]) + 0.01


@pytest.mark.parametrize("per_second", [0.001, 1e9])
def test_slow_and_fast(per_second: float) -> None:
    assert admitted(Pace(per_second, 3), "x", [5.0] * 3) == 3

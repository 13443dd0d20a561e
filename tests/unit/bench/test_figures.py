"""The arithmetic of measurements."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ops.bench.figures import Sample, combined, percentile, sample
from ops.bench.tally import WARM_UP_SECONDS, Tally


@given(st.lists(st.floats(0, 1e6), min_size=1), st.floats(0, 100))
def test_a_percentile_is_one_of_the_values(values: list[float], percent: float) -> None:
    ascending = sorted(values)
    assert percentile(ascending, percent) in ascending
    assert percentile(ascending, 0) == ascending[0]
    assert percentile(ascending, 100) == ascending[-1]


def test_percentiles_are_of_nearest_rank() -> None:
    hundred = [float(value) for value in range(1, 101)]
    assert percentile(hundred, 50) == 50
    assert percentile(hundred, 99) == 99
    assert percentile([1.0, 2.0, 3.0], 99) == 3.0


def test_no_values_have_no_percentile() -> None:
    with pytest.raises(ValueError, match="no values"):
        percentile([], 50)


def test_a_sample_holds_rate_and_latencies() -> None:
    measured = sample(300, 1.5, [0.003, 0.001, 0.002])
    assert measured == Sample(200, p50_ms=2.0, p99_ms=3.0)
    assert sample(300, 1.5) == Sample(200)
    with pytest.raises(ValueError, match="time"):
        sample(300, 0)


def test_rounds_combine_to_medians_and_the_highest_memory() -> None:
    rounds = [Sample(10, 5, 50, 100), Sample(1000, 7, 70, 300), Sample(20, 6, 60, 200)]
    assert combined(rounds) == Sample(20, 6, 60, 300)
    assert combined([Sample(10), Sample(30)]) == Sample(20)
    computed = [Sample(1, cpu_us=each, db_cpu_us=10 * each) for each in (1.0, 5.0, 2.0)]
    assert combined(computed) == Sample(1, cpu_us=2.0, db_cpu_us=20.0)
    with pytest.raises(ValueError, match="no rounds"):
        combined([])


def test_only_what_arrives_inside_the_window_makes_the_rate() -> None:
    now = time.perf_counter()
    warming = Tally(10, began=now)
    warming.note(now, 5)
    open_now = Tally(10, began=now - WARM_UP_SECONDS - 1)
    open_now.note(now, 7)
    closed = Tally(0.1, began=now - WARM_UP_SECONDS - 1)
    closed.note(now, 9)
    assert [tally.counted for tally in (warming, open_now, closed)] == [0, 7, 0]
    assert [tally.acknowledged for tally in (warming, open_now, closed)] == [5, 7, 9]
    assert open_now.running()
    assert not closed.running()


def test_tallies_of_clients_are_joined() -> None:
    now = time.perf_counter()
    one = Tally(10, began=now - 1)
    other = Tally(10, began=now - 1)
    one.note(now, 1)
    other.note(now, 2)
    one.join(other)
    assert (one.acknowledged, one.counted, len(one.latencies)) == (3, 3, 2)
    assert one.sample().rate == pytest.approx(0.3)

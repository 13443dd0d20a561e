"""So much is refused of a caller, and so much is kept of callers."""

import pytest

from citybrain.http import refusals
from citybrain.http.refusals import Refusals


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The time, in seconds."""
    now = [100.0]
    monkeypatch.setattr("citybrain.http.refusals.time.monotonic", lambda: now[0])
    return now


def test_a_callers_refusals_come_back_with_time_and_are_theirs_alone(clock: list[float]) -> None:
    counted = Refusals(per_second=2, burst=4)
    assert [counted.take("a", 1) for _ in range(5)] == [1, 1, 1, 1, 0]
    assert counted.wait("a") == 1
    assert counted.take("b", 9) == 4, "a body is paid for as far as there is something"
    clock[0] += 0.75
    assert counted.take("a", 9) == 1.5
    clock[0] += 3600
    assert counted.take("a", 9) == 4, "nobody saves up"


def test_of_endless_callers_the_last_ones_are_remembered(
    clock: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(refusals, "CALLERS", 3)
    counted = Refusals(per_second=1, burst=1)
    for caller in "abcd":
        counted.take(caller, 1)
    assert list(counted._left) == ["b", "c", "d"]
    assert counted.take("d", 1) == 0

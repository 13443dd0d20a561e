"""What a mean delay is called, and how it follows from a queue."""

import pytest

from citybrain.domain.signals.level_of_service import level_of_service, mean_delay_s


@pytest.mark.parametrize(
    ("delay", "level"),
    [(0, "A"), (10, "A"), (10.1, "B"), (20, "B"), (35, "C"), (55, "D"), (80, "E"), (80.1, "F")],
)
def test_the_levels_end_where_the_manual_says(delay: float, level: str) -> None:
    assert level_of_service(delay) == level


def test_the_delay_follows_from_the_queue_by_littles_law() -> None:
    """Ten stand for 20 s each in five minutes: 200 s of standing, 2/3 of a vehicle on average."""
    assert mean_delay_s(200 / 300, 10, 300) == pytest.approx(20)
    assert mean_delay_s(3.0, 0, 300) is None  # nobody passed: nobody knows how long they stand

"""What is usual: quartiles of several weeks, and nothing where too few are known."""

import pytest

from citybrain.http.platform.usual import quartiles


def test_quartiles_are_of_all_that_was_found_in_the_half_hours() -> None:
    weeks = [[{"open": value}] for value in (1, 2, 3, 4, 5, 6)]
    found = quartiles("open", weeks)
    assert found is not None
    assert (found.low, found.middle, found.high) == (1.75, 3.5, 5.25)


@pytest.mark.parametrize(
    "weeks",
    [
        [],
        [[{"open": 1}], [{"open": 2}], [], [], [], []],
        [[{"open": 1}], [{"open": 2}], [{"open": None}], [], [], []],
        [[{"open": 1}, {"open": 2}, {"open": 3}], [], [], [], [], []],
    ],
)
def test_less_than_three_weeks_are_no_number(weeks: list[list[dict[str, float | None]]]) -> None:
    assert quartiles("open", weeks) is None

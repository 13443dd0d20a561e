"""A board has seen an event with the first message of its position or of a later one."""

import pytest

from ops.bench.boards_client import LIVE, Viewer
from ops.bench.http_client import UnexpectedAnswer


def test_marks_are_timed_by_the_first_message_that_has_them() -> None:
    viewer = Viewer(LIVE, positions=[0, 4, 9], times=[1.0, 2.0, 3.0])
    marks = [(3, 1.5), (4, 1.9), (5, 2.25), (9, 3.5)]  # the last was told of before the answer came
    assert viewer.delays(marks) == pytest.approx([0.5, 0.1, 0.75, 0.0])


def test_a_board_that_was_never_told_is_no_figure() -> None:
    with pytest.raises(UnexpectedAnswer):
        Viewer(LIVE, positions=[4], times=[1.0]).delays([(5, 0.5)])

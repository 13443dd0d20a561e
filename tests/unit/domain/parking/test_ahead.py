"""When a price changes next is found to the minute, and where it does not nothing is."""

from datetime import UTC, datetime, timedelta

import pytest

from citybrain.domain.parking.ahead import steps_ahead

BEGIN = datetime(2026, 9, 14, 2, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def ladder(at: datetime) -> int:
    """Four yuan for the first hour, then one for each that has begun."""
    minutes = (at - BEGIN) // MINUTE
    return 400 + 100 * max(0, -(-(minutes - 60) // 60))


@pytest.mark.parametrize("begun", [0, 1, 58, 60, 61, 119, 120])
def test_the_next_steps_are_where_the_ladder_has_them(begun: int) -> None:
    now = BEGIN + begun * MINUTE
    found = list(steps_ahead(ladder, now, now + timedelta(hours=6), 3))
    assert len(found) == 3
    for (at, fen), before in zip(found, [ladder(now), *(fen for _, fen in found)], strict=False):
        assert (ladder(at - MINUTE), ladder(at), fen) == (before, fen, fen)


def test_what_costs_no_more_has_no_step() -> None:
    assert list(steps_ahead(lambda at: 500, BEGIN, BEGIN + timedelta(hours=6), 3)) == []
    assert list(steps_ahead(ladder, BEGIN, BEGIN, 3)) == []

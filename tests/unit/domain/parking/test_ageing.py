"""How old debts are: half-open buckets, and the same answer whenever it is asked."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from citybrain.domain.parking.ageing import bucket_of, buckets

SHANGHAI = timezone(timedelta(hours=8))
DUE = datetime(2026, 9, 1, 12, tzinfo=SHANGHAI)


EDGES = tuple(timedelta(days=days) for days in (1, 7, 30))


def named(at: datetime, edges: tuple[timedelta, ...] = EDGES) -> str | None:
    found = bucket_of(DUE, at, edges)
    return None if found is None else found.name


@pytest.mark.parametrize(
    ("month", "day", "time", "name"),
    [
        (9, 2, (11, 59, 59), "0-1"),
        (9, 2, (12, 0, 0), "1-7"),
        (9, 8, (12, 0, 0), "7-30"),
        (10, 1, (12, 0, 0), "30+"),
        (9, 1, (12, 0, 0), "0-1"),
        (9, 8, (11, 59, 59), "1-7"),
        (10, 1, (11, 59, 59), "7-30"),
    ],
)
def test_p43_ageing_at_the_edges(
    month: int, day: int, time: tuple[int, int, int], name: str
) -> None:
    at = datetime(2026, month, day, *time, tzinfo=SHANGHAI)
    assert named(at) == name
    assert named(at.astimezone(UTC)) == name


def test_a_debt_that_is_not_due_has_no_age() -> None:
    assert named(DUE - timedelta(microseconds=1)) is None


@given(st.timedeltas(min_value=timedelta(0), max_value=timedelta(days=400)))
def test_every_debt_is_in_exactly_one_bucket(age: timedelta) -> None:
    found = [
        bucket
        for bucket in buckets(EDGES)
        if bucket.begins <= age and (bucket.ends is None or age < bucket.ends)
    ]
    assert found == [bucket_of(DUE, DUE + age, EDGES)]


def test_a_city_may_divide_elsewhere() -> None:
    edges = (timedelta(days=14), timedelta(days=90))
    assert [bucket.name for bucket in buckets(edges)] == ["0-14", "14-90", "90+"]
    assert named(DUE + timedelta(days=14), edges) == "14-90"

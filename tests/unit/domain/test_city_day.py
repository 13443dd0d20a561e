"""The city's day is that of its clock, whichever quarter of an hour a moment lies in."""

from datetime import UTC, datetime, timedelta, timezone

from hypothesis import given
from hypothesis import strategies as st

from citybrain.city_day import CITY_ZONE, city_day

offsets = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))


@given(st.datetimes(datetime(1890, 1, 1), datetime(2090, 1, 1)), offsets)
def test_it_is_the_day_of_the_city_s_clock(moment: datetime, zone: timezone) -> None:
    at = moment.replace(tzinfo=zone)
    assert city_day(at) == at.astimezone(CITY_ZONE).date()


@given(st.integers(0, 60 * 366), st.integers(-2, 2))
def test_also_around_its_midnights(day: int, microseconds: int) -> None:
    midnight = datetime(1970, 1, 2, tzinfo=CITY_ZONE) + timedelta(days=day)
    at = midnight.astimezone(UTC) + timedelta(microseconds=microseconds)
    assert city_day(at) == at.astimezone(CITY_ZONE).date()

"""Ages: one definition for consents and for rules, by the days of the city."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from citybrain.definitions.expressions import Expression
from citybrain.domain.ages import months_between, years_between

DAYS = st.dates(date(1900, 1, 1), date(2100, 1, 1))
LEAP_DAY = date(2008, 2, 29)


@pytest.mark.parametrize(
    ("born", "on", "years"),
    [
        (date(2012, 5, 1), date(2026, 4, 30), 13),
        (date(2012, 5, 1), date(2026, 5, 1), 14),
        (LEAP_DAY, date(2026, 2, 27), 17),
        (LEAP_DAY, date(2026, 2, 28), 18),
        (LEAP_DAY, date(2028, 2, 28), 19),
        (LEAP_DAY, date(2028, 2, 29), 20),
        (date(2026, 1, 1), date(2026, 1, 1), 0),
    ],
)
def test_an_age_begins_on_the_birthday(born: date, on: date, years: int) -> None:
    assert years_between(born, on) == years
    rule = Expression("years_between(born, today)")
    assert rule.value({"born": str(born), "today": str(on)}) == years


@given(DAYS, DAYS, DAYS)
def test_nobody_grows_younger(born: date, one: date, other: date) -> None:
    earlier, later = sorted((one, other))
    assert months_between(born, earlier) <= months_between(born, later)
    assert months_between(born, one) == -months_between(one, born)

"""A cap per plate and day: all stays of a day together never cost more, in whatever order told."""

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from citybrain.domain.parking.plate_day import spent_by_day
from citybrain.domain.parking.pricing import price
from citybrain.domain.parking.stay import Stay
from citybrain.domain.parking.tariff import Cap, CapPer
from tests.given.parking.tariffs import stay, street

MOST = 2000
CAPPED = street(caps=(Cap("most-of-a-day", CapPer.PLATE_DAY, MOST),))
FIRST = stay("2026-09-14T00:00", "2026-09-14T00:00")


@st.composite
def stays(draw: st.DrawFn) -> list[Stay]:
    """Stays one after the other, over three days."""
    found: list[Stay] = []
    at = FIRST.start
    for _ in range(draw(st.integers(1, 8))):
        begins = at + timedelta(minutes=draw(st.integers(1, 600)))
        at = begins + timedelta(minutes=draw(st.integers(1, 900)))
        found.append(Stay(start=begins, end=at, zone="1"))
    return found


@given(stays())
def test_p30_no_day_of_a_plate_costs_more_than_the_cap(each: list[Stay]) -> None:
    spent = spent_by_day(each, CAPPED)
    assert all(0 < fen <= MOST for fen in spent.values())
    assert spent_by_day(reversed(each), CAPPED) == spent
    alone = sum(price(one, street()).total_fen for one in each)
    assert sum(spent.values()) <= alone
    if all(fen < MOST for fen in spent.values()):
        assert sum(spent.values()) == alone

"""How often and how much an item pays from one thing, by what was paid from it here."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from citybrain.domain.applications.limits import (
    LimitReached,
    Limits,
    PaidAsMuch,
    PaidAsOften,
    PaidTooLately,
    Payment,
    check_limits,
)

NOW = datetime(2026, 3, 31, 2, 30, tzinfo=UTC)
ITEM = "living-allowance"


def paid(at: datetime = NOW, who: str = "a", fen: int = 100, service: str = ITEM) -> Payment:
    return Payment(service=service, application_id=who, citizen_id="c", amount_fen=fen, at=at)


def check(limits: Limits, *payments: Payment, who: str = "b", fen: int = 100, **at: Any) -> None:
    check_limits(
        limits, payments, at.get("now", NOW), service=ITEM, application_id=who, amount_fen=fen
    )


def test_once_is_once_for_ever() -> None:
    check(Limits(times=1))
    with pytest.raises(PaidAsOften):
        check(Limits(times=1), paid(NOW - timedelta(days=4000)))


def test_at_most_so_many_times() -> None:
    check(Limits(times=3), paid(who="x"), paid(who="y"))
    with pytest.raises(PaidAsOften):
        check(Limits(times=3), paid(who="x"), paid(who="y"), paid(who="z"))


@pytest.mark.parametrize(
    ("last", "now", "too_lately"),
    [
        ((2026, 1, 31), (2026, 2, 27), True),
        ((2026, 1, 31), (2026, 2, 28), False),  # the month's last day: Civil Code art. 202
        ((2026, 2, 28), (2026, 3, 27), True),
        ((2026, 2, 28), (2026, 3, 28), False),
        ((2026, 3, 28), (2026, 3, 28), True),
    ],
)
def test_once_in_a_month_of_the_city(
    last: tuple[int, int, int], now: tuple[int, int, int], too_lately: bool
) -> None:
    before, today = datetime(*last, 2, tzinfo=UTC), datetime(*now, 2, tzinfo=UTC)
    if not too_lately:
        check(Limits(months=1), paid(before), now=today)
        return
    with pytest.raises(PaidTooLately):
        check(Limits(months=1), paid(before), now=today)


def test_a_day_begins_when_the_citys_does() -> None:
    evening = datetime(2026, 1, 30, 16, tzinfo=UTC)  # the 31st in the city
    with pytest.raises(PaidTooLately):
        check(Limits(months=1), paid(evening), now=datetime(2026, 2, 27, 15, tzinfo=UTC))
    check(Limits(months=1), paid(evening), now=datetime(2026, 2, 27, 16, tzinfo=UTC))


def test_so_much_in_all_to_the_fen() -> None:
    check(Limits(most_fen=300), paid(), fen=200)
    with pytest.raises(PaidAsMuch):
        check(Limits(most_fen=300), paid(), fen=201)


def test_another_items_payments_do_not_count() -> None:
    check(Limits(1, 1, 100), paid(service="first-home-subsidy"))


def test_a_correction_of_the_same_application_is_not_another_time() -> None:
    check(Limits(times=1, months=12), paid(who="b"))
    with pytest.raises(PaidAsMuch):
        check(Limits(most_fen=150), paid(who="b"))


def test_of_two_limits_of_one_thing_both_hold() -> None:
    assert Limits(3, 1, None).tighter(Limits(2, 12, 500)) == Limits(2, 12, 500)
    assert Limits().tighter(Limits()) == Limits()


@given(
    st.lists(st.tuples(st.integers(0, 100), st.integers(1, 500)), max_size=30),
    st.integers(1, 4),
    st.integers(1, 6),
    st.integers(1, 1500),
)
def test_whatever_is_asked_no_limit_is_exceeded(
    asked: list[tuple[int, int]], times: int, months: int, most_fen: int
) -> None:
    payments: list[Payment] = []
    now = NOW
    for number, (days, fen) in enumerate(asked):
        now += timedelta(days=days)
        try:
            check(Limits(times, months, most_fen), *payments, who=str(number), fen=fen, now=now)
        except LimitReached:
            continue
        payments.append(paid(now, str(number), fen))
    assert len(payments) <= times
    assert sum(payment["amount_fen"] for payment in payments) <= most_fen
    for first, second in pairwise(payments):
        assert (second["at"] - first["at"]).days >= 28 * months

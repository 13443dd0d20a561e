"""The calendar of a berth: one holder at a time, whatever the order and the day."""

from datetime import datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from citybrain.domain.parking.calendar import BerthCalendar, BerthTaken, ClaimEnded
from citybrain.errors import Refused
from tests.given.parking.reservations import BERTH, clock
from tests.given.streams import replayed, topics

HELD, KEPT, FREED = "parking.calendar_held", "parking.calendar_kept", "parking.calendar_freed"


def opened() -> BerthCalendar:
    return BerthCalendar.open(clock("9:00"), berth=BERTH)


def hold(
    calendar: BerthCalendar,
    claim_id: str,
    now: str = "10:00",
    start: str = "14:00",
    end: str = "15:00",
    until: str = "10:10",
) -> None:
    calendar.hold(
        clock(now), claim_id=claim_id, start=clock(start), end=clock(end), until=clock(until)
    )


def keep(calendar: BerthCalendar, claim_id: str, now: str) -> None:
    calendar.keep(clock(now), claim_id=claim_id, start=clock("14:00"), end=clock("15:00"))


def test_the_second_finds_the_berth_taken_and_another_time_is_free() -> None:
    calendar = opened()
    hold(calendar, "a")
    for start, end in (("14:00", "15:00"), ("13:30", "14:01"), ("14:59", "16:00")):
        with pytest.raises(BerthTaken):
            hold(calendar, "b", start=start, end=end)
    hold(calendar, "b", start="13:00", end="14:00")
    hold(calendar, "c", start="15:00", end="16:00")


def test_a_span_over_midnight_is_one_decision() -> None:
    calendar = opened()
    hold(calendar, "a", start="23:00", end="25:00")
    for start, end in (("24:30", "26:00"), ("22:00", "23:30"), ("24:00", "24:30")):
        with pytest.raises(BerthTaken):
            hold(calendar, "b", start=start, end=end)
    hold(calendar, "b", start="25:00", end="26:00")


def test_a_hold_is_nobodys_from_the_moment_at_which_it_runs_out() -> None:
    calendar = opened()
    hold(calendar, "a")
    with pytest.raises(BerthTaken):
        hold(calendar, "b", now="10:09:59.9")
    hold(calendar, "b", now="10:10", until="10:20")
    with pytest.raises(BerthTaken):
        keep(calendar, "a", "10:10:01")


def test_a_hold_that_ran_out_is_kept_where_nobody_came() -> None:
    calendar = opened()
    hold(calendar, "a")
    keep(calendar, "a", "10:30")
    with pytest.raises(BerthTaken):
        hold(calendar, "b", now="13:00", until="13:10")


def test_told_twice_it_happens_once() -> None:
    calendar = opened()
    for _ in range(2):
        hold(calendar, "a")
    for _ in range(2):
        keep(calendar, "a", "10:05")
    hold(calendar, "a", now="10:06")  # it is kept already
    for _ in range(2):
        calendar.free(clock("10:07"), claim_id="a", end=clock("15:00"))
    assert topics(calendar) == ["parking.calendar_opened", HELD, KEPT, FREED]


def test_a_claim_that_was_given_up_is_never_made_again_by_who_has_not_heard() -> None:
    calendar = opened()
    calendar.free(clock("10:00"), claim_id="a", end=clock("15:00"))
    with pytest.raises(ClaimEnded):
        hold(calendar, "a")
    with pytest.raises(ClaimEnded):
        keep(calendar, "a", "10:00")
    hold(calendar, "b")


def test_nobody_has_a_berth_in_the_past() -> None:
    calendar = opened()
    with pytest.raises(ClaimEnded):
        hold(calendar, "a", now="15:00", until="15:10")


def test_a_clock_that_is_behind_does_not_bring_a_hold_back() -> None:
    calendar = opened()
    hold(calendar, "a")
    hold(calendar, "b", now="10:10", until="10:20")
    with pytest.raises(BerthTaken):
        keep(calendar, "a", "10:05")


def test_what_is_long_over_is_dropped() -> None:
    calendar = opened()
    hold(calendar, "a")
    keep(calendar, "a", "10:05")
    assert calendar.around(clock("14:20"), timedelta()) == ["a"]
    hold(calendar, "late", now="38:59", start="40:00", end="41:00", until="39:09")
    assert calendar.around(clock("14:20"), timedelta()) == ["a"]
    hold(calendar, "later", now="39:00", start="42:00", end="43:00", until="39:10")
    assert set(calendar.claims) == {"late", "later"}


def test_claims_around_a_moment() -> None:
    calendar = opened()
    hold(calendar, "second", start="15:00", end="16:00")
    hold(calendar, "first")
    ahead = timedelta(minutes=15)
    assert calendar.around(clock("13:44:59"), ahead) == []
    assert calendar.around(clock("13:45"), ahead) == ["first"]
    assert calendar.around(clock("14:50"), ahead) == ["first", "second"]
    assert calendar.around(clock("15:00"), ahead) == ["second"]
    assert calendar.around(clock("16:00"), ahead) == []


moments = st.integers(0, 60 * 24 * 3).map(lambda minute: clock("0:00") + timedelta(minutes=minute))
steps = st.tuples(
    st.sampled_from(["hold", "keep", "free"]),
    st.sampled_from("abcdef"),
    st.integers(1, 90),  # minutes until it happens
    moments,
    st.integers(1, 600),  # minutes that the span is long
)


@given(st.lists(steps, max_size=40))
def test_no_moment_ever_has_two_holders(drawn: list[tuple[str, str, int, datetime, int]]) -> None:
    calendar, now = BerthCalendar.open(clock("0:00"), berth=BERTH), clock("0:00")
    spans = {name: (start, start + timedelta(minutes=long)) for _, name, _, start, long in drawn}
    for what, name, wait, _, _ in drawn:
        now += timedelta(minutes=wait)
        start, end = spans[name]
        try:
            if what == "hold":
                until = now + timedelta(minutes=10)
                calendar.hold(now, claim_id=name, start=start, end=end, until=until)
            elif what == "keep":
                calendar.keep(now, claim_id=name, start=start, end=end)
            else:
                calendar.free(now, claim_id=name, end=end)
        except Refused:
            pass
        count = [
            (claim["start"], claim["end"])
            for claim in calendar.claims.values()
            if claim["until"] is None or claim["until"] > now
        ]
        ordered = sorted(count)
        assert all(one[1] <= other[0] for one, other in pairwise(ordered))
    again = replayed(list(calendar.collect_events()))
    assert (again.claims, again.ended) == (calendar.claims, calendar.ended)

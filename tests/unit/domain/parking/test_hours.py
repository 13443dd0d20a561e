"""P31, P60: hours of the wall clock, and what stays come to in them."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from citybrain.city_day import CITY_ZONE
from citybrain.domain.parking.hours import (
    OFFLINE,
    Berth,
    Stay,
    common,
    hours_between,
    metrics_of,
    offline_seconds,
    silences,
    united,
)
from tests.given.parking.city import at

BERLIN = ZoneInfo("Europe/Berlin")
LIMIT = timedelta(minutes=15)
DAY = at("00:00"), at("00:00", "2026-09-15")
HOURS = hours_between(*DAY, CITY_ZONE)


def occupied(*stays: tuple[str, str]) -> Berth:
    return Berth(stays=[Stay(at(begin), at(end)) for begin, end in stays])


def test_p60_one_stay_over_two_hours() -> None:
    berth = occupied(("10:20", "11:40"))
    ten, eleven = (metrics_of(HOURS[hour], [berth]) for hour in (10, 11))
    assert round(ten["occupancy_percent"], 4) == round(eleven["occupancy_percent"], 4) == 0.6667
    assert (ten["total_sessions"], eleven["total_sessions"]) == (1, 0)
    assert (ten["turnover"], eleven["turnover"]) == (1, 0)
    assert ten["average_dwell_time"] == 80
    assert "average_dwell_time" not in eleven
    dwell = sum(metrics_of(hour, [berth])["occupancy_percent"] * 3600 for hour in HOURS)
    assert dwell == pytest.approx(4800)
    zone = [berth, Berth(), Berth(), Berth()]
    assert metrics_of(HOURS[10], zone)["occupancy_percent"] == pytest.approx(2400 / (4 * 3600))


def test_p31_an_hour_that_is_there_twice_is_one_row_and_one_that_is_not_is_none() -> None:
    autumn = hours_between(
        datetime(2026, 10, 24, 22, tzinfo=UTC), datetime(2026, 10, 25, 23, tzinfo=UTC), BERLIN
    )
    assert [hour.hour for hour in autumn] == list(range(24))
    assert [hour.seconds for hour in autumn] == [7200 if hour == 2 else 3600 for hour in range(24)]
    berth = Berth(
        stays=[
            Stay(
                datetime(2026, 10, 25, 0, 30, tzinfo=UTC), datetime(2026, 10, 25, 1, 30, tzinfo=UTC)
            )
        ]
    )
    two = metrics_of(autumn[2], [berth])
    assert two["occupancy_percent"] == 0.5
    assert two["turnover"] == 0.5
    spring = hours_between(
        datetime(2026, 3, 28, 23, tzinfo=UTC), datetime(2026, 3, 29, 22, tzinfo=UTC), BERLIN
    )
    assert [hour.hour for hour in spring] == [hour for hour in range(24) if hour != 2]
    assert {hour.seconds for hour in spring} == {3600}


def test_only_whole_hours_are_told() -> None:
    hours = hours_between(at("10:01"), at("13:59:59"), CITY_ZONE)
    assert [hour.hour for hour in hours] == [11, 12]
    assert hours_between(at("10:00"), at("11:00"), CITY_ZONE)[0].hour == 10
    assert hours_between(at("10:00"), at("10:59:59"), CITY_ZONE) == []
    kathmandu = hours_between(at("10:00"), at("13:00"), ZoneInfo("Asia/Kathmandu"))
    assert [(hour.hour, hour.seconds) for hour in kathmandu] == [(8, 3600), (9, 3600)]


def test_most_of_an_hour_without_anybody_looking_is_offline() -> None:
    ten = HOURS[10]
    for minute, offline in ((30, False), (31, True)):
        berth = Berth(silent=[(ten.begins, ten.begins + timedelta(minutes=minute))])
        assert (metrics_of(ten, [berth])["total_sessions"] == OFFLINE) is offline
    dark = Berth(silent=[(ten.begins, ten.ends)])
    assert set(metrics_of(ten, [dark, Berth(), Berth()]).values()) != {OFFLINE}
    assert set(metrics_of(ten, [dark, dark, Berth()]).values()) == {OFFLINE}
    assert set(metrics_of(ten, []).values()) == {OFFLINE}


def test_who_was_seen_to_leave_was_there_however_silent_it_was() -> None:
    ten = HOURS[10]
    window = ten.begins, ten.ends
    berth = occupied(("10:00", "11:30"))
    berth.silent = [window]
    assert offline_seconds(berth, window) == 0
    berth.lost = [(at("10:10"), at("10:50"))]
    assert offline_seconds(berth, window) == 40 * 60
    there = Berth(stays=[Stay(at("10:00"), None)], silent=[window])
    assert offline_seconds(there, window) == 3600, "that it is still there nobody has seen"


def test_silence_begins_after_the_limit() -> None:
    window = at("10:00"), at("11:00")
    heard = [at("09:50"), at("10:20"), at("10:30")]
    assert silences(heard, window, LIMIT) == [
        (at("10:05"), at("10:20")),
        (at("10:45"), at("11:00")),
    ]
    assert silences([], window, LIMIT) == [window]
    every = [at("09:50") + timedelta(minutes=10 * number) for number in range(8)]
    assert silences(every, window, LIMIT) == []


MINUTES = st.tuples(st.integers(0, 1439), st.integers(1, 1440))


@given(st.lists(MINUTES, max_size=6))
def test_what_is_taken_of_all_hours_is_how_long_all_stood_there(
    drawn: list[tuple[int, int]],
) -> None:
    begin, end = DAY
    stays, at_minute = [], 0
    for gap, length in drawn:
        since = at_minute + gap % 200
        until = min(since + length % 300 + 1, 1440)
        if since < until:
            stays.append((since, until))
        at_minute = until
    berth = Berth(
        stays=[
            Stay(begin + timedelta(minutes=since), begin + timedelta(minutes=until))
            for since, until in stays
        ]
    )
    found = [metrics_of(hour, [berth]) for hour in HOURS]
    taken = sum(each["occupancy_percent"] * 3600 for each in found)
    assert taken == pytest.approx(sum(until - since for since, until in stays) * 60)
    assert sum(each["total_sessions"] for each in found) == len(stays)
    assert all(0 <= each["occupancy_percent"] <= 1 for each in found)
    assert end - begin == timedelta(days=1)


SPANS = st.lists(MINUTES, max_size=6).map(
    lambda drawn: united(
        (DAY[0] + timedelta(minutes=since), DAY[0] + timedelta(minutes=since + length % 90 + 1))
        for since, length in drawn
    )
)


@given(SPANS, SPANS, st.integers(0, 1600))
def test_what_is_common_is_in_both(
    one: list[tuple[datetime, datetime]], other: list[tuple[datetime, datetime]], minute: int
) -> None:
    moment = DAY[0] + timedelta(minutes=minute)

    def holds(spans: list[tuple[datetime, datetime]]) -> bool:
        return any(begin <= moment < end for begin, end in spans)

    assert holds(common(one, other)) is (holds(one) and holds(other))

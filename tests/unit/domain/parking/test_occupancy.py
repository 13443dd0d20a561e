"""What counts are worth, and how hours are made of them."""

from collections import Counter
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from citybrain.definitions.parking.rules import ParkingRulesDefinitions
from citybrain.domain.parking.occupancy import (
    UNKNOWN,
    Count,
    CountAnomaly,
    Counting,
    CountState,
    Passed,
    followed,
    hours,
    judge,
)
from citybrain.domain.parking.place import PlaceVersion
from tests.given.services import DEFINITIONS

NINE = datetime(2026, 9, 14, 9, tzinfo=UTC)
BERLIN, CITY = ZoneInfo("Europe/Berlin"), ZoneInfo("Asia/Shanghai")
SECOND = timedelta(seconds=1)


def counting(
    capacity: int | None = 250, sentinels: tuple[int, ...] = (), drift: int = 5
) -> Counting:
    return Counting(
        capacity=capacity, sentinels=sentinels, drift=drift, silence_seconds=900, version="1"
    )


def count(
    at: datetime, free: int | None, capacity: int | None = 100, silence: int = 86_400
) -> Count:
    judged = judge(free, counting(capacity))
    return Count(
        read_at=at, free=free, state=judged.state, capacity=capacity, silence_seconds=silence
    )


@pytest.mark.parametrize(
    ("free", "how", "state", "anomaly", "off_by"),
    [
        (0, {}, "known", None, 0),
        (250, {}, "known", None, 0),
        (251, {}, "unknown", "free-above-capacity", 0),
        (479, {"capacity": None}, "known", None, 0),
        (-1, {}, "full-counter-off", "counter-off", 1),
        (-5, {}, "full-counter-off", "counter-off", 5),
        (-6, {}, "unknown", "counter-drifted", 6),
        (-27, {"capacity": None}, "unknown", "counter-drifted", 27),
        (-6, {"drift": 6}, "full-counter-off", "counter-off", 6),
        (-1, {"drift": 0}, "unknown", "counter-drifted", 1),
        (-100, {"sentinels": (-100,)}, "unknown", "sentinel", 0),
        (-1, {"sentinels": (-1,)}, "unknown", "sentinel", 0),
        (999, {"sentinels": (999,), "capacity": None}, "unknown", "sentinel", 0),
        (None, {}, "unknown", "count-missing", 0),
    ],
)
def test_p57_what_a_count_is_worth(
    free: int | None, how: dict[str, Any], state: str, anomaly: str | None, off_by: int
) -> None:
    judged = judge(free, counting(**how))
    assert (judged.state, judged.anomaly, judged.off_by) == (state, anomaly, off_by)


@given(
    st.none() | st.integers(-10_000, 10_000),
    st.none() | st.integers(0, 5_000),
    st.lists(st.integers(-600, 600), max_size=3),
    st.integers(0, 30),
)
def test_p57_an_occupancy_is_never_above_all_or_below_nothing(
    free: int | None, capacity: int | None, sentinels: list[int], drift: int
) -> None:
    judged = judge(free, counting(capacity, tuple(sentinels), drift))
    found = Count(
        read_at=NINE, free=free, state=judged.state, capacity=capacity, silence_seconds=900
    )
    if found.occupancy is not None:
        assert 0 <= found.occupancy <= 1
        assert capacity
        assert judged.state in (CountState.KNOWN, CountState.FULL_COUNTER_OFF)
    if judged.state is CountState.UNKNOWN:
        assert found.places_free is None
        assert judged.anomaly is not None
    if free is not None and free in sentinels:
        assert judged.state is CountState.UNKNOWN
    if judged.state is CountState.FULL_COUNTER_OFF:
        assert (found.places_free, found.free) == (0, free)
        assert judged.anomaly is CountAnomaly.COUNTER_OFF


def test_p58_what_was_said_last_grows_stale() -> None:
    last = count(NINE, 40, silence=900)
    at = [timedelta(minutes=14, seconds=59), timedelta(minutes=15)]
    assert [last.state_at(NINE + each) for each in at] == ["known", "stale"]
    assert last.free == 40


def test_rules_hold_where_a_facility_says_nothing() -> None:
    rules = DEFINITIONS.of(ParkingRulesDefinitions).at(NINE)
    plain = PlaceVersion(valid_from=NINE, name="garage", geometry=None, capacity=9)
    own = PlaceVersion(
        valid_from=NINE, name="garage", geometry=None, drift=0, silence_seconds=60, sentinels=[-1]
    )
    found = Counting.of(plain, rules)
    assert (found.capacity, found.drift, found.silence_seconds) == (9, 5, 900)
    found = Counting.of(own, rules)
    assert (found.drift, found.silence_seconds, found.sentinels) == (0, 60, (-1,))
    assert found.version == f"{NINE.isoformat()}|{rules.version}"


def of_day(zone: ZoneInfo, year: int, month: int, day: int) -> tuple[datetime, datetime]:
    begin = datetime(year, month, day, tzinfo=zone)
    return begin.astimezone(UTC), (begin + timedelta(days=1)).astimezone(UTC)


def test_p31_an_hour_that_the_clocks_repeat_is_one_and_one_that_they_skip_is_none() -> None:
    autumn = hours([], *of_day(BERLIN, 2026, 10, 25), BERLIN)
    assert [(each.hour, each.seconds) for each in autumn] == [
        (hour, 7200 if hour == 2 else 3600) for hour in range(24)
    ]
    spring = hours([], *of_day(BERLIN, 2026, 3, 29), BERLIN)
    assert [each.hour for each in spring] == [hour for hour in range(24) if hour != 2]
    assert {each.seconds for each in spring} == {3600}
    plain = hours([], *of_day(CITY, 2026, 3, 29), CITY)
    assert [each.hour for each in plain] == list(range(24))


def test_p31_the_repeated_hour_counts_both_its_halves() -> None:
    first = datetime(2026, 10, 25, 0, tzinfo=UTC)  # 02:00 in Berlin, summer time
    counts = [count(first, 50), count(first + timedelta(hours=1), 0)]
    (two,) = [h for h in hours(counts, *of_day(BERLIN, 2026, 10, 25), BERLIN) if h.hour == 2]
    assert (two.seconds, two.known_seconds, two.readings) == (7200, 7200, 2)
    assert (two.occupancy, two.mean_free) == (0.75, 25)


@pytest.mark.parametrize(
    ("minutes", "occupancy"), [(29, UNKNOWN), (30, 0.6), (31, 0.6), (60, 0.6), (0, UNKNOWN)]
)
def test_p57_an_hour_is_unknown_where_most_of_it_is(minutes: int, occupancy: float) -> None:
    """Half of it is not most of it."""
    counts = [count(NINE, 40)] if minutes else []
    if minutes < 60:
        counts.append(count(NINE + timedelta(minutes=minutes), 101))
    (hour,) = hours(counts, NINE, NINE + timedelta(hours=1), CITY)
    assert hour.occupancy == pytest.approx(occupancy)
    assert hour.known_seconds == minutes * 60
    assert (hour.mean_free == UNKNOWN) == (occupancy == UNKNOWN)


def test_an_hour_is_the_mean_over_time() -> None:
    counts = [
        count(NINE - timedelta(hours=3), 100),
        count(NINE + timedelta(minutes=15), 60),
        count(NINE + timedelta(minutes=30), -3),
        count(NINE + timedelta(minutes=45), -3, capacity=None),
    ]
    (hour,) = hours(counts, NINE, NINE + timedelta(hours=1), CITY)
    assert (hour.hour, hour.known_seconds, hour.readings) == (17, 3600, 3)
    assert hour.occupancy == pytest.approx((0 + 0.4 + 1) / 3)
    assert hour.mean_free == (100 + 60 + 0 + 0) / 4


def test_what_was_said_holds_for_its_time_only() -> None:
    counts = [count(NINE, 40, silence=900)]
    (hour,) = hours(counts, NINE, NINE + timedelta(hours=1), CITY)
    assert (hour.known_seconds, hour.occupancy) == (900, UNKNOWN)


def test_without_a_capacity_there_is_no_ratio() -> None:
    (hour,) = hours([count(NINE, 40, capacity=None)], NINE, NINE + timedelta(hours=1), CITY)
    assert (hour.occupancy, hour.mean_free) == (None, 40)


@given(
    st.dictionaries(st.integers(-120, 40 * 60), st.none() | st.integers(-20, 120), max_size=12),
    st.sampled_from([BERLIN, CITY, ZoneInfo("Australia/Lord_Howe"), ZoneInfo("Asia/Kathmandu")]),
    st.sampled_from([datetime(2026, 10, 24, 20, tzinfo=UTC), datetime(2026, 4, 4, 3, tzinfo=UTC)]),
    st.integers(1, 1500),
)
def test_hours_are_whole_and_agree_with_looking_every_minute(
    said: dict[int, int | None], zone: ZoneInfo, since: datetime, silence: int
) -> None:
    counts = [
        count(since + timedelta(minutes=at), free, 100, silence * 60)
        for at, free in sorted(said.items())
    ]
    found = hours(counts, since, since + timedelta(hours=36), zone)
    assert sum(hour.seconds for hour in found) == 36 * 3600
    known: Counter[tuple[date, int]] = Counter()
    for minute in range(36 * 60):
        at = since + timedelta(minutes=minute)
        last = [each for each in counts if each.read_at <= at][-1:]
        if [each.state_at(at) for each in last] in (["known"], ["full-counter-off"]):
            local = at.astimezone(zone)
            known[local.date(), local.hour] += 60
    for hour in found:
        assert hour.known_seconds == known[hour.date, hour.hour]
        assert hour.occupancy == UNKNOWN or 0 <= (hour.occupancy or 0) <= 1


@given(
    st.lists(st.tuples(st.integers(0, 600), st.integers(-3, 3)), max_size=12),
    st.dictionaries(st.integers(0, 600), st.integers(0, 100), min_size=1, max_size=5),
    st.integers(0, 600),
)
def test_p17_loops_move_the_last_reading_and_the_next_one_corrects_them(
    passed: list[tuple[int, int]], readings: dict[int, int], asked: int
) -> None:
    """Beside a loop over all that was said before a moment."""
    counts = [count(NINE + at * SECOND, free) for at, free in sorted(readings.items())]
    passages = [Passed(NINE + at * SECOND, places) for at, places in sorted(passed)]
    found = [each for each in followed(counts, passages) if each.read_at <= NINE + asked * SECOND]
    before = [at for at in readings if at <= asked]
    if not before:
        assert found == []
        return
    since = max(before)
    free = readings[since] + sum(places for at, places in passed if since < at <= asked)
    assert found[-1].free == free
    assert found[-1].state == judge(free, counting(100, drift=max(0, -free))).state
    assert [each for each in found if each.counted_at is None] == counts[: len(before)]


def test_p17_what_is_not_believed_is_not_moved_and_nothing_outlasts_its_reading() -> None:
    at = [NINE + minutes * 60 * SECOND for minutes in range(4)]
    passages = [Passed(each, 1) for each in at[1:]]
    assert followed([count(at[0], None)], passages) == [count(at[0], None)]
    found = followed([count(at[0], 5, silence=120)], passages)
    assert [(each.read_at, each.free, each.holds_until) for each in found] == [
        (at[0], 5, at[2]),
        (at[1], 6, at[2]),
    ]
    (hour,) = hours(found, NINE, NINE + timedelta(hours=1), CITY)
    assert hour.readings == 1

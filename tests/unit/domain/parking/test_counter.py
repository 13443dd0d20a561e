"""A day of a counter: what is said again changes nothing, what differs is refused."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from citybrain.domain.actor import Actor, NotYourDevice, Role, RoleNotAllowed
from citybrain.domain.parking import counter as module
from citybrain.domain.parking.counter import (
    CounterDayFull,
    CounterReadingDiffers,
    CounterRefReused,
    ParkingCounter,
    check_may_count,
    day_of,
    stream_of_day,
)
from citybrain.domain.parking.occupancy import Counting, judge

NINE = datetime(2026, 9, 14, 1, tzinfo=UTC)
COUNTING = Counting(capacity=100, sentinels=(), drift=5, silence_seconds=900, version="1")


def opened() -> ParkingCounter:
    return ParkingCounter.open(NINE, place_id="G1", day="2026-09-14")


def read(
    counter: ParkingCounter, free: int | None, minutes: float = 0, ref: str | None = None
) -> bool:
    return counter.read(
        NINE,
        occurred_at=NINE + timedelta(minutes=minutes),
        free=free,
        device_id="L1",
        ref=ref,
        judged=judge(free, COUNTING),
        counting=COUNTING,
    )


def test_a_reading_is_kept_once_as_it_was_reported() -> None:
    counter = opened()
    assert [read(counter, free, minutes) for minutes, free in enumerate((40, -3, 479, None))] == [
        True
    ] * 4
    assert [read(counter, free, minutes) for minutes, free in enumerate((40, -3, 479, None))] == [
        False
    ] * 4
    events: list[Any] = [*counter.collect_events()][1:]
    said = [(event.free, event.state, event.anomaly, event.off_by) for event in events]
    assert said == [
        (40, "known", None, 0),
        (-3, "full-counter-off", "counter-off", 3),
        (479, "unknown", "free-above-capacity", 0),
        (None, "unknown", "count-missing", 0),
    ]
    assert {event.counting_version for event in events} == {"1"}


def test_one_moment_has_one_reading() -> None:
    counter = opened()
    read(counter, 40)
    for free in (41, None):
        with pytest.raises(CounterReadingDiffers):
            read(counter, free)
    with pytest.raises(CounterReadingDiffers):
        read(counter, 41, ref="a")


def test_a_reference_is_of_one_reading() -> None:
    counter = opened()
    read(counter, 40, ref="a")
    assert read(counter, 40, ref="a") is False
    with pytest.raises(CounterRefReused):
        read(counter, 40, minutes=1, ref="a")
    assert read(counter, 40, minutes=1, ref="b")


def test_readings_may_come_in_any_order() -> None:
    counter = opened()
    assert read(counter, 40, minutes=5)
    assert read(counter, 41, minutes=1)


def test_a_day_has_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_A_DAY", 2)
    counter = opened()
    read(counter, 40)
    read(counter, 41, minutes=1)
    with pytest.raises(CounterDayFull):
        read(counter, 42, minutes=2)
    assert read(counter, 41, minutes=1) is False


def test_the_stream_is_of_a_day_of_the_city() -> None:
    evening = datetime(2026, 9, 14, 15, 59, 59, tzinfo=UTC)
    assert day_of(evening) == "2026-09-14"
    assert day_of(evening + timedelta(seconds=1)) == "2026-09-15"
    stream = opened().id
    assert stream == stream_of_day("G1", "2026-09-14")
    assert stream.startswith("parking_counter-")
    assert stream.endswith("-2026-09-14")


def test_a_device_counts_in_its_own_name() -> None:
    check_may_count(Actor("L1", frozenset({Role.CAMERA})), "L1")
    check_may_count(Actor("import", frozenset({Role.SYSTEM})), "anything")
    check_may_count(Actor("g", frozenset({Role.GATEWAY}), acts_for=frozenset({"L*"})), "L1")
    with pytest.raises(NotYourDevice):
        check_may_count(Actor("L2", frozenset({Role.CAMERA})), "L1")
    for role in (Role.OPERATOR, Role.OFFICIAL, Role.KIOSK, Role.CITIZEN):
        with pytest.raises(RoleNotAllowed):
            check_may_count(Actor("L1", frozenset({role}), "parking"), "L1")

"""Five minutes of a detector: the same sums in whatever order readings come, and however often."""

from collections.abc import Sequence
from datetime import UTC, datetime
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from citybrain.domain.signals.five_minutes import (
    FIVE_MINUTES_MS,
    Added,
    Carried,
    FiveMinutes,
    Mark,
    Sums,
    begins_of,
    record_of,
)
from citybrain.domain.signals.layout import Detector, DetectorKind
from citybrain.domain.signals.observation import Reading
from citybrain.domain.signals.signal_events import milliseconds

HOUR = 3_600_000
LOOP = Detector("D7", DetectorKind.LOOP, "cabinet-1", lane="side_1", to_m=2.0)
D9 = Detector(
    "D9", DetectorKind.LOOP, "cabinet-1", lane="side_1", to_m=2.0,
    longest_presence_ms=HOUR, silent_after_ms=HOUR,
)  # fmt: skip


def clock(hour: int, minute: int = 0, second: int = 0) -> int:
    return milliseconds(datetime(2026, 9, 14, hour, minute, second, tzinfo=UTC))


TEN = clock(10)
OVER = TEN + FIVE_MINUTES_MS


def five(*readings: Reading, begins: int = TEN) -> FiveMinutes:
    found = FiveMinutes(begins)
    for reading in readings:
        found.add(record_of(reading, begins))
    return found


def summed(*readings: Reading, carried: Carried | None = None, until: int = OVER) -> Sums:
    return five(*readings).sums(LOOP, carried, until)


@st.composite
def readings(draw: st.DrawFn) -> Reading:
    at = TEN + draw(st.integers(1, FIVE_MINUTES_MS))
    occupancy = draw(st.none() | st.integers(0, 10_000).map(lambda share: share / 10_000))
    return Reading(
        at,
        1000,
        passed=draw(st.none() | st.integers(0, 6)),
        occupancy=occupancy,
        speed=draw(st.none() | st.integers(0, 3000).map(lambda speed: speed / 100)),
        queue=draw(st.none() | st.integers(0, 40)),
        occupied=draw(st.none() | st.booleans()),
    )


@given(
    st.lists(readings(), max_size=40, unique_by=lambda each: each.at),
    st.lists(st.integers(0, 39), max_size=40),
    st.randoms(use_true_random=False),
)
def test_s24_counts_are_the_same_in_whatever_order_and_however_often_they_come(
    said: list[Reading], again: list[int], chance: Random
) -> None:
    sent = said + [said[each % len(said)] for each in again if said]
    chance.shuffle(sent)
    assert five(*sent).sums(LOOP, None, OVER) == five(*said).sums(LOOP, None, OVER)
    one, other = five(*sent[::2]), five(*sent[1::2])
    one.merge(FiveMinutes.unpacked(TEN, other.packed()))
    assert one.packed() == five(*said).packed()


def test_what_is_said_again_is_known_and_what_differs_does_not_count() -> None:
    found = FiveMinutes(TEN)
    for reading, added in (
        (Reading(TEN + 4000, 1000, passed=2), Added.NEW),
        (Reading(TEN + 1000, 1000, passed=1), Added.NEW),
        (Reading(TEN + 4000, 1000, passed=2), Added.KNOWN),
        (Reading(TEN + 4000, 1000, passed=3), Added.DIFFERS),
        (Reading(TEN + 1000, 1000, passed=1), Added.KNOWN),
    ):
        assert found.add(record_of(reading, TEN)) is added
    assert found.sums(LOOP, None, OVER).vehicles == 3


def test_what_ends_with_the_five_minutes_belongs_to_them() -> None:
    assert begins_of(Reading(OVER, 1000, passed=1)) == TEN
    assert begins_of(Reading(OVER, occupied=True)) == OVER


def test_sums_of_a_whole_time() -> None:
    every = [
        Reading(TEN + (second + 1) * 1000, 1000, second % 2, 0.25, 10.0 if second % 2 else None, 3)
        for second in range(300)
    ]
    found = summed(*every)
    assert (found.readings, found.vehicles, found.occupancy) == (300, 150, 0.25)
    assert (found.speed, found.queue_mean, found.queue_most) == (10.0, 3.0, 3)
    assert (found.known_ms, found.marks) == (FIVE_MINUTES_MS, frozenset())


def test_the_speed_of_many_vehicles_weighs_more() -> None:
    found = summed(
        Reading(TEN + 1000, 1000, 3, speed=10.0),
        Reading(TEN + 2000, 1000, 1, speed=20.0),
        Reading(TEN + 3000, 1000, 0, speed=30.0),
    )
    assert found.speed == 12.5


def test_what_is_known_of_little_of_the_time_is_marked() -> None:
    found = summed(Reading(TEN + 60_000, 60_000, 12))
    assert (found.vehicles, found.known_ms) == (12, 60_000)
    assert found.marks == {Mark.PARTIAL, Mark.SILENT}
    running = five(Reading(TEN + 60_000, 60_000, 12)).sums(LOOP, None, TEN + 60_000)
    assert running.marks == {Mark.OPEN}


def test_s22_chatter_is_marked_and_the_count_stands() -> None:
    found = summed(*(Reading(TEN + second * 1000, 1000, 4) for second in range(1, 11)))
    assert found.vehicles == 40
    assert Mark.ERRATIC in found.marks


def test_nothing_said_is_nothing_and_no_free_street() -> None:
    found = summed()
    assert (found.vehicles, found.occupancy, found.carried) == (None, None, None)
    assert found.marks == {Mark.PARTIAL, Mark.SILENT}


def s23(said: Sequence[Reading], detector: Detector, until: int) -> dict[int, Sums]:
    """The five minutes from 19:55 to 21:45, each with what goes on from the one before."""
    found: dict[int, Sums] = {}
    carried = None
    for begins in range(clock(19, 55), clock(21, 45), FIVE_MINUTES_MS):
        own = [each for each in said if begins_of(each) == begins and each.at <= until]
        sums = five(*own, begins=begins).sums(detector, carried, max(begins, until))
        found[begins], carried = sums, sums.carried
    return found


ON, OFF = Reading(clock(19, 58, 4), occupied=True), Reading(clock(21, 41, 7), occupied=False)


@pytest.mark.parametrize("until", [clock(20, 45), clock(22)])
def test_s23_a_state_is_carried_into_the_time_that_is_asked_for(until: int) -> None:
    found = s23([ON, OFF], D9, until)
    asked = [found[clock(20, minute)] for minute in (30, 35, 40)]
    assert [each.occupancy for each in asked] == [1.0, 1.0, 1.0]
    assert [each.known_ms for each in asked] == [FIVE_MINUTES_MS] * 3
    assert [each.readings for each in asked] == [0, 0, 0]


def test_s23_beyond_the_silence_limit_it_is_unknown() -> None:
    found = s23([ON], D9, clock(22))
    assert found[clock(20, 50)].occupancy == 1.0
    last = found[clock(20, 55)]
    assert (last.occupancy, last.known_ms) == (1.0, 184_000)
    assert {Mark.SILENT, Mark.PARTIAL, Mark.STUCK_ON} == last.marks
    after = found[clock(21)]
    assert (after.occupancy, after.known_ms) == (None, 0)
    assert after.marks == {Mark.SILENT, Mark.PARTIAL}
    assert s23([ON, OFF], D9, clock(22))[clock(21, 40)].occupancy == 0.0


def test_a_loop_that_says_its_states_counts_who_comes_in() -> None:
    states = [
        Reading(TEN + at * 1000, occupied=occupied)
        for at, occupied in ((0, False), (10, True), (12, False), (20, True), (25, False))
    ]
    found = summed(*states, until=TEN + 50_000)
    assert (found.vehicles, found.occupancy, found.known_ms) == (2, 7 / 50, 50_000)

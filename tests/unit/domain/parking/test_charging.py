"""When a car was charged, by what a charger said: in any order, and what that is priced by."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from citybrain.domain.parking.charging import charging_of, charging_times, note_charging
from citybrain.domain.parking.presence import Observation, Presence, Sign, presences_of
from citybrain.domain.parking.session import ParkingSession
from citybrain.domain.parking.stay import Span
from tests.given.parking.sessions import follow, opened

ELEVEN = datetime(2026, 9, 14, 3, tzinfo=UTC)
BEGAN, ENDED = Sign.CHARGING_BEGAN, Sign.CHARGING_ENDED


def after(minutes: float) -> datetime:
    return ELEVEN + timedelta(minutes=minutes)


def said(*signs: tuple[float, Sign]) -> list[Observation]:
    return [Observation(f"s{n}", after(at), sign, "c-1") for n, (at, sign) in enumerate(signs)]


def only(signs: list[Observation]) -> Presence:
    (presence,) = presences_of(signs, same_arrival=timedelta(0)).presences
    return presence


STAY = ((0.0, Sign.ARRIVED), (107.0, Sign.LEFT))
CHARGER = st.lists(
    st.tuples(st.integers(0, 120).map(float), st.sampled_from((BEGAN, ENDED))),
    max_size=6,
    unique_by=lambda each: each[0],
)


@given(CHARGER, st.randoms(use_true_random=False))
def test_p55_told_in_any_order_it_was_charged_at_the_same_times(
    charger: list[tuple[float, Sign]], random: Random
) -> None:
    signs = said(*STAY, *charger)
    times = charging_times(only(signs))
    told = random.sample(signs, len(signs))
    assert charging_times(only(told)) == times
    assert only(told).left_at == after(107)
    for one, other in pairwise(times):
        assert one.ends is not None
        assert one.begins <= one.ends <= other.begins


def test_an_end_alone_was_charged_since_it_came_and_a_second_end_changes_nothing() -> None:
    presence = only(said(*STAY, (60, ENDED), (70, ENDED)))
    assert charging_times(presence) == [Span(ELEVEN, after(60))]
    presence = only(said(*STAY, (5, BEGAN), (60, ENDED), (80, BEGAN)))
    assert charging_times(presence) == [Span(after(5), after(60)), Span(after(80))]


def test_who_unplugs_and_leaves_at_once_ends_no_charging_of_the_next_car() -> None:
    signs = said((0, Sign.ARRIVED), (75, ENDED), (75, Sign.LEFT), (75, Sign.ARRIVED))
    first, second = presences_of(signs, same_arrival=timedelta(0)).presences
    assert charging_times(first) == [Span(ELEVEN, after(75))]
    assert charging_times(second) == []


def session(presence: Presence) -> ParkingSession:
    found = opened()
    note_charging(found, ELEVEN, presence)
    follow(found, presence)
    return found


def test_what_is_known_of_charging_is_said_once_and_prices_anew() -> None:
    presence = only(said(*STAY, (60, ENDED)))
    found = session(presence)
    events, facts = len(found.pending_events), found.facts
    note_charging(found, ELEVEN, presence)
    assert len(found.pending_events) == events
    note_charging(found, ELEVEN, only(said(*STAY, (60, ENDED), (20, BEGAN))))
    assert found.facts == facts + 1
    assert list(charging_of([found])) == [Span(after(20), after(60))]


def test_who_has_moved_on_stands_at_that_charger_no_more() -> None:
    first = session(only(said(*STAY, (60, ENDED))))
    second = session(only(said((108, Sign.ARRIVED), (200, Sign.LEFT))))
    assert list(charging_of([first, second])) == [
        Span(ELEVEN, after(60)),
        Span(after(107), after(200)),
    ]
    third = session(only(said((201, Sign.ARRIVED), (210, BEGAN), (230, Sign.LEFT))))
    assert list(charging_of([first, second, third]))[1:] == [
        Span(after(107), third.arrived_at),
        Span(after(210)),
    ]

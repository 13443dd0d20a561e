"""From signs to presences: whatever order they come in, and never longer than was seen."""

from datetime import UTC, datetime, timedelta
from itertools import permutations
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from citybrain.domain.parking.plates import Plate
from citybrain.domain.parking.presence import (
    Beginning,
    Ending,
    Found,
    Observation,
    Sign,
    presences_of,
)
from tests.given.parking.plates import plate

DAY = datetime(2026, 9, 14, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
CAR, ALIKE, OTHER = plate("豫A5S510"), plate("豫A5S51D"), plate("豫A99999")


Said = tuple[str, Sign, Plate | None]


def at(clock: str) -> datetime:
    hour, minute, *second = map(int, clock.split(":"))
    return DAY + timedelta(hours=hour, minutes=minute, seconds=sum(second))


def said(*signs: Said) -> list[Observation]:
    """Signs of one berth: when, what, and the plate, if one was read."""
    return [
        Observation(f"d{number}", at(clock), sign, "c-1", read)
        for number, (clock, sign, read) in enumerate(signs)
    ]


def found(*signs: Said) -> Found:
    return presences_of(said(*signs), same_arrival=MINUTE)


def spans(result: Found) -> list[tuple[str, str | None, str | None]]:
    return [
        (
            f"{each.arrived_at:%H:%M}",
            f"{each.left_at:%H:%M}" if each.left_at else None,
            each.ending.value if each.ending else None,
        )
        for each in result.presences
    ]


ARRIVED, LEFT, OCCUPIED, EMPTY = Sign.ARRIVED, Sign.LEFT, Sign.OCCUPIED, Sign.EMPTY
OPENED, LOST, RESTORED = Sign.OPENED, Sign.LOST, Sign.RESTORED


@pytest.mark.parametrize("order", list(permutations(range(2))))
def test_p12_departure_before_arrival(order: tuple[int, ...]) -> None:
    signs = said(("10:00", ARRIVED, CAR), ("10:45", LEFT, CAR))
    result = presences_of([signs[place] for place in order], same_arrival=MINUTE)
    assert spans(result) == [("10:00", "10:45", Ending.SEEN)]
    assert result.strays == ()


def test_p18_camera_silent_for_three_hours() -> None:
    before = (("09:15", ARRIVED, CAR), ("10:00", LOST, None), ("13:00", RESTORED, None))
    charged = ("09:15", "10:00", Ending.SILENT)
    assert spans(found(*before, ("13:01", EMPTY, None))) == [charged]
    assert spans(found(*before, ("13:01", ARRIVED, OTHER))) == [charged, ("13:01", None, None)]
    assert spans(found(*before, ("13:01", OCCUPIED, None))) == [charged, ("13:01", None, None)]
    assert spans(found(*before, ("13:01", LEFT, None))) == [charged]
    assert spans(found(*before, ("13:01", OCCUPIED, CAR))) == [("09:15", None, None)]
    assert spans(found(*before, ("13:01", LEFT, CAR))) == [("09:15", "13:01", Ending.SEEN)]


@pytest.mark.parametrize(
    ("second", "same"),
    [
        (("10:00:20", ARRIVED, None), True),  # a sensor in the ground beside the camera
        (("10:00:20", ARRIVED, ALIKE), True),
        (("10:30", ARRIVED, CAR), True),
        (("10:30", OCCUPIED, None), True),
        (("10:30", OCCUPIED, ALIKE), True),
        (("10:30", ARRIVED, None), False),
        (("10:30", ARRIVED, ALIKE), False),
        (("10:30", OCCUPIED, OTHER), False),
    ],
)
def test_an_arrival_into_an_occupied_berth_is_another_car_unless_it_is_the_same(
    second: Said, same: bool
) -> None:
    result = found(("10:00", ARRIVED, CAR), ("10:10", OCCUPIED, None), second)
    taken = ("10:00", "10:10", Ending.TAKEN)
    assert spans(result) == (
        [("10:00", None, None)] if same else [taken, (second[0][:5], None, None)]
    )


def test_a_departure_that_was_never_seen_ends_at_the_last_proof() -> None:
    result = found(("10:00", ARRIVED, CAR), ("10:20", OCCUPIED, None), ("11:00", EMPTY, None))
    assert spans(result) == [("10:00", "10:20", Ending.NOT_SEEN)]


def test_what_an_officer_says_ends_it_when_the_officer_says() -> None:
    signs = said(("10:00", ARRIVED, CAR))
    by_hand = Observation("d9", at("10:50"), EMPTY, "by-hand", by_hand=True)
    result = presences_of([*signs, by_hand], same_arrival=MINUTE)
    assert spans(result) == [("10:00", "10:50", Ending.BY_HAND)]


def test_a_car_that_was_not_seen_arriving_stands_there_from_the_first_sign() -> None:
    result = found(("10:05", OCCUPIED, CAR), ("10:45", LEFT, None))
    assert [each.beginning for each in result.presences] == [Beginning.FOUND]
    assert spans(result) == [("10:05", "10:45", Ending.SEEN)]


@pytest.mark.parametrize(("opened", "proof"), [(True, "14:03"), (False, "09:00")])
def test_p16_barrier_held_open_for_an_ambulance(opened: bool, proof: str) -> None:
    signs: list[Said] = [("09:00", ARRIVED, CAR), ("20:00", ARRIVED, CAR)]
    if opened:
        signs += [("14:03", OPENED, None), ("15:00", OPENED, None)]
    result = presences_of(said(*signs), same_arrival=MINUTE, gates=True)
    assert spans(result) == [("09:00", proof, Ending.NOT_SEEN), ("20:00", None, None)]


def test_whoever_is_read_on_leaving_after_an_opening_left_then() -> None:
    signs = said(("09:00", ARRIVED, CAR), ("14:03", OPENED, None), ("15:00", LEFT, CAR))
    result = presences_of(signs, same_arrival=MINUTE, gates=True)
    assert spans(result) == [("09:00", "15:00", Ending.SEEN)]


def test_a_departure_of_nobody_is_nobodys() -> None:
    result = found(("12:00", LEFT, CAR))
    assert (result.presences, result.strays) == ((), ("d0",))


SIGNS = st.lists(
    st.tuples(
        st.integers(0, 600), st.sampled_from(list(Sign)), st.sampled_from([None, CAR, ALIKE, OTHER])
    ),
    max_size=14,
)


def observations(drawn: list[tuple[int, Sign, Plate | None]]) -> list[Observation]:
    return [
        Observation(f"d{number:02}", DAY + timedelta(minutes=minutes), sign, "c-1", read)
        for number, (minutes, sign, read) in enumerate(drawn)
    ]


@given(SIGNS, st.randoms(use_true_random=False))
def test_in_any_order_they_come_to_the_same(
    drawn: list[tuple[int, Sign, Plate | None]], chance: Random
) -> None:
    signs = observations(drawn)
    shuffled = list(signs)
    chance.shuffle(shuffled)
    assert presences_of(shuffled, same_arrival=MINUTE) == presences_of(signs, same_arrival=MINUTE)


@given(SIGNS)
def test_nobody_stays_longer_than_was_seen_and_no_two_are_on_one_place(
    drawn: list[tuple[int, Sign, Plate | None]],
) -> None:
    signs = observations(drawn)
    result = presences_of(signs, same_arrival=MINUTE)
    proofs = {each.at for each in signs}
    until = datetime.min.replace(tzinfo=UTC)
    for each in result.presences:
        assert each.arrived_at >= until
        assert each.arrived_at in proofs
        assert each.left_at is None or (each.left_at >= each.arrived_at and each.left_at in proofs)
        until = each.left_at or datetime.max.replace(tzinfo=UTC)
    used = [sign for each in result.presences for sign in each.signs]
    assert len(used) == len(set(used))
    assert not set(used) & set(result.strays)

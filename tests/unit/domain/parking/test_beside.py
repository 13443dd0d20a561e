"""Where else a plate is: one car seen twice, moved on, or two cars; however it came to be known."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from citybrain.definitions.parking.rules import ParkingRulesDefinitions
from citybrain.domain.parking.beside import Found, Standing, compare, metres_apart
from tests.given.services import DEFINITIONS

NINE = datetime(2026, 9, 14, 1, tzinfo=UTC)
RULES = DEFINITIONS.of(ParkingRulesDefinitions).at(NINE)
NORTH = 1 / 111_195
PLACES = {"b1": 0.0, "b2": 5.0, "b3": 10.0, "b9": 400.0, "garage": 18_000.0}


def standing(
    name: str, place: str, begins: float, ends: float | None, *, final: bool = False
) -> Standing:
    """A presence from so many minutes after nine on; None: it is still there."""
    return Standing(
        presence_id=name,
        place_id=place,
        zone_id=None if place == "garage" else "z1",
        position=(34.7 + PLACES[place] * NORTH, 113.6),
        arrived_at=NINE + timedelta(minutes=begins),
        left_at=None if ends is None else NINE + timedelta(minutes=ends),
        final=final,
    )


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        (("b1", 0, 50), ("b2", 50 + 40 / 60, 100), "continues"),  # P20
        (("b1", 0, 50), ("b1", 50 + 40 / 60, 100), "continues"),  # out and in again
        (("b1", 0, 50), ("b2", 53, 100), "continues"),
        (("b1", 0, 50), ("b2", 53.02, 100), None),
        (("b1", 0, 50), ("b2", 49.5, 100), "continues"),  # clocks of devices differ
        (("b1", 0, 50), ("b2", 48.9, 100), "same"),  # it stood across both
        (("b1", 0, 30), ("b2", 0, 30), "same"),  # P20
        (("b1", 0, 40), ("b2", 1 / 3, None), "same"),  # P10
        (("b1", 0, None), ("b2", 1 / 3, None), "same"),
        (("b1", 0, 60), ("b9", 30, 90), "conflict"),
        (("b1", 0, None), ("garage", 20, None), "conflict"),  # P10
        (("b1", 0, 60), ("garage", 68.9, 90), "conflict"),
        (("b1", 0, 60), ("garage", 69.1, 90), None),  # 120 km/h
    ],
)
def test_p10_p20_what_two_presences_of_a_plate_are(
    first: tuple[str, float, float | None],
    second: tuple[str, float, float | None],
    expected: str | None,
) -> None:
    found = compare([standing("one", *first), standing("two", *second)], RULES)
    said = {
        "same": found.same == {"two": "one"},
        "continues": found.continues == {"two": "one"},
        "conflict": list(found.conflicts) == [("one", "two")],
    }
    assert [what for what, so in said.items() if so] == ([expected] if expected else [])


def test_p20_without_a_gap_nothing_goes_on() -> None:
    rules = replace(RULES, merge_gap=timedelta())
    stays = [standing("one", "b1", 0, 50), standing("two", "b2", 50, 100)]
    assert compare(stays, rules) == Found()


def test_what_is_final_stays_what_it_is() -> None:
    early, late = standing("one", "b1", 0, 30), standing("two", "b2", 0.1, 30)
    assert compare([early, late], RULES).same == {"two": "one"}
    assert compare([early, replace(late, final=True)], RULES).same == {"one": "two"}
    both = [replace(early, final=True), replace(late, final=True)]
    assert compare(both, RULES).same == {}


def test_what_was_settled_first_goes_on_with_what_is_told_later() -> None:
    """The second berth told all of it, and was paid, before anybody knew of the first."""
    first, second = standing("one", "b1", 0, 50), standing("two", "b2", 51, 100, final=True)
    assert compare([second, first], RULES).continues == {"two": "one"}
    far = standing("three", "garage", 55, 90, final=True)
    assert list(compare([far, first], RULES).conflicts) == [("one", "three")]


STANDINGS = st.lists(
    st.tuples(
        st.sampled_from(sorted(PLACES)),
        st.integers(0, 240).map(lambda half: half / 2),
        st.none() | st.integers(0, 120).map(lambda half: half / 2),
        st.booleans(),
    ),
    max_size=6,
    unique_by=lambda drawn: drawn[:2],
)
Drawn = Sequence[tuple[str, float, float | None, bool]]


def standings(drawn: Drawn) -> list[Standing]:
    return [
        standing(f"p{number}", place, begins, None if long is None else begins + long, final=final)
        for number, (place, begins, long, final) in enumerate(drawn)
    ]


@given(STANDINGS, st.randoms(use_true_random=False))
def test_in_any_order_they_come_to_the_same(drawn: Drawn, chance: Random) -> None:
    known = standings(drawn)
    shuffled = chance.sample(known, len(known))
    assert compare(shuffled, RULES) == compare(known, RULES)


@given(STANDINGS)
def test_one_is_of_one_stay_and_near_ones_are_never_a_conflict(drawn: Drawn) -> None:
    known = {each.presence_id: each for each in standings(drawn)}
    found = compare(list(known.values()), RULES)
    for other, main in found.same.items():
        assert main not in found.same
        assert not known[other].final
        assert other not in found.continues
        assert other not in found.continues.values()
    for second, first in found.continues.items():
        assert known[first].arrived_at <= known[second].arrived_at
        assert first != second
    for one, two in found.conflicts:
        apart = metres_apart(known[one], known[two])
        assert apart is not None
        assert apart > RULES.clone_near_m
        assert not {one, two} & found.same.keys()

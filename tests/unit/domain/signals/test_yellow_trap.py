"""Nobody who turns left and yields sees yellow while the others go on (S36), whoever decides."""

from pathlib import Path
from random import Random

import pytest

from citybrain.definitions.signals.junctions import DatedJunction
from citybrain.domain.signals import people
from citybrain.domain.signals.lamps import Shown
from citybrain.domain.signals.rules import Rule, Source
from tests.given.signals.attack import Attack, at_random
from tests.given.signals.mutations import no_interruption
from tests.given.signals.permissive import PERMISSIVE
from tests.given.signals.x1 import Street, at, loaded, violations

GREEN, ENDING, RED = Shown.GREEN, Shown.ENDING, Shown.RED


@pytest.fixture(scope="module")
def turns(tmp_path_factory: pytest.TempPathFactory) -> DatedJunction:
    return loaded(Path(tmp_path_factory.mktemp("city")), PERMISSIVE)


def shown(street: Street, t: float) -> list[Shown]:
    """What the two directions show."""
    return [street.shown("N", t), street.shown("S", t)]


def test_s36_both_end_together_and_one_goes_on_after_the_others_yellow(
    turns: DatedJunction,
) -> None:
    street = Street.green(turns, "A")
    assert street.wish(20, "B") is None
    assert shown(street, 20) == [ENDING, ENDING]
    assert shown(street, 23.5) == [RED, ENDING]
    assert shown(street, 24.9) == [RED, RED]
    assert shown(street, 25) == [GREEN, RED], "its yellow of 3 s, and the least red"
    street.wish(21, "B")
    street.collect()
    assert not violations(PERMISSIVE, street.events, 60)


def test_s36_a_person_and_the_centre_wait_for_the_minimum_of_both(turns: DatedJunction) -> None:
    street = Street.green(turns, "C")
    assert street.wish(10, "A") is None, "whoever yields may begin at any time"
    assert street.green_from("N") == 10
    assert street.wish(16.9, "B") is Rule.MINIMUM_GREEN
    assert street.wish(17, "B") is None
    assert shown(street, 17) == [ENDING, ENDING]
    people.take_in_hand(street.signal, at(30), by="o-1", reason="look", until=at(90))
    assert street.wish(31, "A", source=Source.HAND) is None
    assert street.wish(37.9, "C", source=Source.HAND) is Rule.MINIMUM_GREEN
    assert street.wish(38, "C", source=Source.HAND) is None
    street.collect()
    assert not violations(PERMISSIVE, street.events, 60)


def test_s36_a_vehicle_on_duty_waits_for_it_too(turns: DatedJunction) -> None:
    street = Street.green(turns, "C")
    street.wish(10, "A")
    street.preempt(12, "B")
    assert street.signal.granted == "E1"
    assert shown(street, 16.9) == [GREEN, GREEN], "it has its green, and so has who yields to it"
    street.run(12, 30)
    assert shown(street, 17) == [ENDING, ENDING]
    assert street.green_from("N") == 22
    street.collect()
    assert not violations(PERMISSIVE, street.events, 60)


def test_s36_who_comes_from_opposite_begins_when_who_turned_has_red(turns: DatedJunction) -> None:
    street = Street.green(turns, "C")
    assert street.wish(20, "B") is None
    assert street.green_from("N") == 24, "the yellow of S is 4 s"
    street.collect()
    assert not violations(PERMISSIVE, street.events, 60)


def test_s36_the_checker_finds_a_trap(
    turns: DatedJunction, monkeypatch: pytest.MonkeyPatch
) -> None:
    trapping = no_interruption(monkeypatch, turns)
    for before, after in (("A", "B"), ("C", "B")):
        street = Street.green(trapping, before)
        assert street.wish(20, after) is None
        street.collect()
        (found,) = violations(PERMISSIVE, street.events, 60)
        assert (found.rule, found.groups) == (2, ("S", "N"))
        assert "yellow trap" in found.text


@pytest.mark.parametrize("seed", range(3))
def test_in_any_order_nobody_is_trapped(turns: DatedJunction, seed: int) -> None:
    attack = Attack(Street(turns))
    attack.go(at_random(Random(seed), 200))
    assert attack.found() == []

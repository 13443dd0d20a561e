"""Yellow, intergreens, minimum greens and walks of a junction, at the tenth of a second."""

from copy import deepcopy
from pathlib import Path

import pytest

from citybrain.definitions.signals.junctions import DatedJunction
from citybrain.domain.signals import people
from citybrain.domain.signals.lamps import Shown
from citybrain.domain.signals.rules import Rule, Source
from tests.given.signals.x1 import X1, Street, at, loaded


@pytest.fixture
def x1(tmp_path: Path) -> DatedJunction:
    return loaded(tmp_path)


def test_s03_nothing_goes_from_yellow_back_to_green(x1: DatedJunction) -> None:
    for preempting in (False, True):
        street = Street.green(x1, "A", since=-30)
        assert street.wish(0, "B") is None
        assert street.shown("V1", 1.4) is Shown.ENDING
        if preempting:
            street.preempt(1.5, "A")
        else:
            assert street.wish(1.5, "A") is None
        assert street.shown("V1", 2.9) is Shown.ENDING
        assert street.shown("V1", 3.0) is Shown.RED
        assert street.shown("V1", 4.9) is Shown.RED
        assert street.shown("V1", 5.0) is Shown.GREEN
        assert street.shown("L1", 100) is Shown.RED


def test_s03_a_green_that_is_wanted_during_yellow_is_refused_by_its_rule(x1: DatedJunction) -> None:
    street = Street.green(x1, "A", since=-30)
    street.wish(0, "B")
    assert street.wish(1.5, "A", green_at=2.0) is Rule.COLOUR_ORDER
    assert street.wish(1.5, "A", green_at=4.9) is Rule.COLOUR_ORDER
    only_v1 = frozenset({"V1"})
    assert street.wish(1.5, None, groups=only_v1, green_at=4.9) is Rule.COLOUR_ORDER
    assert street.wish(1.5, None, groups=only_v1, green_at=5.0) is None


def test_s04_each_group_has_its_own_yellow_and_the_last_one_decides(tmp_path: Path) -> None:
    said = deepcopy(X1)
    said["groups"]["V3"] = {"kind": "vehicle", "yellow": 4.0, "maximum": 60, "longest_wait": 120}
    said["conflicts"].append(["V3", "V2"])
    said["intergreens"]["V3"] = {"V2": 7}
    said["intergreens"]["V2"]["V3"] = 6
    said["stages"]["D"] = ["V1", "V3"]
    said["plans"]["day"]["cycle"] = 120
    said["plans"]["day"]["splits"].append({"stage": "D", "seconds": 30})
    said["plans"]["day"]["twice"] = ["V1"]
    street = Street.green(loaded(tmp_path, said), "D", since=-30)
    assert street.wish(0, None, groups=frozenset({"V2"})) is None
    assert [street.shown("V1", t) for t in (2.9, 3.0)] == [Shown.ENDING, Shown.RED]
    assert [street.shown("V3", t) for t in (3.9, 4.0)] == [Shown.ENDING, Shown.RED]
    assert street.green_from("V2") == 7.0


def test_s05_a_minimum_is_a_time_and_no_number_of_ticks(x1: DatedJunction) -> None:
    street = Street.green(x1, "B", since=2.5)
    assert street.wish(5, "C") is Rule.MINIMUM_GREEN
    assert street.wish(9.4, "C") is Rule.MINIMUM_GREEN
    assert street.wish(10, "C") is None
    assert street.shown("L1", 9.9) is Shown.GREEN
    assert street.shown("L1", 10) is Shown.ENDING


def test_s05_to_the_tenth(x1: DatedJunction) -> None:
    street = Street.green(x1, "B", since=2.5)
    assert street.wish(9.5, "C") is None


def test_s08_a_pre_emption_cuts_the_walk_and_never_what_follows_it(x1: DatedJunction) -> None:
    street = Street.green(x1, "A", since=0)
    assert street.wish(3, "B") is Rule.PEDESTRIANS
    refused = street.collect()[-1]
    assert refused.broken == [int(Rule.PEDESTRIANS), int(Rule.MINIMUM_GREEN)]
    street.preempt(3, "B")
    assert street.shown("P1", 3) is Shown.ENDING
    assert street.shown("P1", 22.9) is Shown.ENDING
    assert street.shown("P1", 23) is Shown.RED
    assert street.shown("V1", 6.9) is Shown.GREEN
    assert street.shown("V1", 7.0) is Shown.ENDING
    assert street.green_from("L1") == 23.0


def test_s08_a_definition_may_forbid_to_cut_the_walk(tmp_path: Path) -> None:
    said = X1 | {"limits": {"preemption_cuts_walk": False}}
    street = Street.green(loaded(tmp_path, said), "A", since=0)
    street.preempt(3, "B")
    assert street.shown("P1", 6.9) is Shown.GREEN
    assert street.green_from("L1") == 27.0


def test_groups_that_conflict_are_never_wished_for_together(x1: DatedJunction) -> None:
    street = Street.green(x1, "A", since=-30)
    before = dict(street.signal.lamp_times)
    both = frozenset({"V1", "V2"})
    assert street.wish(0, None, groups=both) is Rule.CONFLICT
    people.take_in_hand(street.signal, at(0), by="o-1", reason="look", until=at(60))
    assert street.wish(0, None, groups=both, source=Source.HAND) is Rule.CONFLICT
    assert street.signal.lamp_times == before


def test_a_green_that_would_come_before_the_junction_is_clear_is_refused(x1: DatedJunction) -> None:
    street = Street.green(x1, "A", since=-30)
    assert street.wish(0, "C", green_at=19.9) is Rule.INTERGREEN
    assert street.wish(0, "C", green_at=20.0) is None
    assert street.green_from("V2") == 20.0

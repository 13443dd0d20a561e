"""Nobody waits without end, whatever a strategy prefers."""

from pathlib import Path

import pytest

from citybrain.definitions.signals.junctions import DatedJunction
from citybrain.domain.signals import people
from citybrain.domain.signals.centre import note_absence, note_presence
from citybrain.domain.signals.lamps import Shown
from citybrain.domain.signals.rules import Rule
from citybrain.domain.signals.signal import Signal
from tests.given.signals.x1 import X1, Street, at, loaded, violations


@pytest.fixture
def x1(tmp_path: Path) -> DatedJunction:
    return loaded(tmp_path)


def test_s07_who_pressed_once_walks_in_time_whatever_is_preferred(x1: DatedJunction) -> None:
    street = Street.green(x1, "A", since=0)
    assert street.call(5, "P2")
    assert not street.call(6, "P2")
    street.run(5, 200)
    walk = street.green_from("P2")
    assert walk <= 95
    assert street.shown("P2", walk + 6.9) is Shown.GREEN
    causes = [each.cause for each in street.collect() if hasattr(each, "cause")]
    assert causes == ["maximum-green"]


def test_s07_a_call_survives_other_modes_and_midnight(x1: DatedJunction) -> None:
    street = Street.green(x1, "A", since=0)
    assert street.call(5, "P2")
    people.change_mode(street.signal, at(10), "local", by="o-1", reason="look")
    people.change_mode(street.signal, at(11), "centre", by="o-1", reason="look")
    carried = street.signal.carried
    street.signal.close(at(12), next_day="2026-09-15")
    street.collect()
    street.signal = Signal.open(at(12), x1.junction, day="2026-09-15", carried=carried)
    assert not street.call(13, "P2"), "a second press changes nothing"
    street.run(13, 200)
    walk = street.green_from("P2")
    assert walk <= 95
    street.collect()
    assert not violations(X1, street.events, 200)


def test_a_green_that_power_ends_at_its_first_moment_serves_nobody(x1: DatedJunction) -> None:
    street = Street.green(x1, "A", since=0)
    street.call(5, "L1")
    assert street.wish(10, "B") is None
    begins = street.green_from("L1")
    people.power_up(street.signal, street.junction, at(begins), "A")
    assert street.signal.calls.keys() == {"L1"}
    street.run(begins, begins + 300)
    street.collect()
    assert not violations(X1, street.events, begins + 300)


def test_s07_the_walk_is_not_ended_before_its_minimum(x1: DatedJunction) -> None:
    street = Street.green(x1, "A", since=0)
    street.call(5, "P2")
    street.run(5, 100)
    walk = street.green_from("P2")
    assert street.wish(walk + 6.9, "A") is Rule.PEDESTRIANS
    assert street.wish(walk + 7.0, "A") is None
    assert street.shown("P2", walk + 20.9) is Shown.ENDING
    assert street.shown("P2", walk + 21.0) is Shown.RED
    assert street.green_from("V1") == walk + 21.0


def test_s26_the_one_car_of_the_side_street(tmp_path: Path) -> None:
    said = X1 | {"groups": {code: each | {"maximum": 600} for code, each in X1["groups"].items()}}
    street = Street.green(loaded(tmp_path, said), "A", since=0)
    street.call(10, "V2")
    for t in range(11, 3600, 5):
        if street.signal.stage == "A":
            street.run(t - 5, t)
    assert street.green_from("V2") <= 130
    assert [each.cause for each in street.collect() if hasattr(each, "cause")] == ["maximum-red"]
    assert not violations(said, street.events, 3600)


def test_s26_a_change_after_which_somebody_could_not_be_served_is_refused(tmp_path: Path) -> None:
    said = X1 | {"groups": {code: each | {"maximum": 600} for code, each in X1["groups"].items()}}
    street = Street.green(loaded(tmp_path, said), "A", since=0)
    street.call(1, "V2")
    assert street.wish(95, "B") is Rule.MAXIMUM_RED
    assert street.wish(95, "C") is None


def test_who_is_served_waits_no_more_and_may_call_again(x1: DatedJunction) -> None:
    street = Street.green(x1, "A", since=0)
    street.call(5, "L1")
    assert street.wish(20, "B") is None
    assert street.green_from("L1") == 40
    assert not street.call(41, "L1"), "it is green"
    assert street.wish(50, "C") is None
    assert street.call(51, "L1")
    assert street.signal.calls == {"L1": street.signal.calls["L1"]}


def test_a_green_that_is_given_up_serves_nobody(x1: DatedJunction) -> None:
    street = Street.green(x1, "A", since=0)
    street.call(5, "L1")
    street.wish(20, "B")
    street.wish(25, "C")
    assert "L1" in street.signal.calls
    assert street.shown("L1", 45) is Shown.RED
    street.run(25, 200)
    assert street.green_from("L1") <= 125


def test_a_green_that_was_still_to_come_is_at_its_maximum_as_well(x1: DatedJunction) -> None:
    """Who calls before it begins is not held up by it for longer than by any other."""
    street = Street.green(x1, "C", since=0)
    assert street.wish(20, "A") is None
    assert street.green_from("P1") == 26
    assert street.call(25, "L1")
    street.run(25, 150)
    street.collect()
    assert street.shown("P1", 85.9) is Shown.GREEN
    assert street.shown("P1", 86) is Shown.ENDING
    assert not violations(X1, street.events, 150)


@pytest.mark.parametrize("said", [True, False])
def test_whoever_waited_while_nobody_decided_is_served_within_a_round(
    x1: DatedJunction, said: bool
) -> None:
    """The log cannot know what the street did by itself; that nobody decided stands in it."""
    street = Street.green(x1, "A", since=0)
    street.call(5, "P2")
    street.collect()
    if said:
        street.call(299, "L1")  # a button is no decision
        note_absence(street.signal, street.junction, at(300), at(6))
        note_absence(street.signal, street.junction, at(305), at(298))
    street.run(300, 400)
    note_presence(street.signal, at(400))
    assert street.signal.faults == {}
    street.collect()
    assert {each.rule for each in violations(X1, street.events, 400)} == (set() if said else {5, 6})
    assert sum(each.TOPIC == "signal.fault_raised" for each in street.events) == said

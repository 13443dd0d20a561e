"""Emergency vehicles at a junction."""

from pathlib import Path

import pytest

from citybrain.definitions.signals.junctions import DatedJunction
from citybrain.domain.signals import people, priority
from citybrain.domain.signals.lamps import Shown
from citybrain.domain.signals.rules import Rule
from citybrain.domain.signals.signal_events import StageApplied, milliseconds
from tests.given.signals.x1 import X1, Street, at, loaded, violations


@pytest.fixture
def x1(tmp_path: Path) -> DatedJunction:
    return loaded(tmp_path)


def test_s09_the_second_of_one_level_waits_and_knows_how_long(x1: DatedJunction) -> None:
    street = Street.green(x1, "C", since=-60)
    street.preempt(0, "C", "E1", lasts=60)
    street.preempt(4, "A", "E2", lasts=100)
    assert street.signal.granted == "E1"
    assert priority.in_order(street.signal) == ["E1", "E2"]
    assert priority.expected(street.signal, "E2") == street.signal.preemptions["E1"]["until"]
    street.pass_by(15, "E1")
    assert street.signal.granted == "E2"
    assert (street.green_from("P1"), street.green_from("V1")) == (21, 29)
    street.collect()
    assert not violations(X1, street.events, 60)


def test_s09_a_higher_level_takes_over_with_all_clearances(x1: DatedJunction) -> None:
    street = Street.green(x1, "A", since=-60)
    street.preempt(0, "C", "E1")
    street.preempt(22, "A", "E2", level=2)
    told = [each for each in street.collect() if hasattr(each, "instead_of")]
    assert [(each.preemption, each.instead_of) for each in told] == [("E1", None), ("E2", "E1")]
    assert street.shown("V2", 26.9) is Shown.GREEN, "green since 20, to its minimum"
    assert street.shown("V2", 27.0) is Shown.ENDING
    assert street.shown("P2", 22) is Shown.ENDING
    assert (street.green_from("P1"), street.green_from("V1")) == (33, 36)
    street.pass_by(40, "E2")
    assert street.signal.granted == "E1"
    street.collect()
    assert not violations(X1, street.events, 100)


def test_s12_the_plan_is_joined_again_after_the_vehicle(x1: DatedJunction) -> None:
    street = Street(x1)
    people.power_up(street.signal, street.junction, at(-300), "A")
    street.run(-300, 130)
    street.preempt(130, "C", lasts=100)
    street.run(130, 170)
    street.pass_by(170)
    street.run(170, 600)
    street.collect()
    applied = [each for each in street.events if isinstance(each, StageApplied)]
    begins = [each.starts["V1"] - milliseconds(at(0)) for each in applied if "V1" in each.starts]
    cycle = street.plan.cycle_ms
    assert [each % cycle for each in begins if each < 130_000] == [0] * 4
    late = [each for each in begins if each > 170_000]
    assert [each % cycle for each in late[1:]] == [0] * (len(late) - 1), "within one cycle"
    assert len(late) >= 4
    assert not violations(X1, street.events, 600)


def test_s12_who_waited_longest_comes_first_after_the_vehicle(tmp_path: Path) -> None:
    said = X1 | {"groups": {code: each | {"maximum": 600} for code, each in X1["groups"].items()}}
    street = Street.green(loaded(tmp_path, said), "A", since=-200)
    street.wish(-100, "B")
    street.call(-10, "V1")
    street.preempt(39, "C", lasts=200)
    street.call(40, "L1")
    street.pass_by(100)
    (ended,) = [each for each in street.collect() if hasattr(each, "waited_ms")]
    assert ended.waited_ms == {"V1": 110_000, "L1": 60_000}
    assert street.wish(100, "B") is Rule.MAXIMUM_RED
    street.run(100, 101)
    assert street.signal.stage == "A"
    assert street.shown("V2", 102.9) is Shown.ENDING
    street.collect()
    assert not violations(said, street.events, 120)


def test_a_vehicle_has_the_junction_for_some_minutes_at_most(x1: DatedJunction) -> None:
    street = Street.green(x1, "A", since=-60)
    with pytest.raises(priority.PreemptionTooLong):
        street.preempt(0, "B", lasts=301)
    street.preempt(0, "B", lasts=60)
    with pytest.raises(priority.PreemptionKnown):
        street.preempt(1, "C")
    street.run(0, 61)
    assert street.signal.granted is None
    assert street.signal.preemptions == {}


def test_nobody_has_a_junction_that_flashes(x1: DatedJunction) -> None:
    street = Street(x1)
    street.preempt(0, "B")
    assert street.signal.granted is None
    people.power_up(street.signal, street.junction, at(1), "A")
    street.run(1, 17)
    assert street.signal.granted == "E1", "it has asked, and is granted when lamps are lit"
    people.report_conflict(street.signal, at(60), shown="V1 and V2 green")
    assert street.signal.granted is None
    street.collect()
    assert not violations(X1, street.events, 100)

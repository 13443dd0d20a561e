"""Nothing that is wished for, in any order, is unsafe: the independent checker finds nothing."""

from collections import Counter
from pathlib import Path
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings

from citybrain.definitions.signals.junctions import DatedJunction
from citybrain.domain.signals.rules import Rule
from citybrain.domain.signals.signal_events import StageApplied
from tests.given.signals.adversary import Adversary
from tests.given.signals.attack import CITY, STEPS, Attack, Step, at_random
from tests.given.signals.machine import SEARCHING, attacked
from tests.given.signals.x1 import Street, loaded
from tests.given.storm import STORM, repeated


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> DatedJunction:
    return loaded(Path(tmp_path_factory.mktemp("city")), CITY)


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS)
def test_in_any_order_nothing_unsafe_is_shown(city: DatedJunction, steps: list[Step]) -> None:
    attack = Attack(Street(city))
    attack.go(steps)
    assert attack.found() == []


def test_power_fails_at_the_moment_of_a_reset(city: DatedJunction) -> None:
    attack = Attack(Street(city))
    conflict, reset = ("conflict", 0.0, 0, 0, 0.0), ("reset", 28.6, 0, 0, 0.0)
    attack.go([conflict, reset, ("power", 0.0, 0, 0, 0.0)])
    assert attack.found() == [], "it has flashed all the time"


def test_nobody_goes_from_green_to_red_by_a_reset(city: DatedJunction) -> None:
    """Flashing lasts as long as a yellow at least, else whoever had green sees red at once."""
    attack = Attack(Street(city))
    conflict = ("conflict", 25.0, 0, 0, 0.0)
    attack.go([conflict, ("reset", 0.0, 0, 0, 0.0), ("reset", 2.9, 0, 0, 0.0)])
    assert attack.street.signal.flash is not None
    attack.go([("reset", 3.0, 0, 0, 0.0)])
    assert attack.street.signal.flash is None
    assert attack.found() == []


def test_a_change_with_a_long_clearance_goes_before_a_green_at_its_maximum(
    city: DatedJunction,
) -> None:
    """P2 is green with V2, which waits until P1 is off the street; V1 comes to wait meanwhile."""
    attack = Adversary(Street(city), Counter())
    attack.do(("mode", 8.5, 10, 0, 0.0))
    attack.do(("groups", 32.3, 38, 1, 0.0))
    assert attack.street.signal.groups == ["P1", "P2"]
    attack.do(("nothing", 59.3, 0, 0, 0.0))
    for group in ("V2", "V1"):
        attack.street.call(attack.now, group)
        attack.do(("nothing", 0.1, 0, 0, 0.0))
    attack.end()
    changes = [each for each in attack.street.events if isinstance(each, StageApplied)]
    assert [(each.stage, each.cause) for each in changes[1:3]] == [
        ("C", "maximum-green"),
        ("A", "maximum-green"),
    ]
    assert attack.found() == []


def test_after_a_vehicle_that_turned_a_change_back_one_round_is_allowed(
    city: DatedJunction,
) -> None:
    """P1 clears for C as it takes the junction for a second: P1 is green again 17 s after it."""
    attack = Attack(Street(city))
    attack.do(("conflict", 35.3, 0, 0, 0.0))
    attack.do(("nothing", 57.8, 0, 0, 0.0))
    for group in attack.groups:
        attack.street.call(attack.now, group)
    attack.do(("reset", 66.8, 0, 0, 0.0))
    attack.do(("preempt", 16.9, 0, 0, 0.0))
    attack.end()
    changes = [each for each in attack.street.events if isinstance(each, StageApplied)]
    assert [each.cause for each in changes[1:5]] == [
        "maximum-red",
        "preemption",
        "maximum-red",
        "maximum-red",
    ]
    assert changes[2].given_up
    assert attack.found() == []


@pytest.mark.storm
@pytest.mark.parametrize("seed", range(4))
def test_a_long_attack(city: DatedJunction, seed: int) -> None:
    for part in range(repeated(5)):
        attack = Attack(Street(city))
        attack.go(at_random(Random(seed * 1000 + part), 250))
        assert attack.found() == []


@pytest.mark.storm
def test_what_must_be_refused_is_refused_by_its_rule(city: DatedJunction) -> None:
    """By chance and on purpose; in a storm 100 000 commands, and each rule that can be broken.

    Nobody can ask for a shorter yellow.
    """
    if STORM == 1:
        assert attacked(city, 100)["conflicting greens", "rule 1"]
        return
    tally = attacked(city, 100_000, SEARCHING)
    by = {int(said.split()[1]) for _, said in tally if said.startswith("rule ")}
    assert by == set(Rule) - {Rule.YELLOW}

"""Nothing that is wished for, in any order, is unsafe: the independent checker finds nothing."""

from pathlib import Path
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings

from citybrain.definitions.signals.junctions import DatedJunction
from tests.given.signals.attack import CITY, STEPS, Attack, Step, at_random
from tests.given.signals.x1 import Street, loaded, violations
from tests.given.storm import repeated


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> DatedJunction:
    return loaded(Path(tmp_path_factory.mktemp("city")), CITY)


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS)
def test_in_any_order_nothing_unsafe_is_shown(city: DatedJunction, steps: list[Step]) -> None:
    attack = Attack(Street(city))
    attack.go(steps)
    assert violations(CITY, attack.street.events, attack.now) == []


@pytest.mark.storm
@pytest.mark.parametrize("seed", range(4))
def test_a_long_attack(city: DatedJunction, seed: int) -> None:
    for part in range(repeated(5)):
        attack = Attack(Street(city))
        attack.go(at_random(Random(seed * 1000 + part), 250))
        assert violations(CITY, attack.street.events, attack.now) == []

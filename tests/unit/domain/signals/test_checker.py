"""The checker finds each rule that is switched off: one mutation of the decisions for each."""

from pathlib import Path

import pytest

from citybrain.definitions.signals.junctions import DatedJunction
from citybrain.domain.signals.rules import Rule
from tests.given.signals.attack import CITY
from tests.given.signals.mutations import MUTATIONS, found
from tests.given.signals.x1 import loaded


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> DatedJunction:
    return loaded(Path(tmp_path_factory.mktemp("city")), CITY)


def test_each_rule_is_switched_off_by_one() -> None:
    assert {rule for rule, _ in MUTATIONS.values()} == set(Rule)


@pytest.mark.parametrize("name", MUTATIONS)
def test_a_rule_that_is_switched_off_is_found(name: str, city: DatedJunction) -> None:
    rule, mutation = MUTATIONS[name]
    attacks, all_found = found(mutation, city, rule)
    assert attacks, f"rule {int(rule)} was switched off, and only {sorted(all_found)} were found"
